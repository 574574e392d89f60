"""JSON that others wrote is read, or refused with a ValueError, whatever its texts and its depth."""

from __future__ import annotations

import json

import pytest

from mvc.formats.syntax import foreign_json


@pytest.mark.parametrize("data", [b'{"a": [1, null, "\\u00e9\\ud83d\\ude00"]}', '"é"'.encode(), b"NaN"])
def test_json_is_read_as_by_python(data: bytes) -> None:
    assert repr(foreign_json.loads(data)) == repr(json.loads(data))


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": ["\\ud800"]}',
        b'{"\\uDC00": 1}',
        b'"\xed\xa0\x80"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"",
        b"\xff",
        b"{",
    ],
)
def test_halves_of_surrogate_pairs_and_depth_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        foreign_json.loads(data)
