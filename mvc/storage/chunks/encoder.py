"""Encoder of new chunks: the delta base is looked up by the caller, the entry is encoded by a worker.

prepare (the caller's thread)   piece ─ base ─ places of the base, chain depth at most `DEPTH - 1`
its result (any thread)         read the base, encode with and without it, keep the shorter one
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import ChunkId
from mvc.storage.chunks import codec, encodings
from mvc.storage.chunks.bases import FileBases, Found
from mvc.storage.chunks.codec import Parts
from mvc.storage.chunks.encodings import Base
from mvc.storage.chunks.layout import Piece
from mvc.storage.packs import packformat
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.reader import ChunkReader, Place

DEPTH = 2
"""The largest chain depth of a new delta: each base takes about as long to read as the chunk itself."""
CAST_DEPTH = 3
"""The largest chain depth of a delta that rounds its base: half-precision copies are made of the newest version."""

Encoded = tuple[Entry, Parts]
"""An entry that has no offset in a pack yet, and its stored bytes."""


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

    def prepare(
        self, chunk: ChunkId, data: memoryview, piece: Piece | None, bases: FileBases | None
    ) -> Callable[[], Encoded]:
        """Return a function that encodes a chunk, in any thread; `data` must not change before it is called."""
        width = piece.width if piece else 0
        found = bases.find(piece) if bases and piece and width else None
        base = self._resolve(found) if found else None
        return partial(self._encode, chunk, data, width, base)

    def _resolve(self, found: Found) -> _Base | None:
        """Return the places of the base; if its chain is too deep, those of its own base, and so on."""
        chunk, encoding, beneath = found
        places = self._reader.locate(chunk)
        while places:
            entry = places[0].location.entry
            cast = entry.encoding in encodings.CASTS
            deep = entry.depth >= (DEPTH if encoding == encodings.DELTA else CAST_DEPTH)
            if not deep and not beneath:
                return _Base(encoding, chunk, places[0])
            if cast and not beneath:
                encoding = entry.encoding
            beneath = beneath and not cast
            chunk, places = ChunkId(str(entry.base)), places[0].bases
        return None

    def _encode(self, chunk: ChunkId, data: memoryview, width: int, base: _Base | None) -> Encoded:
        if not width:
            encoding, whole = codec.encode(data)
            stored: Parts = (whole,)
        else:
            encoding, stored = codec.encode_numbers(data, width, self._read(base))
        based = base if encoding in encodings.BASED else None
        entry = Entry(
            chunk,
            packformat.CHUNK,
            encoding,
            len(data),
            sum(map(len, stored)),
            depth=based.place.location.entry.depth + 1 if based else 0,
            width=width if encoding in encodings.FEATURES else 0,
            base=based.chunk if based else None,
        )
        return entry, stored

    def _read(self, base: _Base | None) -> Base | None:
        """Return the verified bytes of a base; None if it is unreadable and cannot serve as one."""
        if base is None:
            return None
        try:
            return base.encoding, self._reader.read(base.chunk, (base.place,))
        except (errors.Damaged, errors.Missing):
            return None
