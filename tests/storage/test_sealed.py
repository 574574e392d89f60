"""The checksum of a record, which is verified without encoding the record again."""

from __future__ import annotations

import random

import pytest

from mvc import errors
from mvc.model import canonical
from mvc.storage.records import sealed

RECORDS = [
    {"kind": "x", "v": 1},
    {"kind": "x", "z": 1, "a": {"b": ["ä", 'quote " comma ,', None, True, 1.5]}},
    {"kind": "x", "nested": {"sum": "0" * 64, "a": 1}},
    {"kind": "x", "text": ',"sum":"' + "0" * 64 + '"'},
]


@pytest.mark.parametrize("record", RECORDS)
def test_what_was_sealed_is_unsealed(record: dict[str, object]) -> None:
    assert sealed.unseal(sealed.seal(record), what="it", kind="x") == record


@pytest.mark.parametrize("record", RECORDS)
def test_no_other_bytes_are(record: dict[str, object], rng: random.Random) -> None:
    data = sealed.seal(record)
    for _ in range(100):
        other = bytearray(data)
        other[rng.randrange(len(data))] ^= 1 << rng.randrange(7)
        with pytest.raises(errors.Damaged):
            sealed.unseal(bytes(other), what="it", kind="x")


@pytest.mark.parametrize("value", [None, 5, "", "0" * 64, ["x"], {"sum": 1}])
def test_another_sum_is_damage(value: object) -> None:
    for record in ({"kind": "x", "sum": value}, {"kind": "x", "sum": value, "nested": {"a": 1, "sum": value}}):
        with pytest.raises(errors.Damaged):
            sealed.unseal(canonical.encode(record), what="it", kind="x")


def test_the_sum_of_a_nested_map_does_not_count() -> None:
    inner = {"a": 1, "sum": sealed.checksum({"kind": "x", "nested": {"a": 1}})}
    with pytest.raises(errors.Damaged):
        sealed.unseal(canonical.encode({"kind": "x", "nested": inner}), what="it", kind="x")
