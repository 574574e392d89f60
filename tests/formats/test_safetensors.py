"""safetensors: what the library writes is found, and what it would not write is refused."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from mvc.formats import safetensors
from mvc.formats.source import Source
from tests.formats.headers import DATA, header_of, refusal, segments, source

ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def file(header: Any, size: int = 8) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


def test_finds_what_the_library_wrote() -> None:
    found = segments("arrays.safetensors")
    assert {name: (each.dtype, each.shape, each.size) for name, each in found.items()} == {
        "layer.weight": ("F32", (4, 6), 96),
        "layer.bias": ("F16", (4,), 8),
        "scalar": ("I64", (), 8),
        "empty": ("F32", (0, 3), 0),
        "flags": ("BOOL", (2,), 2),
    }
    data = (DATA / "arrays.safetensors").read_bytes()
    assert data[found["scalar"].offset : found["scalar"].end] == (7).to_bytes(8, "little")


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"__metadata__": {"format": "pt"}, "a": ONE},
        {"a": ONE, "none": {"dtype": "F32", "shape": [0, 1 << 62], "data_offsets": [8, 8]}},
        {"packed": {"dtype": "F4", "shape": [16], "data_offsets": [0, 8]}},
        {"b": {"dtype": "U8", "shape": [3], "data_offsets": [5, 8]}, "a": {**ONE, "shape": [5], "dtype": "U8", "data_offsets": [0, 5]}},
    ],
)  # fmt: skip
def test_accepts(header: dict[str, Any]) -> None:
    size = 8 if header else 0
    assert refusal(safetensors.read, file(header, size)) == ""


def test_a_text_behind_the_header_may_be_padded() -> None:
    assert refusal(safetensors.read, file(json.dumps({"a": ONE}).encode() + b"    ")) == ""


DEEP = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
WIDE = b'{"a":[' + b"0," * safetensors.MAX_MARKS + b"0]}"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"{" * 20, "not JSON"),
        (b"[]", "not a JSON map"),
        (b'{"a":1,"a":2}', "duplicate key"),
        (b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', "duplicate key"),
        (DEEP, "not JSON"),
        (WIDE, "more than"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"\xff":1}', "not JSON"),
        (b'{"\\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', "not valid Unicode"),
        ({"a": 1}, "does not have the fields"),
        ({"a": {**ONE, "more": 1}}, "does not have the fields"),
        ({"a": {**ONE, "dtype": 1}}, "have invalid types"),
        ({"a": {**ONE, "shape": "2"}}, "have invalid types"),
        ({"a": {**ONE, "data_offsets": [0, 8, 8]}}, "have invalid types"),
        ({"a": {**ONE, "data_offsets": [8, 0]}}, "have invalid types"),
        ({"a": {**ONE, "data_offsets": [-8, 0]}}, "have invalid types"),
        ({"a": {**ONE, "data_offsets": [0.0, 8]}}, "have invalid types"),
        ({"a": {**ONE, "data_offsets": [False, 8]}}, "have invalid types"),
        ({"a": {**ONE, "shape": [-2]}}, "shape"),
        ({"a": {**ONE, "shape": [True]}}, "shape"),
        ({"a": {**ONE, "shape": [1 << 63]}}, "shape"),
        ({"a": {**ONE, "shape": [1 << 62, 4]}}, "elements"),
        ({"a": {**ONE, "shape": [1] * 65}}, "shape"),
        ({"a": {**ONE, "shape": [3]}}, "does not match its shape"),
        ({"a": {**ONE, "data_offsets": [0, (1 << 63) + 8]}}, "does not match its shape"),
        ({"a": {"dtype": "X", "shape": [1], "data_offsets": [0, 1 << 63]}}, "beyond the end of the file"),
        ({"a": ONE, "b": ONE}, "overlaps"),
        ({"a": ONE, "b": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}, "overlaps"),
        ({"a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}, "gap"),
        ({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}, "tensors end at"),
        ({"a": ONE, "none": {"dtype": "F32", "shape": [0], "data_offsets": [4, 4]}}, "overlaps"),
        ({}, "tensors end at"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_refuses(header: Any, reason: str) -> None:
    assert reason in refusal(safetensors.read, file(header))


@pytest.mark.parametrize("length", [0, 1, 1 << 20, 100_000_001, 1 << 63, (1 << 64) - 1])
def test_a_length_that_leads_outside_is_no_safetensors(length: int) -> None:
    data = struct.pack("<Q", length) + b'{"a":1}' + bytes(20)
    assert not safetensors.matches(data[:16], source(data))
    assert refusal(safetensors.read, data)


def test_cut_off_anywhere() -> None:
    data = (DATA / "arrays.safetensors").read_bytes()
    for length in range(len(data)):
        assert refusal(safetensors.read, data[:length])


def test_reads_the_header_alone() -> None:
    data = file({"a": {"dtype": "U8", "shape": [1 << 20], "data_offsets": [0, 1 << 20]}}, 1 << 20)
    ends: list[int] = []

    def read_at(offset: int, size: int) -> bytes:
        ends.append(offset + size)
        return data[offset : offset + size]

    safetensors.read(Source(read_at, len(data)))
    assert max(ends) == len(data) - (1 << 20)


def test_names_of_too_many_bytes_are_refused() -> None:
    header = {f"{number}{'x' * 1000}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for number in range(6000)}
    assert "of names" in refusal(safetensors.read, file(header, 0))


def test_a_reason_is_short_and_printable() -> None:
    name = "\x1b[31m" + "x" * 10_000
    reason = refusal(safetensors.read, file({name: 1}))
    assert reason.isprintable()
    assert len(reason) <= 160


def test_it_is_recognized_by_its_first_bytes() -> None:
    assert header_of((DATA / "arrays.safetensors").read_bytes()).format == "safetensors"
