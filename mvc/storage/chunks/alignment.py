"""Alignment of a file with a stored one: which of its bytes lie where, and by how much they moved.

    stored  ├── 0 … 4,400,000 ──┤├── 4,400,000 … 11,200,000 ──┤
    new     ├──── shift 0 ──────┤ 4,000 new ├─── shift 4,000 ──────┤       Match(0, 4400000, 0), Match(4400000, …, 4000)

Samples at a few anchors of the stored file are compared with the new file at every known shift: 0, the difference of the
sizes, and those that were located. Two samples fit if a delta of one against the other pays. Between two anchors of
different shifts, the place of the change is found by bisection.
"""

from __future__ import annotations

import bisect
import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from mvc import lazy
from mvc.model.ids import Buffer, ChunkId, digest
from mvc.storage.chunks import guess
from mvc.storage.chunks.encodings import WORTH_A_BASE
from mvc.storage.chunks.guess import Alone, Guess
from mvc.storage.chunks.recipes import Recipe

if TYPE_CHECKING:
    from mvc.storage.chunks import planes
else:
    planes = lazy.Module("mvc.storage.chunks.planes")

ANCHORS = 12
"""Places of the stored file that are compared, at least, if it is long enough."""
SAMPLE = 8 * 1024
"""Bytes that are compared at an anchor."""
_FIRST = 4
"""Anchors that are compared first: if all are compressed bytes, the others are not."""
_APART = 32 * 1024
"""Bytes between two anchors, at least."""
_SURE = 0.8
"""The ratio of a delta to an encoding without base from which no other shift is tried."""
_FINE = 4 * 1024
"""Bytes to which the place of a change is located."""
_SEARCHES = 4
"""Anchors whose shift is searched for, at most."""
_NEAR = 64 * 1024
"""Bytes around the known shifts in which another is searched for."""
_FAR = 2 * 1024 * 1024
"""Bytes in which a shift is searched for, at most."""
_PROBE = 128
"""Bytes that are compared at each shift of a search."""
_ALIKE = 0.2
"""The share of equal bytes in a probe from which a shift is tried; of unrelated numbers about 0.08 are equal."""
_CACHED = 8
"""Decoded chunks of the stored file that are kept."""

ReadAt = Callable[[int, int], bytes]


class Match(NamedTuple):
    """A range of the stored file that the new file has `shift` bytes later."""

    start: int
    end: int
    shift: int


class Alignment(NamedTuple):
    """The matches in order, the share of bytes that deltas take at the anchors, and that encodings without a base take.

    `whole`: every anchor fits.
    """

    matches: tuple[Match, ...]
    delta: float
    alone: float
    whole: bool


class StoredChunk(NamedTuple):
    """A chunk of a stored file, `size` bytes from `offset`."""

    id: ChunkId
    offset: int
    size: int


class StoredFile:
    """The bytes of a stored file, by ranges; the chunks read last are kept."""

    def __init__(self, recipe: Recipe, read: Callable[[int], Buffer]) -> None:
        """Read the file of `recipe`; `read` returns the bytes of its chunk with this number."""
        self.recipe = recipe
        self._offsets = [0, *itertools.accumulate(size for _, size in recipe.chunks)]
        self._read = read
        self._kept: OrderedDict[int, Buffer] = OrderedDict()

    def chunk(self, offset: int) -> StoredChunk:
        """Return the chunk that has the byte at `offset`."""
        number = self._number(offset)
        chunk, size = self.recipe.chunks[number]
        return StoredChunk(chunk, self._offsets[number], size)

    def read(self, offset: int, size: int) -> bytes:
        """Return the bytes from `offset`, up to `size`. Raises Damaged, Missing."""
        parts = []
        end = min(offset + size, self.recipe.size)
        while offset < end:
            number = self._number(offset)
            start = self._offsets[number]
            part = memoryview(self._bytes(number))[offset - start : end - start]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def _number(self, offset: int) -> int:
        return bisect.bisect_right(self._offsets, offset) - 1

    def _bytes(self, number: int) -> Buffer:
        if number not in self._kept:
            self._kept[number] = self._read(number)
            if len(self._kept) > _CACHED:
                self._kept.popitem(last=False)
        return self._kept[number]


class _Fit(NamedTuple):
    """A comparison at one place and shift: the bytes of the delta, raw, and without a base."""

    shift: int
    delta: int
    size: int
    alone: Alone

    @property
    def fits(self) -> bool:
        return self.ratio <= WORTH_A_BASE

    @property
    def is_hopeless(self) -> bool:
        """Return whether the bytes look random and have nothing in common, as those of compressed files."""
        return self.delta >= self.size and self.alone.size >= self.size

    @property
    def ratio(self) -> float:
        return self.delta / max(1, self.alone.size)


class Aligner:
    """The comparison of a new file of `size` bytes with a stored one. Its methods raise Damaged and Missing."""

    def __init__(self, stored: StoredFile, read_at: ReadAt, size: int) -> None:
        """Compare the file that `read_at(offset, size)` reads."""
        self._stored = stored
        self._read_at = read_at
        self._size = size
        self.guess = Guess()
        self._searches = 0
        self._equals: dict[tuple[StoredChunk, int], bool] = {}
        apart = size - stored.recipe.size
        self._shifts = [0, apart] if apart else [0]

    def align(self) -> Alignment | None:
        """Return the alignment; None if no anchor fits."""
        places = self._anchors()
        places = [*places[:: len(places) // _FIRST or 1], *places]
        anchors: dict[int, _Fit | None] = {}
        for place in places:
            if len(anchors) == _FIRST and all(fit is not None and fit.is_hopeless for fit in anchors.values()):
                return None
            if place not in anchors:
                anchors[place] = self._anchor(place)
        known = [(place, fit) for place, fit in sorted(anchors.items()) if fit is not None]
        fitting = [(place, fit.shift) for place, fit in known if fit.fits]
        if not fitting:
            return None
        size = sum(fit.size for _, fit in known)
        delta = sum(min(fit.delta, fit.alone.size) for _, fit in known) / size
        alone = sum(fit.alone.size for _, fit in known) / size
        return Alignment(tuple(self._matches(fitting)), delta, alone, whole=len(fitting) == len(known))

    def _anchors(self) -> list[int]:
        size = self._stored.recipe.size
        count = max(1, min(ANCHORS, size // _APART))
        return [(2 * place + 1) * size // (2 * count) - min(SAMPLE, size) // 2 for place in range(count)]

    def _anchor(self, place: int) -> _Fit | None:
        """Return the best fit of an anchor; None if its bytes say nothing, such as zeros."""
        best = self._equal(place)
        if best is not None:
            return best
        old = self._stored.read(place, SAMPLE)
        if _is_constant(old):
            return None
        for shift in self._shifts:
            fit = self._compare(place, old, shift)
            if fit is not None and (best is None or fit.delta < best.delta):
                best = fit
            if best is not None and best.ratio <= _SURE:
                break
        if (best is None or not best.fits) and self._searches < _SEARCHES:
            found = self._search(place, old, best)
            if found is not None:
                best = found
        if best is not None and best.fits:
            self._shifts.remove(best.shift)
            self._shifts.insert(0, best.shift)
        return best

    def _equal(self, place: int) -> _Fit | None:
        """Return the fit of an anchor whose whole chunk is in the new file at a known shift, None if it is not."""
        chunk = self._stored.chunk(place)
        for shift in self._shifts:
            if self._is_equal(chunk, shift):
                part = self._read_at(place + shift, min(SAMPLE, chunk.offset + chunk.size - place))
                return _Fit(shift, 0, len(part), guess.alone(part))
        return None

    def _is_equal(self, chunk: StoredChunk, shift: int) -> bool:
        if chunk.offset + shift < 0:
            return False
        if (chunk, shift) not in self._equals:
            self._equals[chunk, shift] = digest(self._read_at(chunk.offset + shift, chunk.size)) == chunk.id
        return self._equals[chunk, shift]

    def _compare(self, place: int, old: bytes, shift: int) -> _Fit | None:
        """Compare a sample of the stored file with the new file; None where that has no such place."""
        if place + shift < 0 or place + shift + len(old) > self._size:
            return None
        new = self._read_at(place + shift, len(old))
        if len(new) != len(old):
            return None
        without = guess.alone(new)
        if new == old:
            return _Fit(shift, 0, len(new), without)
        _, delta = self.guess.delta(new, old, place + shift, without)
        return _Fit(shift, delta, len(new), without)

    def _search(self, place: int, old: bytes, best: _Fit | None) -> _Fit | None:
        """Look for the shift of a sample, near the known ones and between them."""
        if best is None or not best.alone.width:
            return None
        self._searches += 1
        start, end = self._range(place)
        window = self._read_at(start, end - start)
        probe = old[:_PROBE]
        if len(window) < len(probe):
            return None
        moved, equal = planes.most_equal(probe, window)
        fit = self._compare(place, old, start + moved - place) if equal > _ALIKE * len(probe) else None
        if fit is None or not fit.fits:
            return None
        if fit.shift not in self._shifts:
            self._shifts.insert(0, fit.shift)
        return fit

    def _range(self, place: int) -> tuple[int, int]:
        low, high = min(self._shifts) - _NEAR, max(self._shifts) + _NEAR
        if high - low > _FAR:  # around the shift of the anchor before
            low, high = self._shifts[0] - _FAR // 2, self._shifts[0] + _FAR // 2
        start = max(0, place + low)
        return start, max(start, min(self._size, place + high + _PROBE))

    def _matches(self, fitting: list[tuple[int, int]]) -> Iterator[Match]:
        """Yield the matches between the places where the shift changes."""
        start = 0
        for (place, shift), (following, other) in itertools.pairwise(fitting):
            if shift == other:
                continue
            end, _ = self._change(place, following, shift, ends=True)
            yield Match(start, end, shift)
            _, start = self._change(end, following, other, ends=False)
        yield Match(start, self._stored.recipe.size, fitting[-1][1])

    def _change(self, low: int, high: int, shift: int, *, ends: bool) -> tuple[int, int]:
        """Return two places, at most `_FINE` bytes apart, between which the match at `shift` ends, or else begins."""
        while high - low > _FINE:
            middle = (low + high) // 2
            if self._fits(middle, shift) == ends:
                low = middle
            else:
                high = middle
        return low, high

    def _fits(self, place: int, shift: int) -> bool:
        fit = self._compare(place, self._stored.read(place, _FINE), shift)
        return fit is not None and fit.fits


def _is_constant(sample: bytes) -> bool:
    return sample.count(sample[:1]) == len(sample)
