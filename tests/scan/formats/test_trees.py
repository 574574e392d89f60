"""Models as trees of values: Flax in msgpack, XGBoost in UBJSON, Core ML; what of them needs code, or is not accounted for."""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode

import pytest

from mvc.scan.formats.trees import coreml, msgpack, ubjson, walk
from mvc.scan.verdict import Verdict
from tests.formats.test_metadata import message, number
from tests.scan.containers import HOSTILE
from tests.scan.formats.cases import Case, broken, check, report

FLAX = b64decode(
    "gqZwYXJhbXOCp0RlbnNlXzCCpmtlcm5lbMc+AZOSBAOnZmxvYXQzMsQwK25Tv0kqwT4eWjC/Lh7avi1d6z65TSQ/l6MFP9lyvry0eFg+lgDHPg"
    "njaL9Csto+pGJpYXPHGQGTkQOnZmxvYXQzMsQMAAAAAAAAAAAAAAAAq0JhdGNoTm9ybV8wgqVzY2FsZccZAZORA6dmbG9hdDMyxAwAAIA/AACA"
    "PwAAgD+kYmlhc8cZAZORA6dmbG9hdDMyxAwAAAAAAAAAAAAAAACrYmF0Y2hfc3RhdHOBq0JhdGNoTm9ybV8wgqRtZWFuxxkBk5EDp2Zsb2F0Mz"
    "LEDAAAAAAAAAAAAAAAAKN2YXLHGQGTkQOnZmxvYXQzMsQMAACAPwAAgD8AAIA/"
)
"""flax.serialization.to_bytes of a dense layer and a batch normalization, by Flax 0.12."""
XGBOOST = b64decode(
    "e0wAAAAAAAAAB2xlYXJuZXJ7TAAAAAAAAAAKYXR0cmlidXRlc3t9TAAAAAAAAAANZmVhdHVyZV9uYW1lc1sjTAAAAAAAAAAATAAAAAAAAAANZm"
    "VhdHVyZV90eXBlc1sjTAAAAAAAAAAATAAAAAAAAAAQZ3JhZGllbnRfYm9vc3RlcntMAAAAAAAAAAVtb2RlbHtMAAAAAAAAAA5ib29zdGVkX3Jv"
    "dW5kc2kCTAAAAAAAAAAHd2VpZ2h0c1skZCNMAAAAAAAAAAU+pB+SOpfF8rqgSg69kWnPO/Tsen1MAAAAAAAAAARuYW1lU0wAAAAAAAAACGdibG"
    "luZWFyfUwAAAAAAAAAE2xlYXJuZXJfbW9kZWxfcGFyYW17TAAAAAAAAAAKYmFzZV9zY29yZVNMAAAAAAAAAAhbNC41RS0xXUwAAAAAAAAAEmJv"
    "b3N0X2Zyb21fYXZlcmFnZVNMAAAAAAAAAAExTAAAAAAAAAAJbnVtX2NsYXNzU0wAAAAAAAAAATBMAAAAAAAAAAtudW1fZmVhdHVyZVNMAAAAAA"
    "AAAAE0TAAAAAAAAAAKbnVtX3RhcmdldFNMAAAAAAAAAAExfUwAAAAAAAAACW9iamVjdGl2ZXtMAAAAAAAAAARuYW1lU0wAAAAAAAAAEHJlZzpz"
    "cXVhcmVkZXJyb3JMAAAAAAAAAA5yZWdfbG9zc19wYXJhbXtMAAAAAAAAABBzY2FsZV9wb3Nfd2VpZ2h0U0wAAAAAAAAAATF9fX1MAAAAAAAAAA"
    "d2ZXJzaW9uWyNMAAAAAAAAAANpA2kCaQB9"
)
"""Booster.save_model("a.ubj") of a linear model, by XGBoost 3.2."""
HELD = b64encode(HOSTILE)

# --- msgpack ------------------------------------------------------------------------------------------------------------


def ext(kind: int, data: bytes) -> bytes:
    return b"\xc9" + struct.pack(">IB", len(data), kind) + data


def one(value: bytes) -> bytes:
    """A map with one value."""
    return b"\x81\xa1w" + value


VALUES = (
    b"\xc0", b"\xc2", b"\x7f", b"\xe0", b"\xca" + bytes(4), b"\xcb" + bytes(8), b"\xcc\1", b"\xcd\0\1", b"\xd3" + bytes(8),
    b"\xc4\2ab", b"\xc5\0\2ab", b"\xc6\0\0\0\2ab", b"\xd9\2ab", b"\xda\0\2ab", b"\xdb\0\0\0\2ab", b"\x92\1\2", b"\xdc\0\1\1",
    b"\xdd\0\0\0\1\1", b"\xde\0\1\xa1a\1", b"\xdf\0\0\0\1\xa1a\1", b"\xd6\xff" + bytes(4), ext(2, b"\x92\1\2"), ext(3, b"\1"),
)  # fmt: skip
MSGPACK = [
    Case("m.msgpack", one(b"\xc4" + bytes([len(HOSTILE)]) + HOSTILE), ("pickle-held",)),
    Case("m.msgpack", one(b"\xda" + struct.pack(">H", len(HELD)) + HELD), ("pickle-held",)),
    Case("m.msgpack", one(ext(77, HOSTILE)), ("msgpack-part", "pickle-held")),
    Case("m.msgpack", one(ext(77, b"some bytes of a program")), ("msgpack-part",)),
    Case("m.msgpack", one(ext(1, ext(1, b""))), ("msgpack-part",)),
]

# --- UBJSON -------------------------------------------------------------------------------------------------------------


def keyed(value: bytes, key: bytes = b"learner") -> bytes:
    """An object with one value."""
    return b"{L" + struct.pack(">Q", len(key)) + key + value + b"}"


NUMBERS = (
    b"Z", b"N", b"T", b"i\1", b"U\1", b"Cx", b"I\0\1", b"l" + bytes(4), b"d" + bytes(4), b"L" + bytes(8), b"D" + bytes(8), b"Si\2ab",
    b"HU\0011", b"[]", b"[i\1i\2]", b"[#i\2i\1i\2", b"[$d#i\2" + bytes(8), b"{}", b"{i\1ai\1}", b"{#i\1i\1ai\1", b"[$S#i\1i\1a",
)  # fmt: skip
UBJSON = [
    Case("m.ubj", keyed(b"SU" + bytes([len(HELD)]) + HELD), ("pickle-held",)),
    Case("m.ubj", keyed(b"Z") + b"behind", ("ubjson-part",)),
]

# --- Core ML ------------------------------------------------------------------------------------------------------------


def model(kind: int, *parts: bytes) -> bytes:
    """The content of a model of a kind."""
    return number(1, 4) + message(2, b"") + message(kind, *parts)


CLASS = message(10, b"MyLayer")
LAYER = message(1, message(1, b"c"), message(500, CLASS, message(40, b"a layer")))
SUPPRESSION = model(610, message(200, b"coordinates"), message(201, b"confidence"))
COREML = {
    "a custom layer": model(500, message(1, message(140, b"")), LAYER),
    "a classifier": model(403, LAYER),
    "in a branch": model(500, message(1, message(605, message(1, LAYER)))),
    "in a loop": model(303, message(1, message(615, message(2, b"v"), message(4, LAYER)))),
    "a custom model": model(555, CLASS),
    "in a pipeline": model(202, message(1, SUPPRESSION), message(1, model(500, LAYER))),
    "in a pipeline of a classifier": model(200, message(1, message(1, model(555, CLASS)))),
}

HONEST = [
    Case("flax_model.msgpack", FLAX),
    *(Case("m.msgpack", one(value) + one(value)) for value in VALUES),
    Case("m.ubj", XGBOOST),
    Case("model.bin", XGBOOST),
    *(Case("m.ubj", keyed(value)) for value in NUMBERS),
    Case("m.mlmodel", SUPPRESSION),
    Case("m.mlmodel", model(500, message(1, message(140, b"")), message(2, b""))),
]


def test_honest_trees_are_plain() -> None:
    assert [fault for case in HONEST if (fault := check(case))] == []


@pytest.mark.parametrize("case", [*MSGPACK, *UBJSON], ids=lambda case: case.rules[0])
def test_what_no_rule_accounts_for_is_reported(case: Case) -> None:
    assert check(case) == ""


@pytest.mark.parametrize("name", COREML)
def test_custom_layers_and_models_are_code_with_their_class(name: str) -> None:
    case = Case("model.mlmodel", COREML[name], ("coreml-custom",))
    assert check(case) == ""
    assert (report(case).verdict, report(case).names) == (Verdict.CODE, ("MyLayer",))


@pytest.mark.parametrize("kind", [502, 556, 3000])
def test_a_model_that_no_rule_reads_is_unknown(kind: int) -> None:
    assert check(Case("model.mlmodel", model(kind, b""), ("coreml-opaque",))) == ""
    assert report(Case("model.mlmodel", model(kind, b""))).verdict is Verdict.UNKNOWN


def test_a_truncated_tree_is_damaged() -> None:
    for data, name in ((FLAX, "m.msgpack"), (XGBOOST, "m.ubj")):
        verdicts = {report(Case(name, data[:size])).verdict for size in range(12, len(data))}
        assert verdicts == {Verdict.DAMAGED}
    assert report(Case("m.msgpack", one(b"\xc1"))).verdict is Verdict.DAMAGED
    assert report(Case("m.ubj", keyed(b"x"))).verdict is Verdict.DAMAGED


def test_a_tree_of_very_many_values_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (msgpack, ubjson):
        monkeypatch.setattr(module, "MAX_VALUES", 100)
    assert broken(report(Case("m.msgpack", one(b"\xdc\0\xc8" + bytes(200))))) == ("msgpack-part",)
    assert broken(report(Case("m.ubj", keyed(b"[" + b"Z" * 200 + b"]")))) == ("ubjson-part",)
    assert walk.MAX_VALUES > 100


def test_every_rule_of_trees_has_a_case() -> None:
    rules = {rule for case in (*MSGPACK, *UBJSON) for rule in case.rules} | {"coreml-custom", "coreml-opaque"}
    assert rules == {rule.id for module in (msgpack, ubjson, coreml) for rule in module.RULES}
