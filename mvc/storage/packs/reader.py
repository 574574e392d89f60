"""Chunk reader: locates a chunk and its delta bases in the packs, then reads, decodes and verifies it.

locate (the caller's thread)   chunk ─ entry in a pack, depth 2 ─ entry of its base, depth 1 ─ entry of its base, depth 0
read   (any thread)            pread, decode the deepest, then each delta against the one below it
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import Buffer, ChunkId, digest
from mvc.storage.chunks import codec
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.index import ChunkIndex, Location
from mvc.storage.packs.packfile import PackFiles


class Place(NamedTuple):
    """An entry of a chunk, and for a delta the places of its base that have a smaller depth, the smallest first.

    `whole`: all its delta bases have a place too.
    """

    location: Location
    bases: tuple[Place, ...] = ()
    whole: bool = True


_Known = dict[tuple[str, int], tuple[Place, ...]]
"""The places of delta bases, by their chunk and the depth that they are below."""


class ChunkReader:
    """A reader of the chunks of a repository. `read` may be called from several threads, `locate` from one."""

    def __init__(self, door: StoreDoor, index: ChunkIndex) -> None:
        """Read packs below `door`; `index` finds chunks."""
        self.index = index
        self._files = PackFiles(door)

    def locate(self, chunk: ChunkId, *, sure: bool = False, below: int = packformat.MAX_DEPTH + 1) -> tuple[Place, ...]:
        """Return every place of a chunk with a depth below `below`; with `sure`, re-read the pack indexes first."""
        return self.locate_all([chunk], sure=sure, below=below)[chunk]

    def locate_all(
        self, chunks: Iterable[ChunkId], *, sure: bool = False, below: int = packformat.MAX_DEPTH + 1
    ) -> dict[ChunkId, tuple[Place, ...]]:
        """Return the places of each of `chunks`, as `locate`: with a query for 500 of them, and for their delta bases."""
        wanted = list(dict.fromkeys(chunks))
        entries: dict[ChunkId, list[Location]] = {}
        level = wanted
        for _ in range(below):  # a base is less deep than its delta
            entries |= self.index.find_all(level, sure=sure)
            found = (each.entry.base for chunk in level for each in entries.setdefault(chunk, []))
            level = [base for base in map(ChunkId, filter(None, dict.fromkeys(found))) if base not in entries]
            if not level:
                break
        known: _Known = {}
        return {chunk: _places(chunk, below, entries, known) for chunk in wanted}

    def read(self, chunk: ChunkId, places: tuple[Place, ...], *, check: bool = True) -> Buffer:
        """Return the raw bytes from the first place with intact ones; raise Damaged, or Missing without any place.

        With `check`, their hash is verified. Without, a single place is trusted.
        """
        failure: errors.MvcError | None = None
        for place in places:
            try:
                return self._read(chunk, place, check=check or len(places) > 1)
            except (errors.Damaged, errors.Missing) as error:
                failure = error
        raise failure or errors.Missing(what="chunk", id=chunk)  # an error takes as long to make as to hash the chunk

    def forget(self, places: tuple[Place, ...]) -> None:
        """Open the packs of these places again on the next use: their names may refer to other files."""
        level = {id(place): place for place in places}
        while level:
            for place in level.values():
                self._files.forget(place.location.pack)
            level = {id(base): base for place in level.values() for base in place.bases}

    def _read(self, chunk: ChunkId, place: Place, *, check: bool) -> Buffer:
        location, entry = place.location, place.location.entry
        stored = packformat.read_entry(self._files.get(location.pack), entry)
        base = self.read(ChunkId(entry.base), place.bases, check=False) if entry.base else None
        what = f"chunk {chunk[:10]} in {location.pack}"
        try:
            raw = codec.decode(entry.encoding, stored, entry.raw, width=entry.width, base=base)
        except errors.Damaged as error:
            raise errors.Damaged(what=what, reason=error.fields.get("reason", error.message)) from error
        if check and digest(raw) != chunk:
            if entry.base:  # its own hash was not needed until now: raises if the base is the damaged one
                self.read(ChunkId(entry.base), place.bases)
            raise errors.Damaged(what=what, reason="checksum mismatch")
        return raw


def _places(
    chunk: ChunkId, below: int, entries: Mapping[ChunkId, Sequence[Location]], known: _Known
) -> tuple[Place, ...]:
    """Return the places of a chunk; a shared delta base is built once, or chains stored twice would take 2^depth."""
    places = []
    for each in entries.get(chunk, ()):
        base, depth = each.entry.base, each.entry.depth
        if depth < below:
            if base and (base, depth) not in known:
                known[base, depth] = _places(ChunkId(base), depth, entries, known)
            bases = known[base, depth] if base else ()
            places.append(Place(each, bases, base is None or any(place.whole for place in bases)))
    return tuple(places)
