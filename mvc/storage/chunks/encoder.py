"""Encoder of new chunks: the delta base is looked up by the caller, the entry is encoded by a worker.

find    (the caller's thread)   chunks of a block that may be bases ─ their places, with few queries
prepare (the caller's thread)   piece ─ base ─ places of the base, chain depth at most `DEPTH - 1`
its result (any thread)         read the base, encode with and without it, keep the shorter one

A base may be in a pack that is being written: it is read from there. Both become durable at the same barrier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import Buffer, ChunkId
from mvc.storage.chunks import codec, encodings
from mvc.storage.chunks.bases import Found
from mvc.storage.chunks.codec import Parts
from mvc.storage.chunks.encodings import Base, Shape
from mvc.storage.chunks.guess import Choice, Guess
from mvc.storage.chunks.layout import Piece
from mvc.storage.packs import packformat
from mvc.storage.packs.index import Location
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.reader import ChunkReader, Place

DEPTH = 2
"""The largest chain depth of a new delta: each base takes about as long to read as the chunk itself."""
CAST_DEPTH = 3
"""The largest chain depth of a delta that rounds its base: half-precision copies are made of the newest version."""

_COPIED = 256
"""Bytes of the delta of a sample of 8 KiB from which no other base is tried."""

Encoded = tuple[Entry, Parts]
"""An entry that has no offset in a pack yet, and its stored bytes."""

Choose = Callable[[Buffer, Buffer | None], Choice]
"""A function that returns the encoding of a chunk, from its bytes and those of its base, if it has one."""


def depth_limit(encoding: int) -> int:
    """Return the largest chain depth of a new delta."""
    return CAST_DEPTH if encoding in encodings.CASTS else DEPTH


class Under(NamedTuple):
    """The delta base of a new entry: its chunk, its depth, and its raw bytes with the encoding of the delta."""

    chunk: ChunkId
    depth: int
    base: Base


def encode(chunk: ChunkId, raw: Buffer, shape: Shape | None, under: Under | None) -> Encoded:
    """Encode a chunk of numbers of this shape, or of bytes of any kind: as a delta if there is a base and it pays."""
    if shape is None:
        encoding, whole = codec.encode(raw)
        stored: Parts = (whole,)
    elif shape.blocks:
        encoding, stored = codec.encode_blocks(raw, shape, under.base if under else None)
    else:
        encoding, stored = codec.encode_numbers(raw, shape.width, under.base if under else None, shape.phase)
    based = under if encoding in encodings.BASED else None
    entry = Entry(
        chunk,
        packformat.CHUNK,
        encoding,
        len(raw),
        sum(map(len, stored)),
        depth=based.depth + 1 if based else 0,
        width=shape.byte(encoding) if shape else 0,
        base=based.chunk if based else None,
    )
    return entry, stored


def encode_unknown(chunk: ChunkId, raw: Buffer, under: Under | None, choose: Choose) -> Encoded:
    """Encode a chunk of unknown format as `choose` says, as a delta if there is a base and it pays."""
    choice = choose(raw, under.base[1] if under else None)
    return encode(chunk, raw, choice.shape, under if choice.based else None)


class _Base(NamedTuple):
    """A delta base: the encoding of the delta, and the places of the base."""

    encoding: int
    chunk: ChunkId
    place: Place


class Encoder:
    """An encoder of chunks, with deltas against stored chunks."""

    def __init__(self, reader: ChunkReader) -> None:
        """Read delta bases with `reader`."""
        self._reader = reader
        self._written: dict[ChunkId, Location] = {}
        self._found: dict[ChunkId, tuple[Place, ...]] = {}

    def wrote(self, location: Location) -> None:
        """Use a new chunk as a delta base, too, although its pack has no name yet."""
        self._written[ChunkId(location.entry.id)] = location

    def find(self, founds: Iterable[Found | None]) -> None:
        """Locate the delta bases of several chunks at once, for the calls of `prepare` that follow."""
        self._found = self._reader.locate_all(each.chunk for found in founds for each in _all(found))

    def prepare(self, chunk: ChunkId, data: memoryview, piece: Piece, found: Found | None) -> Callable[[], Encoded]:
        """Return a function that encodes a chunk, in any thread; `data` must not change before it is called."""
        if piece.mixed:
            return self.prepare_unknown(chunk, data, found, partial(Guess().choose, piece.offset))
        choices = map(self._resolve, _all(found))
        return partial(self._encode, chunk, data, piece.shape, [base for base in choices if base is not None])

    def prepare_unknown(
        self, chunk: ChunkId, data: memoryview, found: Found | None, choose: Choose
    ) -> Callable[[], Encoded]:
        """Return a function that encodes a chunk of unknown format, as `prepare`; it calls `choose` with the bytes of the base."""
        return partial(self._encode_unknown, chunk, data, self._resolve(found) if found else None, choose)

    def _resolve(self, found: Found) -> _Base | None:
        """Return the places of the base; if its chain is too deep, those of its own base, and so on."""
        chunk, encoding, beneath, _ = found
        places = self._locate(chunk)
        while places:
            entry = places[0].location.entry
            cast = entry.encoding in encodings.CASTS
            deep = entry.depth >= depth_limit(encoding)
            if not deep and not beneath:
                return _Base(encoding, chunk, places[0])
            if cast and not beneath:
                encoding = entry.encoding
            beneath = beneath and not cast
            chunk, places = ChunkId(str(entry.base)), places[0].bases
        return None

    def _locate(self, chunk: ChunkId) -> tuple[Place, ...]:
        """Return the places of a stored chunk; else that in the pack being written."""
        places = self._found[chunk] if chunk in self._found else self._reader.locate(chunk)
        written = self._written.get(chunk)
        if places or written is None:
            return places
        base = written.entry.base
        bases = self._locate(ChunkId(base)) if base else ()
        smaller = tuple(place for place in bases if place.location.entry.depth < written.entry.depth)
        return (Place(written, smaller, base is None or any(place.whole for place in smaller)),)

    def read(self, chunk: ChunkId) -> Buffer:
        """Return the verified bytes of a chunk that is stored, or in the pack being written. Raises Damaged, Missing."""
        return self._reader.read(chunk, self._locate(chunk))

    def _encode(self, chunk: ChunkId, data: memoryview, shape: Shape | None, choices: Sequence[_Base]) -> Encoded:
        """Encode a chunk with the nearest of its bases by samples; the first one is best for anything but plain numbers."""
        nearest, least = None, 0
        for under in filter(None, map(self._read, choices)):
            if len(choices) == 1 or shape is None or shape.blocks:
                nearest = under
                break
            distance = codec.distance(data, shape, under.base)
            if nearest is None or distance < least:
                nearest, least = under, distance
            if distance <= _COPIED:
                break
        return encode(chunk, data, shape, nearest)

    def _encode_unknown(self, chunk: ChunkId, data: memoryview, base: _Base | None, choose: Choose) -> Encoded:
        return encode_unknown(chunk, data, self._read(base) if base is not None else None, choose)

    def _read(self, base: _Base) -> Under | None:
        """Return a base with its verified bytes; None if it is unreadable and cannot serve as one."""
        try:
            raw = self._reader.read(base.chunk, (base.place,))
        except (errors.Damaged, errors.Missing):
            return None
        return Under(base.chunk, base.place.location.entry.depth, (base.encoding, raw))


def _all(found: Found | None) -> Iterator[Found]:
    """Yield a base, and the others that may be nearer."""
    while found is not None:
        yield found
        found = found.other
