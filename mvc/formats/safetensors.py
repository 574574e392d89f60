"""safetensors: a length of eight bytes, a JSON header with the range of each tensor, and the tensors without gaps.

    u64 length │ {"layer.weight":{"dtype":"F32","shape":[384,384],"data_offsets":[0,589824]},…} │ tensors

Source: the format description of the safetensors project, parsed strictly: no duplicate key, no gap, no overlap.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from mvc.formats.header import Header, ordered, volume
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import long_json
from mvc.model.segment import WIDTHS, Segment

MAX_HEADER = 100_000_000
"""Bytes of a header, at most, as in the library of the format."""
MAX_PARSED = 32 * 1024 * 1024
"""Bytes of a header that are parsed, at most: 300 for each of the most tensors allowed. A parsed header takes up to ten times
as much memory. Of a longer one, long texts of the metadata are left out before.
"""
MAX_MARKS = 1_000_000
"""Brackets and commas of a header, at most. Each makes one value, so they bound the memory; a tensor has up to ten."""
MAX_MAPS = 150_000
"""Maps of a header, at most. One takes as much memory as several other values; a tensor has one."""
_LENGTH = 8
_BLOCK = 1024 * 1024
METADATA = "__metadata__"
"""The key of the map of texts, which is not a tensor."""


def matches(start: bytes, source: Source) -> bool:
    """Return whether a length that fits the file is followed by a JSON map."""
    length = int.from_bytes(start[:_LENGTH], "little")
    return start[_LENGTH : _LENGTH + 1] == b"{" and 2 <= length <= min(MAX_HEADER, source.size - _LENGTH)


def read(source: Source) -> Header:
    """Return the tensors of the header; raise HeaderError if it is malformed."""
    tensors, start = parse(source)
    tensor_segments = [_segment(name, value, start) for name, value in tensors.items() if name != METADATA]
    segments = ordered(tensor_segments, source.size)
    end = start
    for segment in segments:
        if segment.offset != end:
            raise HeaderError(f"there is a gap before {segment.name}")
        end = segment.end
    if end != source.size:
        raise HeaderError(f"its tensors end at byte {end}, and the file at {source.size}")
    return Header("safetensors", segments)


def parse(source: Source) -> tuple[dict[str, Any], int]:
    """Return the map of the header and its end; raise HeaderError."""
    length = int.from_bytes(source.read(0, _LENGTH), "little")
    if length > MAX_HEADER:
        raise HeaderError(f"its header is longer than {MAX_HEADER} bytes")
    return _parse(_read(source, length)), _LENGTH + length


def _read(source: Source, length: int) -> bytes:
    """Return the JSON map of the header, without long texts of its metadata if it is long itself."""
    if length <= MAX_PARSED:
        return source.read(_LENGTH, length)
    end = _LENGTH + length
    blocks = (source.read(offset, min(_BLOCK, end - offset)) for offset in range(_LENGTH, end, _BLOCK))
    return long_json.without_long_texts(blocks, METADATA.encode(), MAX_PARSED)


def _parse(data: bytes) -> dict[str, Any]:
    if data.count(b"{") > MAX_MAPS or sum(data.count(mark) for mark in (b"{", b"[", b",")) > MAX_MARKS:
        raise HeaderError(f"its header has more than {MAX_MARKS} values")
    try:
        tensors = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_not_a_number)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise HeaderError(f"its header is not JSON: {error}") from error
    if not isinstance(tensors, dict):
        raise HeaderError("its header is not a JSON map")
    return tensors


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise HeaderError("its header has a duplicate key")
    return values


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _segment(name: str, value: Any, start: int) -> Segment:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise HeaderError(f"{name} does not have the fields of a tensor")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or not isinstance(shape, list) or not _are_offsets(offsets):
        raise HeaderError(f"the fields of {name} have invalid types")
    begin, end = offsets
    elements = volume(name, shape)
    if dtype in WIDTHS and elements * WIDTHS[dtype] != end - begin:
        raise HeaderError(f"the size of {name} does not match its shape and dtype")
    return Segment(start + begin, end - begin, name, dtype, tuple(shape))


def _are_offsets(values: Any) -> bool:
    return isinstance(values, list) and list(map(type, values)) == [int, int] and 0 <= values[0] <= values[1]
