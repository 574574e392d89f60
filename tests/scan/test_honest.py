"""Honest files: none is hostile or unreadable, and those without classes are plain."""

from __future__ import annotations

import argparse
import array
import collections
import datetime as dt
import decimal
import fractions
import functools
import http
import importlib
import inspect
import io
import ipaddress
import itertools
import json
import operator
import pathlib
import pickle
import random
import subprocess
import sys
import time
import types
import typing
import uuid
import zipfile
import zlib
import zoneinfo
from collections import _OrderedDictItemsView as Unlisted
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from mvc.formats.source import Source
from mvc.scan import globals as table
from mvc.scan.pickles.file import _FIRST
from mvc.scan.scan import scan_file
from mvc.scan.verdict import Verdict
from tests.formats.pickles import BUILD, FALSE, NONE, REDUCE, STOP, call, group, mapping, named, number, numbers, text
from tests.scan import written
from tests.scan.cases import source
from tests.scan.structures import EMPTY, NEWOBJ, SYSTEM
from tests.scan.test_fuzz import InC, InPython, lookups


class Pair(NamedTuple):
    """A class of tuples."""

    values: Any
    name: str


DATA = Path(__file__).parents[1] / "formats" / "data"

PLAIN: dict[str, Any] = {
    "numbers": [0, 1, -1, 255, 256, 65536, 1 << 40, 1 << 200, -(1 << 90), 0.5, float("nan"), True, None, 3 + 4j],
    "texts": ["", "a", "é\N{PILE OF POO}\n\0", "x" * 300, "y" * 100_000, b"", b"a", b"b" * 300, bytearray(b"c"), bytearray()],
    "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, {"a": {}}, set(), {1}, frozenset(), frozenset([1]), range(3)],
    "shared": [shared := ["a"], shared, (shared,), {"b": shared}],
    "dicts": [
        collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), collections.Counter("abca"),
        collections.deque([1, 2], 5),
    ],
    "state dict": collections.OrderedDict(
        (f"layers.{number}.weight", np.full((3, 4), number, "f4")) for number in range(30)
    ),
    "arrays": [np.zeros(0), np.ones((2, 3), order="F"), np.arange(4)[::2], np.array(["a", "b"]), np.array([b"x"]),
               np.array([1, "a", None], object), np.array(5), np.zeros(2, [("x", "f4"), ("y", "i2", (2,))]),
               np.array(["a", "b"], np.dtypes.StringDType()), np.array(["2026-11-30"], "M8[D]"), np.zeros(3, ">f8"), np.zeros((2, 2), bool)],
    "scalars": [np.float32(1), np.int64(-1), np.bool_(1), np.complex128(1j), np.str_("a"), np.datetime64("2026-11-30")],
    "constants": [..., NotImplemented, type(None)],
    "dtypes": [np.dtype("f4"), np.dtype([("a", "O")]), np.dtype("U5"), np.dtype([(f"field{number}", "f4") for number in range(100)]), np.float32, np.int8, float, int, str],
}  # fmt: skip
DATA_CLASSES: dict[str, Any] = {
    "arguments": argparse.Namespace(lr=0.1, data=pathlib.PurePosixPath("a/b"), nested=types.SimpleNamespace(a=1)),
    "paths": [pathlib.Path("weights/best.pt"), pathlib.PureWindowsPath("C:/x")],
    "dates": [dt.datetime(2026, 11, 30, tzinfo=dt.UTC), dt.timedelta(1), dt.date(2026, 1, 1), dt.time(3)],
    "others": [uuid.UUID(int=5), decimal.Decimal("1.5"), fractions.Fraction(1, 2)],
    "generators": [np.random.RandomState(1), np.random.default_rng(1), np.random.RandomState(1).get_state()],
    "a state of random": np.random.MT19937(2),
}  # fmt: skip
CODE: dict[str, Any] = {
    "records": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]),
    "a matrix": np.zeros((1, 2)).view(np.matrix),
    "masked": np.ma.masked_array([1, 2], [False, True]),
    "a polynomial": np.poly1d([1, 2]),
    "an object": Unlisted({}),
    "a class": {"activation": Path.__class__, "abstract": collections.UserDict},
    "an object with a dict": collections.UserDict(a=1),
    "a partial function": functools.partial(int, base=2),
    "random": random.Random(1),
    "an enumeration": Verdict.CODE,
    "a time zone": dt.datetime(2026, 11, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")),
    "a table": pd.DataFrame(
        {"a": [1], "b": ["x"]}, pd.date_range("2026-01-01", periods=1, freq="MS", tz="Europe/Paris")
    ),
    "values of Python": [
        array.array("d", [1.0]),
        ValueError("a"),
        FileNotFoundError(2, "a"),
        time.localtime(),
        ipaddress.ip_network("10.0.0.0/8"),
        http.HTTPStatus.OK,
        decimal.getcontext(),
        collections.UserList([1]),
        print,
    ],
    "iterators": [iter([1]), itertools.count(3), itertools.chain([1]), enumerate([1]), reversed([1]), zip([1])],
    "getters": [operator.itemgetter(0, "a"), operator.methodcaller("toarray")],
    "types": [list[int], int | str, typing.Literal["a"], inspect.signature(lambda: None)],
    "methods": [Verdict.CODE.to_bytes, collections.UserDict(a=1).copy, collections.Counter.most_common],
    "a named tuple": Pair(np.zeros(2), "a"),
    "defaults": [
        collections.defaultdict(collections.UserDict),
        collections.defaultdict(functools.partial(collections.defaultdict, int)),
    ],
    "spans": [pd.Period("2026"), pd.Interval(0, 1), pd.Timedelta(1), pd.offsets.MonthEnd(2)],
}


def _dtype(size: int, fields: dict[str, int], kind: str = "f4", count: int = 0) -> bytes:
    """A dtype of numpy of `size` bytes, with fields at offsets, or a subarray of `count` elements; it claims to hold no objects."""
    inner = call("numpy dtype", text(kind), FALSE, b"\x88")
    inner += group(number(3), text("|"), NONE * 3, number(-1), number(-1), number(63 if kind == "O" else 0)) + BUILD
    pairs = mapping({name: group(inner, number(offset)) for name, offset in fields.items()}) if fields else NONE
    state = (group(inner, numbers(count)) if count else NONE, group(*map(text, fields)) if fields else NONE, pairs)
    parts = group(number(3), text("|"), *state, number(size), number(1), number(0))
    return call("numpy dtype", text(f"V{size}"), FALSE, b"\x88") + parts + BUILD


_BF16 = call("numpy dtype", named("ml_dtypes bfloat16"), FALSE, b"\x88")


def _keras(layer: str, config: str) -> bytes:
    """Return an object in memory with a model of Keras, as its models are pickled."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "config.json", json.dumps({"class_name": layer, "config": json.loads(config), "module": "keras.layers"})
        )
    data = out.getvalue()
    return call("_io BytesIO") + group(b"B" + len(data).to_bytes(4, "little") + data, number(0), NONE) + BUILD


_SHARD = named("torch.distributed.checkpoint.filesystem _StorageInfo") + EMPTY + NEWOBJ
_ARRAY = (named("numpy._core.multiarray _reconstruct"), group(named("numpy ndarray"), numbers(0), b"U\1b"))
_STATE = group(number(1), numbers(1), call("numpy dtype", text("f4")), FALSE, b"U\4\0\0\0\0")
CALLS: dict[str, tuple[bytes, bytes, Verdict]] = {
    "a subclass of tensors": (
        call("torch._tensor _rebuild_from_type_v2", named("torch._utils _rebuild_wrapper_subclass"), named("team.tensors T"), group(), NONE),
        call("torch._tensor _rebuild_from_type_v2", SYSTEM, named("torch Tensor"), group(text("id")), NONE), Verdict.CODE,
    ),
    "a part of a distributed checkpoint": (
        _SHARD + mapping({"relative_path": text("__0_0.distcp"), "offset": number(0)}) + BUILD,
        _SHARD + mapping({"relative_path": text("../../__0_0.distcp")}) + BUILD, Verdict.DATA,
    ),
    "an array of jax": (
        call("jax._src.array _reconstruct_array", *_ARRAY, _STATE, mapping({"weak_type": FALSE})),
        call("jax._src.array _reconstruct_array", SYSTEM, group(text("id")), group(), mapping({})), Verdict.PLAIN,
    ),
    "a tensor of Paddle": (
        call("builtins tuple", group(text("w"), named("numpy._core.multiarray _reconstruct") + _ARRAY[1] + REDUCE)),
        call("builtins tuple", call("builtins map", SYSTEM, group(text("id")))), Verdict.PLAIN,
    ),
    "neighbours": (
        call("sklearn.neighbors._kd_tree newObj", named("sklearn.neighbors._kd_tree KDTree")),
        call("sklearn.neighbors._kd_tree load", text("/x")), Verdict.CODE,
    ),
    "a filter": (
        call("statsmodels.tsa.statespace._kalman_filter dKalmanFilter", text("a"), number(1)),
        call("statsmodels.iolib.smpickle load_pickle", text("/x")), Verdict.CODE,
    ),
    "columns of Arrow": (
        call("pyarrow.lib field", text("a"), call("pyarrow.lib type_for_alias", text("int32"))),
        call("pyarrow.lib OSFile", text("/x"), text("w")), Verdict.CODE,
    ),
    "a random generator": (
        call("numpy.random._pickle __generator_ctor", text("PCG64"), named("numpy.random._pickle __bit_generator_ctor")),
        call("numpy.random._pickle __generator_ctor", b"C\4PK\3\4", named("torch.storage _load_from_bytes")), Verdict.DATA,
    ),
    "fields of an element": (_dtype(8, {"a": 0, "b": 4}), _dtype(8, {"a": 0, "b": 6}), Verdict.PLAIN),
    "a field before the element": (_dtype(8, {"a": 4}), _dtype(8, {"a": -4}), Verdict.PLAIN),
    "many fields": (
        _dtype(280, {f"f{n}": n * 4 for n in range(70)}),
        _dtype(280, {f"f{n}": n * 4 for n in range(70)}, "O"), Verdict.PLAIN,
    ),
    "a subarray": (_dtype(8, {}, count=2), _dtype(8, {}, count=3), Verdict.PLAIN),
    "a parameter": (
        call("torch.nn.parameter Parameter", call("torch._utils _rebuild_tensor_v2", NONE), FALSE),
        call("torch.nn.parameter Parameter", named("argparse Namespace") + EMPTY + NEWOBJ + mapping({"detach": NONE}) + BUILD),
        Verdict.PLAIN,
    ),
    "numbers of sixteen bits": (
        _BF16, call("numpy dtype", named("team.dtypes bfloat16"), FALSE, b"\x88"), Verdict.PLAIN,
    ),
    "types of pandas 3": (
        call("pandas.core.arrays.string_ StringDtype", text("python"), named("pandas._libs.missing NA")),
        call("pandas.io.common get_handle", text("/x"), text("w")), Verdict.CODE,
    ),
    "distances": (
        call("hdbscan.dist_metrics newObj", named("hdbscan.dist_metrics EuclideanDistance")),
        call("hdbscan.dist_metrics load", text("/x")), Verdict.CODE,
    ),
    "an array of dill": (
        call("dill._dill _create_array", *_ARRAY, _STATE, NONE),
        call("dill._dill _create_array", SYSTEM, group(text("id")), _STATE, NONE), Verdict.CODE,
    ),
    "a class of dill": (
        call("dill._dill _load_type", text("SimpleNamespace")),
        call("dill._dill _load_type", text("CodeType")), Verdict.CODE,
    ),
    "a named tuple of dill": (
        call("dill._dill _create_namedtuple", text("Point"), group(text("x")), text("team.points")),
        call("dill._dill _create_namedtuple", text("system"), group(text("x")), text("os")), Verdict.CODE,
    ),
    "a class of cloudpickle": (
        call("cloudpickle.cloudpickle _builtin_type", text("SimpleNamespace")) + group() + REDUCE,
        call("cloudpickle.cloudpickle _builtin_type", text("FunctionType")) + group() + REDUCE, Verdict.CODE,
    ),
    "a method of texts": (
        call("builtins getattr", named("builtins str"), text("lower")),
        call("builtins getattr", named("builtins str"), text("format")), Verdict.PLAIN,
    ),
    "a method of a lazy module": (
        call("builtins getattr", named("torch.nn.modules.linear LazyLinear") + EMPTY + NEWOBJ, text("_infer_parameters")),
        call("builtins getattr", named("torch.nn.modules.linear LazyLinear") + EMPTY + NEWOBJ, text("__globals__")), Verdict.CODE,
    ),
    "a method that is not called": (
        call("builtins getattr", named("team.net Model"), text("forward")),
        call("builtins getattr", named("team.net Model"), text("forward")) + group(text("x")) + REDUCE, Verdict.CODE,
    ),
    "a method of a class by its path": (
        named("random Random.gauss"), named("pathlib Path.touch"), Verdict.CODE,
    ),
    "a method of a class, by several attributes": (
        named("team.net Model.forward"), named("team.net Model.os.system"), Verdict.CODE,
    ),
    "a method of a pattern": (
        call("builtins getattr", call("re _compile", text("a"), number(32)), text("search")),
        call("builtins getattr", named("pathlib Path"), text("touch")), Verdict.CODE,
    ),
    "defaults of a scaler": (
        call("collections defaultdict", named("torch.amp.grad_scaler _refresh_per_optimizer_state")),
        call("collections defaultdict", SYSTEM), Verdict.CODE,
    ),
    "a getter": (
        call("operator methodcaller", text("toarray")), call("operator methodcaller", text("system")), Verdict.CODE,
    ),
    "a model of Keras": (
        call("builtins getattr", named("keras.src.models.sequential Sequential"), text("_unpickle_model"))
        + group(_keras("Dense", '{"units": 2}')) + REDUCE,
        call("builtins getattr", named("keras.src.models.sequential Sequential"), text("_unpickle_model"))
        + group(_keras("Lambda", '{"function_type": "lambda"}')) + REDUCE, Verdict.CODE,
    ),
    "a file in memory": (
        call("_io BytesIO") + group(call("builtins bytes"), number(0), NONE) + BUILD, call("_io FileIO", text("a"), text("w")), Verdict.CODE,
    ),
    "a union of types": (
        call("functools reduce", named("_operator or_"), group(named("builtins int"), NONE)),
        call("functools reduce", named("_operator or_"), group(SYSTEM, NONE)), Verdict.CODE,
    ),
    "the class of None": (call("builtins type", NONE), call("builtins type", text("A"), group(), mapping({})), Verdict.PLAIN),
    "a method of a class": (
        call("builtins getattr", named("zoneinfo ZoneInfo"), text("_unpickle")) + group(text("UTC"), FALSE) + REDUCE,
        call("builtins getattr", named("zoneinfo ZoneInfo"), text("no_cache")) + group(text("UTC")) + REDUCE, Verdict.CODE,
    ),
}  # fmt: skip
"""What writers of models call, a hostile call beside it, and the verdict of the first."""


@pytest.mark.parametrize(
    ("values", "worst"),
    [(PLAIN, Verdict.PLAIN), (DATA_CLASSES, Verdict.DATA), (CODE, Verdict.CODE)],
    ids=["plain", "data", "code"],
)
def test_pickles_of_every_protocol_are_what_they_are(values: dict[str, Any], worst: Verdict) -> None:
    verdicts = {
        (name, protocol): scan_file(source(pickle.dumps(value, protocol))).verdict
        for name, value in values.items()
        for protocol in range(6)
    }
    assert {key: verdict for key, verdict in verdicts.items() if verdict != worst} == {}


@pytest.mark.parametrize("name", CALLS)
def test_what_writers_of_models_call_is_not_hostile_and_its_neighbour_is(name: str) -> None:
    honest, hostile, verdict = CALLS[name]
    assert scan_file(source(b"\x80\2" + honest + STOP)).verdict is verdict
    assert scan_file(source(b"\x80\2" + hostile + STOP)).verdict is Verdict.HOSTILE


def test_files_that_trainers_wrote_are_neither_hostile_nor_unreadable() -> None:
    refused = []
    for path in sorted(path for path in DATA.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            report = scan_file(Source.of(file.fileno(), path.name))
        if report.verdict >= Verdict.UNREADABLE:
            refused.append((path.name, report.findings))
    assert refused == []


def test_files_of_joblib_and_of_older_pytorch_are_what_they_are() -> None:
    for name, data in written.JOBLIB.items():
        assert (name, scan_file(source(data)).findings) == (name, ())
    report = scan_file(source(written.MODULE))
    assert (report.verdict, report.names) == (Verdict.CODE, ("torch.nn.modules.activation.ReLU",))


def test_no_bytes_by_chance_are_refused(rng: random.Random) -> None:
    """A pickle of protocol 0 has no magic bytes, so data may begin as one; only what a loader would look up counts."""
    opcodes = sorted(_FIRST)
    refused = []
    for place in range(10_000):
        data = bytes([opcodes[place % len(opcodes)]]) + rng.randbytes(rng.choice((50, 400)))
        if (report := scan_file(source(data))).verdict >= Verdict.UNREADABLE:
            refused.append((data, report.findings))
    assert refused == []


@pytest.mark.parametrize(
    "data", [b"c\xff\nsystem\n)R.", b"(o.", b"NN\x93.", b"N)R.", b"U\2\xff\xfeU\1a\x93x", b"Sx\nSy\n\x93."]
)
def test_where_every_unpickler_stops_before_a_lookup_nothing_is_refused(data: bytes) -> None:
    for kind in (InC, InPython):
        assert lookups(kind, data) == []
    assert scan_file(source(data)).verdict < Verdict.UNREADABLE


def test_arrays_of_older_writers_are_what_they_are() -> None:
    """Python 2 has strings where Python 3 has texts, and joblib had files beside the pickle, and streams of its own."""
    state = b"(K\3U\1<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    dtype = b"cnumpy\ndtype\n(U\2f4K\0K\1tR" + state
    array = (
        b"\x80\2cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\1btR(K\1(K\1t"
        + dtype
        + b"\x89U\4\0\0\0\0tb."
    )
    lines = b"(lp0\nS'conv1.weight'\np1\naS\"it's\"\np2\naI01\naF1.5\na."
    wrapper = b"\x80\2cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81}U\x08filenameU\x09a_01.npy.s}b."
    wrapper = wrapper.replace(b"}U", b"}(U").replace(b".s}b", b"ub").replace(b"U\x09a_01.npyub", b"U\x08a_01.npyub")
    for data in (array, lines, wrapper):
        packed = zlib.compress(data)
        joblib = f"ZF{hex(len(data)):<19}".encode()
        for written_ in (data, joblib + packed, joblib + b" " + packed):
            assert (written_, scan_file(source(written_)).findings) == (written_, ())


def test_no_callable_but_those_of_the_table_is_admitted(deep: bool) -> None:
    """Of all that Python and numpy have here, in a process that imports them; packages of Python as a whole with --deep."""
    script = Path(__file__).with_name("admitted.py")
    done = subprocess.run(
        [sys.executable, script, *(["all"] if deep else [])],
        capture_output=True,
        text=True,
        check=True,
        cwd=script.parents[2],
    )
    printed = json.loads(done.stdout)
    assert printed["count"] > 15_000
    assert sorted(printed["admitted"]) == sorted(filter(_is_here, table.TABLE))


def _is_here(path: str) -> bool:
    module, _, name = path.rpartition(".")
    try:
        return callable(vars(importlib.import_module(module)).get(name))
    except ImportError:
        return False
