"""Guesses from samples of the numbers that bytes of unknown format consist of.

    … 7a 12 3c│3d 51 08 bc│3d 0e …     width 4, phase 3: numbers of 4 bytes, the first after 3 bytes

Without a delta base only the width counts: planes of one width are the same at every phase but for their order. With a
base the phase counts too. The guess for the chunk before is tried first, and kept while it is as good as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mvc import lazy
from mvc.deferred import dataclass
from mvc.model.ids import Buffer
from mvc.storage.chunks import zstd
from mvc.storage.chunks.encodings import WORTH, WORTH_A_BASE, Shape

if TYPE_CHECKING:
    from mvc.storage.chunks import planes
else:
    planes = lazy.Module("mvc.storage.chunks.planes")

SAMPLE = 4 * 1024
"""Bytes of one sample; a chunk is sampled at `_PARTS` places."""
_PARTS = 4
_TINY = 64
"""Bytes below which a chunk is of any kind: what a delta would save is less than the name of its base."""
_ALIGNED = 8
"""Samples begin at a multiple of this, so that their numbers begin at the phase of the chunk."""
_RANDOM = 0.99
"""The share of a part of a sample from which nothing else is tried: compressed bytes are refused cheaply."""
_TEXT = 0.85
"""The share of zstd below which matches may reach further than a sample, so that zstd is tried on the whole chunk."""
_EQUAL = 0.02
"""The share of equal bytes below which random bytes are unrelated; by chance it is 0.004."""
_FEW = 0.05
"""The share of planes or a delta below which zstd is not tried on the whole chunk."""
_LIKE = 0.05
"""The share of bytes by which planes of width 4 may differ from those two further on, for width 2 to be tried."""
_ZEROS = 0.03
"""The share below which a plane is mostly zeros."""
_STEADY = 1.1
"""How much larger the share of a delta may be than that of the chunk before, for its shape to be kept."""


class Choice(NamedTuple):
    """The shape of a chunk, None for bytes of any kind; with `based`, a delta pays."""

    shape: Shape | None
    based: bool = False


class Alone(NamedTuple):
    """The size of a sample without a base, and the width of its planes, 0 where zstd or nothing is as short.

    `phase` is where its numbers seem to begin, since the highest byte of a float varies least; None if that is unclear.
    """

    size: int
    width: int = 0
    phase: int | None = None


@dataclass(slots=True)
class Guess:
    """The shape of the last delta that was searched for, of bytes at `offset` of a file, and its share of the raw bytes."""

    shape: Shape | None = None
    offset: int = 0
    share: float = 0.0

    def choose(self, offset: int, raw: Buffer, base: Buffer | None) -> Choice:
        """Return the encoding of a chunk at `offset` of its file that is shortest by samples."""
        if len(raw) < _TINY:
            return Choice(None)
        starts = _starts(len(raw))
        new = _sample(raw, starts, len(raw))
        found = alone(new)
        choice, size = Choice(Shape(found.width) if found.width else None), found.size
        if base is not None:
            shape, delta = self.delta(new, _sample(base, starts, len(raw)), offset, found)
            if shape is not None:
                choice, size = Choice(shape, based=True), delta
        return Choice(None) if choice.shape and _repeats(raw, new, size) else choice

    def delta(self, new: bytes, old: bytes, offset: int, without: Alone) -> tuple[Shape | None, int]:
        """Return the shape of the shortest delta of a sample at `offset`, and its size; None if it does not pay.

        `without` is the encoding without a base. The shape of the delta before is the only one tried while it does as well.
        """
        limit = int(WORTH_A_BASE * without.size)
        if _is_unrelated(new, old, without):
            return None, without.size
        kept = self._kept(offset)
        if kept is not None and without.phase in (None, kept.phase):
            size = _difference(new, old, kept)
            if size <= limit and size <= self.share * len(new) * _STEADY:
                return kept, size
        size, shape = min((_difference(new, old, shape), shape) for shape in _shapes(without))
        if size > limit:
            return None, without.size
        self.shape, self.offset, self.share = shape, offset, size / len(new)
        return shape, size

    def _kept(self, offset: int) -> Shape | None:
        """Return the last shape, at the phase of bytes at `offset`."""
        if self.shape is None:
            return None
        width, phase = self.shape.width, self.shape.phase
        return Shape(width, (self.offset + phase - offset) % width)


def alone(sample: bytes) -> Alone:
    """Return the shortest encoding of a sample without a base."""
    if _is_random(b"".join(sample[start : start + SAMPLE // 4] for start in range(0, len(sample), SAMPLE))):
        return Alone(len(sample))
    size = min(len(zstd.compress(sample)), len(sample))
    best = Alone(int(size * WORTH))
    for width in _widths(sample):
        sizes = [_stored(sample[place::width]) for place in range(width)]
        if sum(sizes) < best.size:
            best = Alone(sum(sizes), width, _phase(sizes, len(sample)))
    return best if best.width else Alone(size)


def _widths(sample: bytes) -> Iterator[int]:
    """Yield the widths whose planes may be shortest."""
    yield 4
    four = [sample[place::4] for place in range(4)]
    sizes = [_stored(plane) for plane in four]
    if max(abs(sizes[0] - sizes[2]), abs(sizes[1] - sizes[3])) < _LIKE * len(sample) / 4:
        yield 2
    mixed = min(four, key=_stored)
    if _stored(mixed[::2]) + _stored(mixed[1::2]) < WORTH_A_BASE * _stored(mixed):
        yield 8


def _is_random(sample: bytes) -> bool:
    """Return whether neither zstd nor planes of width 4 shorten a sample, as those of compressed bytes."""
    least = _RANDOM * len(sample)
    return len(zstd.compress(sample)) > least and sum(_stored(sample[place::4]) for place in range(4)) > least


def _phase(sizes: Sequence[int], size: int) -> int | None:
    """Return where numbers begin: after the plane that is clearly the shortest one but for zeros."""
    planes = sorted((packed, place) for place, packed in enumerate(sizes) if packed * len(sizes) > _ZEROS * size)
    if len(planes) < 2 or planes[0][0] > WORTH_A_BASE * planes[1][0]:
        return None
    return (planes[0][1] + 1) % len(sizes)


def _is_unrelated(new: bytes, old: bytes, without: Alone) -> bool:
    """Return whether a delta cannot pay: the new bytes are random, and hardly one is equal to that of the base."""
    if without.size <= WORTH * len(new):
        return False
    apart = int.from_bytes(new, "little") ^ int.from_bytes(old, "little")
    return apart.to_bytes(len(new), "little").count(0) < _EQUAL * len(new)


def _repeats(raw: Buffer, sample: bytes, size: int) -> bool:
    """Return whether zstd, with matches beyond a sample, is shorter than what takes `size` bytes of the sample."""
    if size < _FEW * len(sample) or len(zstd.compress(sample)) > _TEXT * len(sample):
        return False
    return len(zstd.compress(raw)) * len(sample) < size * len(raw)


def _shapes(without: Alone) -> Iterator[Shape]:
    """Yield the shapes that are tried: numbers of 8 bytes only where these have shorter planes than those of 4."""
    yield Shape(1)
    for width in (2, 4, 8) if without.width == 8 else (2, 4):
        known = without.phase if without.width == width else None
        yield from (Shape(width, phase) for phase in ([known] if known is not None else range(width)))


def _difference(new: bytes, old: bytes, shape: Shape) -> int:
    width, phase = shape.width, shape.phase
    values, base = (planes.numbers(memoryview(each)[phase:], width) for each in (new, old))
    return sum(_stored(plane.data) if plane.any() else 0 for plane in planes.split(planes.difference(values, base)))


def _stored(plane: Buffer) -> int:
    return min(len(zstd.compress_plane(plane)), len(plane))


def _starts(size: int) -> list[int]:
    if size <= SAMPLE * _PARTS:
        return []
    return [place * (size - SAMPLE) // (_PARTS - 1) // _ALIGNED * _ALIGNED for place in range(_PARTS)]


def _sample(raw: Buffer, starts: list[int], size: int) -> bytes:
    """Return samples of bytes; all of them, cut or padded to `size`, if there are no `starts`."""
    view = memoryview(raw)
    if not starts:
        return view[:size].tobytes().ljust(size, b"\0")
    return b"".join(view[start : start + SAMPLE].tobytes().ljust(SAMPLE, b"\0") for start in starts)
