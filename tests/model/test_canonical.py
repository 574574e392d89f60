from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import digest
from tests.model.strategies import JSON

VECTORS = json.loads(Path(__file__).with_name("canonical_vectors.json").read_text(encoding="utf-8"))
SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def written_out(value: Any) -> str:
    """The specification, word by word."""
    if isinstance(value, str):
        letters = (SHORT.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 0x20 else c) for c in value)
        return f'"{"".join(letters)}"'
    if isinstance(value, list):
        return f"[{','.join(map(written_out, value))}]"
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: [ord(letter) for letter in pair[0]])
        return f"{{{','.join(f'{written_out(key)}:{written_out(item)}' for key, item in pairs)}}}"
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else repr(value)


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda each: each["about"])
def test_each_published_vector_has_its_bytes_and_id(vector: dict[str, str]) -> None:
    data = bytes.fromhex(vector["bytes"])
    assert canonical.encode(json.loads(vector["json"])) == data
    assert canonical.encode(canonical.decode(data)) == data
    assert digest(data) == vector["id"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda each: each["about"])
def test_each_published_refusal_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(errors.NotCanonical):
        canonical.decode(bytes.fromhex(vector["bytes"]) * vector.get("times", 1))


@given(JSON)
def test_the_bytes_are_those_of_the_specification_and_decode_to_the_value(value: Any) -> None:
    data = canonical.encode(value)
    assert data.decode() == written_out(value)
    assert written_out(canonical.decode(data)) == written_out(value)


@given(st.binary(max_size=40))
def test_any_bytes_are_refused_or_are_canonical(data: bytes) -> None:
    try:
        value = canonical.decode(data)
    except errors.NotCanonical:
        return
    assert canonical.encode(value) == data


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1 << 63, -(1 << 63) - 1, "\ud800", {1: 2}, {"a": {None: 1}}, b"x", {1, 2}]
)
def test_what_json_has_no_form_for_is_refused(value: Any) -> None:
    with pytest.raises(errors.NotCanonical):
        canonical.encode(value)


def test_a_date_is_refused() -> None:
    with pytest.raises(errors.NotCanonical):
        canonical.encode({"day": date(2026, 1, 1)})


def test_64_levels_are_allowed_and_65_are_not() -> None:
    deep: Any = []
    for _ in range(63):
        deep = [deep]
    assert canonical.decode(canonical.encode(deep)) == deep
    with pytest.raises(errors.NotCanonical, match="64"):
        canonical.encode([deep])
    with pytest.raises(errors.NotCanonical, match="64"):
        canonical.encode({"a": deep})


def test_a_document_above_the_limit_is_neither_written_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "MAX_BYTES", 10)
    assert canonical.decode(canonical.encode("x" * 8)) == "x" * 8
    with pytest.raises(errors.NotCanonical, match="11"):
        canonical.encode("x" * 9)
    with pytest.raises(errors.NotCanonical, match="11"):
        canonical.decode(b'"xxxxxxxxx"')


@pytest.mark.parametrize(
    ("limit", "most", "fits", "more"),
    [
        ("MAX_MAPS", 3, [{}, {"a": {}}], [{}, {"a": {}}, {}]),
        ("MAX_CONTAINERS", 4, [[], {"a": []}], [[], {"a": []}, []]),
        ("MAX_VALUES", 6, [1, "a", None, {"a": 0.5}], [1, "a", None, {"a": 0.5}, True]),
        ("MAX_TEXT", 200, ["x" * 100, "\u00e9" * 20], ["x" * 100, "\u4e00" * 20]),
    ],
)
def test_values_beyond_a_limit_are_neither_written_nor_read(
    limit: str, most: int, fits: Any, more: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = canonical.encode(more)
    monkeypatch.setattr(canonical, limit, most)
    if limit != "MAX_MAPS":
        monkeypatch.setattr(canonical, "MAX_MAPS", min(most, 4))  # a document shorter than that is not counted
    assert canonical.decode(canonical.encode(fits)) == fits
    with pytest.raises(errors.NotCanonical, match=f"more than {most}"):
        canonical.decode(data)
    if limit != "MAX_TEXT":
        with pytest.raises(errors.NotCanonical, match=f"more than {most}"):
            canonical.encode(more)


def test_marks_in_texts_are_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("MAX_MAPS", "MAX_CONTAINERS", "MAX_VALUES"):
        monkeypatch.setattr(canonical, limit, 5)
    value = {'[{,"\\': ['[]{},"\\"', "\\", "[[[[{{{{,,,,"]}
    assert canonical.decode(canonical.encode(value)) == value


@given(JSON)
def test_a_long_document_is_compared_in_pieces(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "_LONG", 0)
        patch.setattr(canonical, "_PIECE_ITEMS", 2)
        data = canonical.encode(value)
        assert canonical.decode(data) == value
        for other in (data + b" ", b" " + data, data.replace(b"[", b"[ ", 1), data.replace(b"{", b"{ ", 1)):
            if other != data and b'"' not in other:
                with pytest.raises(errors.NotCanonical):
                    canonical.decode(other)


def test_a_long_document_in_another_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "_LONG", 0)
    monkeypatch.setattr(canonical, "_PIECE_ITEMS", 2)
    for data in (b'{"b":1,"a":2}', b"[1,2,3, 4]", b'{"a":[1,2,3,1.50]}', b'[1,2,3,"\\u0041"]', b"[1,2,3]\n"):
        with pytest.raises(errors.NotCanonical, match="encoded in another way"):
            canonical.decode(data)
