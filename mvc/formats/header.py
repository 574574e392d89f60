"""What a file's header says: its format, where its tensors lie, and which other files hold some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from mvc.formats.source import MAX_SEGMENTS, HeaderError
from mvc.model.segment import Segment


@dataclass(frozen=True, slots=True)
class Header:
    """`segments` of the file in the order of their offsets, none overlapping another; some may be empty.

    `external` has, by path relative to the file's folder, the segments that lie in other files (ONNX).
    """

    format: str
    segments: tuple[Segment, ...]
    external: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)


def ordered(segments: Iterable[Segment], size: int) -> tuple[Segment, ...]:
    """`segments` by offset; raises HeaderError where they overlap, or leave a file of `size` bytes."""
    found = sorted(segments, key=attrgetter("offset", "size"))
    if len(found) > MAX_SEGMENTS:
        raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors")
    end = 0
    for segment in found:
        if segment.offset < end or segment.size < 0:
            raise HeaderError(f"{segment.name or 'a tensor'} overlaps another")
        end = segment.end
        if end > size:
            raise HeaderError(f"{segment.name or 'a tensor'} leads to byte {end}, and the file ends at {size}")
    return tuple(found)
