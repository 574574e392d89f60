"""What a file's header says: its format, where its tensors lie, and which other files hold some of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from mvc.formats.source import MAX_SEGMENTS, HeaderError
from mvc.model.segment import Segment

MAX_RANK = 64
"""Dimensions of a tensor, at most."""
MAX_TEXT = 5 * 1024 * 1024
"""Bytes of the names, dtypes and shapes of a file, at most, so that a recipe can hold them."""
_TOO_LARGE = 1 << 63


@dataclass(frozen=True, slots=True)
class Header:
    """`segments` of the file in the order of their offsets, none overlapping another; some may be empty.

    `external` has, by path relative to the file's folder, the segments that lie in other files (ONNX).
    """

    format: str
    segments: tuple[Segment, ...]
    external: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)


def ordered(segments: Iterable[Segment], size: int) -> tuple[Segment, ...]:
    """`segments` by offset; raises HeaderError where they overlap, leave a file of `size` bytes, or are too many."""
    found: list[Segment] = []
    text = 0
    for segment in segments:
        found.append(segment)
        text += _text(segment)
        if len(found) > MAX_SEGMENTS or text > MAX_TEXT:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors, or {MAX_TEXT >> 20} MiB of names")
    found.sort(key=attrgetter("offset", "size"))
    end = 0
    for segment in found:
        if segment.offset < end or segment.size < 0:
            raise HeaderError(f"{segment.name or 'a tensor'} overlaps another")
        end = segment.end
        if end > size:
            raise HeaderError(f"{segment.name or 'a tensor'} leads to byte {end}, and the file ends at {size}")
    return tuple(found)


def volume(name: str, shape: Sequence[Any]) -> int:
    """The elements of the tensor `name` of this shape; raises HeaderError unless it is one that a file can hold."""
    if len(shape) > MAX_RANK or not all(type(count) is int and 0 <= count < _TOO_LARGE for count in shape):
        raise HeaderError(f"the shape of {name} is none")
    elements: int = math.prod(shape)
    if elements >= _TOO_LARGE:
        raise HeaderError(f"{name} has too many elements")
    return elements


def _text(segment: Segment) -> int:
    """The bytes that a segment's name, dtype and shape take; raises HeaderError when they are no Unicode text."""
    try:
        return len(f"{segment.name}{segment.dtype}{segment.shape}".encode())
    except UnicodeEncodeError as error:
        raise HeaderError("a tensor's name is no text") from error
