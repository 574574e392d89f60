"""Formats that few models have: objects of other languages, and networks of Paddle and Caffe."""

from __future__ import annotations

import base64
import json
import pickle
import struct

from mvc.scan.formats import model_config
from mvc.scan.formats.rare import networks, serialized
from mvc.scan.verdict import Verdict
from tests.formats.pickles import STOP
from tests.formats.test_onnx import message
from tests.scan.formats.cases import Case, check, report
from tests.scan.formats.test_graphs import X, graph, op
from tests.scan.structures import RUN

PICKLED = b"ARROW:extension:name\0\0\0\0arrow.py_extension_type\0"
SCHEMAS = [b"ARROW:schema" + base64.b64encode(bytes(shift) + PICKLED) for shift in range(3)]
OBJECTS = {
    "r": Case("m.rds", b"X\n\0\0\0\3\0\4\3\0\0\3\5\0", ("foreign-objects",)),
    "r workspace": Case("m.rda", b"RDX3\nX\n\0\0\0\3\0\4\3\0\0\3\5\0", ("foreign-objects",)),
    "r as text": Case("m", b"A\n3\n262912\n197888\n5\nUTF-8\n", ("foreign-objects",)),
    "r of this machine": Case("m", b"B\n\3\0\0\0\0\3\4\0", ("foreign-objects",)),
    "java": Case("m.model", b"\xac\xed\0\5sr\0\x11java.util.HashMap", ("foreign-objects",)),
    "dotnet": Case("m.bin", b"\0\1\0\0\0\xff\xff\xff\xff\1\0\0\0\0\0\0\0\x0c\2", ("foreign-objects",)),
    "julia": Case("m.jls", b"7JL\x1b\4\0\0\0" + bytes(20), ("foreign-objects",)),
    "julia in bson": Case("m.bson", b"\x20\0\0\0\3m\0\x15\0\0\0\2tag\0\7\0\0\0struct\0\0\0", ("foreign-objects",)),
    "ruby": Case("m.dat", b"\4\x08o:\x08Foo\0", ("foreign-objects",)),
    "perl": Case("m.dat", b"pst0\4\x0b\x08123", ("foreign-objects",)),
    "lua": Case("m.luac", b"\x1bLuaS\0\x19\x93", ("foreign-bytecode",)),
    "torch 7": Case("m.t7", b"\3\0\0\0\1\0\0\0" + b"\x08\0\0\0\x1bLJ\2\x0a", ("foreign-bytecode",)),
    "arrow": Case("m.arrow", b"ARROW1\0\0" + PICKLED + b"ARROW1", ("arrow-pickle",)),
    "stream": Case("m.arrow", b"\xff\xff\xff\xff\0\2\0\0" + PICKLED, ("arrow-pickle",)),
    **{
        f"parquet {shift}": Case("m.parquet", b"PAR1\0" + data + b"PAR1", ("arrow-pickle",))
        for shift, data in enumerate(SCHEMAS)
    },
}
NETWORKS = {
    "paddle": Case("m.pdmodel", message(1, message(4, message(3, b"save"))), ("paddle-operation",)),
    "old paddle": Case("a/__model__", message(1, message(4, message(3, b"py_func"))), ("paddle-operation",)),
    "caffe": Case("m.caffemodel", message(1, b"n") + message(100, message(130, message(1, b"my"), message(2, b"Crop"))), ("custom-module",)),
}  # fmt: skip


def program(operator: str) -> bytes:
    """A program of Paddle 3 with one operator."""
    block = {"#": "block_0", "args": [], "ops": [{"#": operator, "A": [], "I": [{"%": 1}], "O": [{"%": 2}], "OA": []}]}
    regions = [{"#": "region_0", "blocks": [block]}]
    return json.dumps({"base_code": {"magic": "pir", "version": 4}, "program": {"regions": regions}}).encode()


NETWORKS["paddle 3"] = Case("inference.json", program("1.save_combine"), ("paddle-operation",))
HONEST = [
    Case("inference.json", program("1.add")),
    Case("m.pdmodel", message(1, message(4, message(3, b"conv2d"), message(4, message(1, b"save"))))),
    Case("m.caffemodel", message(1, b"net") + message(100, message(1, b"c"), message(2, b"Convolution"))),
]
UNKNOWN = [
    Case("m.arrow", b"ARROW1\0\0" + bytes(40) + b"ARROW1"),
    Case("m.t7", b"\4\0\0\0\1\0\0\0\3\0\0\0V 1"),
    Case("m.dat", b"\xff\xff\xff\xff" + bytes(40)),
    Case("m.dat", b"X\n\1\2\3\4\5"),
    Case("ids.bin", struct.pack("<8q", 227, 0, 1 << 40, 0, 1, 2, 3, 4)),
    Case("m.bson", b"\x10\0\0\0\x10loss\0\1\0\0\0\0"),
    Case("m.dat", b"\4\x08\0\0\xff\1"),
]


PICKLE = b"\x80\2" + RUN + STOP
DATABASES = {
    "sqlite": b"SQLite format 3\0" + bytes(5000) + PICKLE,
    "sqlite, the first page of a value": b"SQLite format 3\0" + bytes(100) + b"\x80\2" + RUN + b"\0\0\0\1",
    "lmdb": bytes(10) + b"\x08\0" + bytes(4) + b"\xde\xc0\xef\xbe" + PICKLE,
    "arrow": b"ARROW1\0\0ray.data.arrow_tensor" + PICKLE,
    **{
        f"parquet {shift}": b"PAR1\0" + b"A" * shift + base64.b64encode(b"ARROW:schema" * 5 + PICKLE) + b"PAR1"
        for shift in range(3)
    },
}
NO_CALLS = b"SQLite format 3\0" + bytes(100) + pickle.dumps({"a": [1.5] * 2000}, 4)[:4096] + bytes(40)


def test_pickles_in_databases_and_tables_are_reported_where_they_call_something() -> None:
    cases = {name: Case("m.db", data, ("pickle-held",)) for name, data in DATABASES.items()}
    assert [f"{name}: {fault}" for name, case in cases.items() if (fault := check(case))] == []
    assert report(Case("m.db", NO_CALLS)).verdict is Verdict.UNKNOWN


def test_what_other_languages_and_frameworks_run_is_reported() -> None:
    cases = OBJECTS | NETWORKS
    assert [f"{name}: {fault}" for name, case in cases.items() if (fault := check(case))] == []
    rules = {rule for case in cases.values() for rule in case.rules}
    own = (set(serialized.RULES) | set(networks.RULES)) - set(model_config.RULES)
    assert rules == {rule.id for rule in own} | {"custom-module"}


def test_what_runs_nothing_is_not_reported() -> None:
    assert [fault for case in HONEST if (fault := check(case))] == []
    assert {report(case).verdict for case in UNKNOWN} == {Verdict.UNKNOWN}


def test_a_frozen_graph_is_one_under_any_name() -> None:
    assert check(Case("frozen.dat", graph(X, op("r", "WriteFile", "x")), ("graph-operation",))) == ""
    node = graph(X, op("r", "WriteFile", "x"))
    library = message(2, message(1, message(1, message(1, b"f")), message(3, op("r", "WriteFile", "x"))))
    version = message(4, b"\x08\x01")
    meta = message(2, node)
    for data in (version + node, library, meta, message(1, message(5, b"2.15.0")) + meta):
        assert check(Case("frozen.dat", data, ("graph-operation",))) == ""
    for data in (b"\nSome text\n", b"\n\x04\x0a\x02ab", b"\n" * 100):
        assert report(Case("frozen.dat", data)).verdict <= Verdict.UNKNOWN
