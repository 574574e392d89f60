"""Parsed headers of weight files: the format, the segments of the tensors, and other files that hold some tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from operator import attrgetter
from typing import Any

from mvc.deferred import dataclass
from mvc.formats.source import MAX_SEGMENTS, HeaderError
from mvc.model.segment import Segment

MAX_RANK = 64
"""Dimensions of a tensor, at most."""
MAX_TEXT = 5 * 1024 * 1024
"""Bytes of the names, dtypes and shapes of one file, at most, so that a recipe can list them."""
_TOO_LARGE = 1 << 63


@dataclass(frozen=True, slots=True)
class Header:
    """`segments` of a file, sorted by offset and without overlaps; some may be empty.

    `external` maps paths, relative to the file's folder, to the segments that are in other files (ONNX). With `are_files`,
    each of these is a file itself, such as an archive, whose own header has its tensors.
    """

    format: str
    segments: tuple[Segment, ...]
    external: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)
    are_files: bool = False


def ordered(segments: Iterable[Segment], size: int) -> tuple[Segment, ...]:
    """Sort `segments` by offset; raise HeaderError if they overlap, exceed a file of `size` bytes, or are too many."""
    result: list[Segment] = []
    text = 0
    for segment in segments:
        result.append(segment)
        text += _text_size(segment)
        if len(result) > MAX_SEGMENTS or text > MAX_TEXT:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors, or {MAX_TEXT >> 20} MiB of names")
    result.sort(key=attrgetter("offset", "size"))
    end = 0
    for segment in result:
        if segment.offset < end or segment.size < 0:
            raise HeaderError(f"{segment.name or 'a tensor'} overlaps another")
        end = segment.end
        if end > size:
            raise HeaderError(f"{segment.name or 'a tensor'} ends at byte {end}, beyond the end of the file at {size}")
    return tuple(result)


def volume(name: str, shape: Sequence[Any]) -> int:
    """Return the number of elements of a shape.

    Raises HeaderError if a tensor cannot have it. `name` is the tensor's.
    """
    is_valid = len(shape) <= MAX_RANK and set(map(type, shape)) <= {int}
    if not is_valid or (shape and not 0 <= min(shape) <= max(shape) < _TOO_LARGE):
        raise HeaderError(f"{name} has an invalid shape")
    elements: int = math.prod(shape)
    if elements >= _TOO_LARGE:
        raise HeaderError(f"{name} has too many elements")
    return elements


def _text_size(segment: Segment) -> int:
    """Return the bytes of a segment's name, dtype and shape; raise HeaderError if they are not valid Unicode."""
    try:
        return len(f"{segment.name}{segment.dtype}{segment.shape}".encode())
    except UnicodeEncodeError as error:
        raise HeaderError("the name of a tensor is not valid Unicode") from error
