"""Layout of a weight file: cut at the start of each tensor, and from there at fixed steps.

    header │ embedding, 90,000 by 384 fp32 ………………… │ a bias, a norm, a bias │ 384 by 384 │ …
    [piece][    0    ][    1    ][    2    ][ 3 ][        one group       ][     0    ]

The pieces of a tensor do not depend on its offset or the format, and piece n of the next version has the same position:
deduplication and deltas rely on that. Small tensors are grouped with their neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from mvc.deferred import dataclass
from mvc.model.ids import digest
from mvc.model.segment import PIECE, STEP, WIDTHS, Segment, digest_of
from mvc.storage.chunks.block_layouts import LAYOUTS, NUMBERS
from mvc.storage.chunks.encodings import Shape

SMALL = 16 * 1024
"""Bytes below which a tensor, or a gap between two, shares a chunk with its neighbours."""
GROUP = 256 * 1024
"""The largest size of such a chunk, in bytes."""
MAX_VIEWS = 10_000
"""Further tensors over the segments of a file that a recipe lists, at most."""
MAX_VIEWS_TEXT = 1024 * 1024
"""Characters of their names and shapes, at most."""
COVERED = 0.5
"""The share of a file that tensors must fill; otherwise it is cut by content."""


_NUMBERS = WIDTHS | {"": 0, "BOOL": 0, "C32": 2, "C64": 4, "C128": 8}
"""Bytes of one number by dtype; a complex number is two. Those of other dtypes are stored as numbers of one byte."""


class Piece(NamedTuple):
    """A future chunk: `size` bytes of a file from `offset`, with `segments[first:last]` or a part of one segment.

    `width` is the bytes of one number, 0 if it does not consist of numbers of one dtype; the first begins after `phase` bytes.
    With `blocks`, the number of their layout, it consists of quantised blocks, and the phase is theirs.
    It is `mixed` if it has several tensors, or a tensor and other bytes, without a common width: its shape is chosen by samples.
    """

    offset: int
    size: int
    first: int
    last: int
    width: int = 0
    phase: int = 0
    blocks: int = 0
    mixed: bool = False

    @property
    def shape(self) -> Shape | None:
        """The shape of its numbers, None if it has none."""
        return Shape(self.width, self.phase, self.blocks) if self.width else None

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout: the consecutive `pieces` of a file, and its tensors, `segments`."""

    format: str
    segments: tuple[Segment, ...]
    pieces: tuple[Piece, ...]

    @property
    def segmenter(self) -> dict[str, Any]:
        """The name and parameters of this chunking, as a recipe records them, with further tensors over the segments."""
        views = _views(self.segments)
        return ({"views": views} if views else {}) | {
            "name": "tensors", "version": 1, "format": self.format,
            "piece": PIECE, "step": STEP, "small": SMALL, "group": GROUP,
        }  # fmt: skip

    def hashes(self, piece: Piece, data: memoryview, chunk: str) -> list[str]:
        """Return the digest of each segment's part of a piece; `data` is the bytes of the piece, and `chunk` their id."""
        found = []
        for segment in self.segments[piece.first : piece.last]:
            start, end = max(segment.offset, piece.offset), min(segment.end, piece.end)
            whole = end - start == piece.size
            found.append(chunk if whole else digest(data[start - piece.offset : end - piece.offset]))
        return found


def _views(segments: Sequence[Segment]) -> list[list[Any]]:
    """Return the views of segments as a recipe records them, each after the number of its segment."""
    records: list[list[Any]] = []
    characters = 0
    for index, segment in enumerate(segments):
        for name, shape, strides, start, size in segment.views:
            characters += len(name) + 12 * len(shape)
            if len(records) == MAX_VIEWS or characters > MAX_VIEWS_TEXT:
                return records
            records.append([index, name, list(shape), list(strides or ()), start, size])
    return records


class Digests:
    """The digests of segments, gathered from their pieces in the order of the file."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Start without digests."""
        self._segments = segments
        self._ids: list[list[str]] = [[] for _ in segments]

    def add(self, piece: Piece, ids: Sequence[str]) -> None:
        """Add the ids that `Layout.hashes` returned for a piece."""
        for index, id_ in zip(range(piece.first, piece.last), ids, strict=True):
            self._ids[index].append(id_)

    def segments(self) -> tuple[Segment, ...]:
        """Return the segments with their digests."""
        return tuple(
            [each._replace(digest=digest_of(ids)) for each, ids in zip(self._segments, self._ids, strict=True)]
        )


def lay_out(format_: str, segments: Sequence[Segment], size: int) -> Layout | None:
    """Return the layout of a file of `size` bytes with these segments; None if they fill too little of it."""
    if sum(segment.size for segment in segments) < COVERED * size:
        return None
    pieces: list[Piece] = []
    for small, run in itertools.groupby(_items(segments, size), lambda item: item.size < SMALL):
        items = list(run)
        pieces.extend(_grouped(items) if small else _stepped(items, segments))
    return Layout(format_, tuple(segments), tuple(pieces))


def _items(segments: Sequence[Segment], size: int) -> Iterator[Piece]:
    """Yield the segments, and the gaps between them, each whole."""
    end = 0
    for index, segment in enumerate(segments):
        if segment.offset > end:
            yield Piece(end, segment.offset - end, index, index)
        blocks = NUMBERS.get(segment.dtype, 0)
        yield Piece(segment.offset, segment.size, index, index + 1, _NUMBERS.get(segment.dtype, 1), blocks=blocks)
        end = segment.end
    if size > end:
        yield Piece(end, size - end, len(segments), len(segments))


def _stepped(items: Iterable[Piece], segments: Sequence[Segment]) -> Iterator[Piece]:
    """Yield the pieces of a large segment or gap, in fixed steps."""
    for item in items:
        step = segments[item.first].step if item.first < item.last else STEP
        for offset in range(item.offset, item.end, step):
            phase = (item.offset - offset) % LAYOUTS[item.blocks].size if item.blocks else 0
            yield item._replace(offset=offset, size=min(step, item.end - offset), phase=phase)


def _grouped(items: Iterable[Piece]) -> Iterator[Piece]:
    """Yield pieces that group neighbouring segments; a piece has the width or block layout that all its segments have."""
    group: Piece | None = None
    for item in items:
        if group is not None and group.size + item.size <= GROUP:
            width = group.width if group.width == item.width else 0
            blocks = group.blocks if group.blocks == item.blocks else 0
            mixed = not width and not blocks and item.last > group.first
            size = group.size + item.size
            group = Piece(group.offset, size, group.first, item.last, width, blocks=blocks, mixed=mixed)
            continue
        if group is not None:
            yield group
        group = item
    if group is not None and group.size:
        yield group
