"""safetensors: eight bytes of length, a JSON header with the place of each tensor, and the tensors without gaps.

    u64 length │ {"layer.weight":{"dtype":"F32","shape":[384,384],"data_offsets":[0,589824]},…} │ tensors

Source: the format's own description in the safetensors project, read strictly: no duplicate key, no hole, no overlap.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from mvc.formats.header import Header, ordered, volume
from mvc.formats.source import HeaderError, Source
from mvc.model.segment import WIDTHS, Segment

MAX_HEADER = 32 * 1024 * 1024
"""Bytes of a header, at most: 300 for each of as many tensors as can be. The format allows 100 MB, and texts of that size
take ten times as much memory."""
MAX_MARKS = 1_000_000
"""Brackets and commas of a header, at most; each makes one value, so they bound the memory. A tensor has up to ten."""
MAX_MAPS = 150_000
"""Maps of a header, at most; one takes as much memory as several other values. A tensor has one."""
_LENGTH = 8


def matches(start: bytes, source: Source) -> bool:
    """Whether a length that the file can hold is followed by a JSON map."""
    length = int.from_bytes(start[:_LENGTH], "little")
    return start[_LENGTH : _LENGTH + 1] == b"{" and 2 <= length <= min(MAX_HEADER, source.size - _LENGTH)


def read(source: Source) -> Header:
    """The tensors that the header names; raises HeaderError where it lies."""
    length = int.from_bytes(source.read(0, _LENGTH), "little")
    if length > MAX_HEADER:
        raise HeaderError(f"its header is longer than {MAX_HEADER} bytes")
    tensors = _parse(source.read(_LENGTH, length))
    found = [_segment(name, value, _LENGTH + length) for name, value in tensors.items() if name != "__metadata__"]
    segments = ordered(found, source.size)
    end = _LENGTH + length
    for segment in segments:
        if segment.offset != end:
            raise HeaderError(f"there is a hole before {segment.name}")
        end = segment.end
    if end != source.size:
        raise HeaderError(f"its tensors end at byte {end}, and the file at {source.size}")
    return Header("safetensors", segments)


def _parse(data: bytes) -> dict[str, Any]:
    if data.count(b"{") > MAX_MAPS or sum(data.count(mark) for mark in (b"{", b"[", b",")) > MAX_MARKS:
        raise HeaderError(f"its header has more than {MAX_MARKS} values")
    try:
        tensors = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise HeaderError(f"its header is no JSON: {error}") from error
    if not isinstance(tensors, dict):
        raise HeaderError("its header is no JSON map")
    return tensors


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise HeaderError("its header has a key twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _segment(name: str, value: Any, start: int) -> Segment:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise HeaderError(f"{name} has other fields than a tensor")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or not isinstance(shape, list) or not _are_offsets(offsets):
        raise HeaderError(f"{name} has fields of other types than a tensor")
    begin, end = offsets
    elements = volume(name, shape)
    if dtype in WIDTHS and elements * WIDTHS[dtype] != end - begin:
        raise HeaderError(f"{name} has another size than its shape and dtype")
    return Segment(start + begin, end - begin, name, dtype, tuple(shape))


def _are_offsets(values: Any) -> bool:
    return isinstance(values, list) and [type(value) for value in values] == [int, int] and 0 <= values[0] <= values[1]
