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
