"""Which entries of which packs to fetch for the chunks that are wanted: with the bases that are not here, and no more.

chunks ─► not here ─► where the remote has them ─► their bases ─► not here ─► …      bases before what rests on them
                                                      └► batches of 64 MiB ─► ranges of packs, neighbours joined
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import ChunkId, PackId
from mvc.remotes.inventory import Inventory, Places, RemotePlace
from mvc.remotes.store import Store
from mvc.storage.packs import packformat

BATCH = 64 * 1024 * 1024
"""Stored bytes that are fetched, checked and kept as one pack; after a kill, at most a few such are fetched again."""
_SLACK = 32
"""Bytes between two entries are read too, when they are at most this part of those wanted around them."""


@dataclass(slots=True)
class Range:
    """Entries of one pack that are read at once, in the order of their offsets; from `offset` to `end`."""

    pack: PackId
    offset: int
    end: int
    entries: list[RemotePlace]
    wanted: int


class Batch(NamedTuple):
    """Entries in the order in which they can be checked, and the ranges that have them, in the order of need."""

    entries: tuple[RemotePlace, ...]
    ranges: tuple[Range, ...]


def plan(
    store: Store,
    there: Inventory,
    chunks: Iterable[ChunkId],
    longest: int,
    failed: AbstractSet[RemotePlace] = frozenset(),
) -> list[Batch]:
    """What to fetch so that all of `chunks` can be read here, in reads of at most `longest` bytes, or of one entry.

    Places that `failed` are not used. Raises MissingThere for a chunk that is not there either.
    """
    store.chunks.refresh()
    missing = [chunk for chunk in dict.fromkeys(chunks) if not _is_here(store, chunk, packformat.MAX_DEPTH + 1)]
    if not missing:
        return []
    wanted = _Wanted(store, there.where, there.find(missing, failed))
    for chunk in missing:
        wanted.add(chunk, packformat.MAX_DEPTH + 1)
    return [Batch(tuple(entries), tuple(_ranges(entries, longest))) for entries in _batches(wanted.entries)]


def size(batches: Iterable[Batch]) -> int:
    """The bytes that will be read."""
    return sum(each.end - each.offset for batch in batches for each in batch.ranges)


class _Wanted:
    """The entries to fetch, each after its base."""

    def __init__(self, store: Store, where: str, there: Places) -> None:
        self._store = store
        self._where = where
        self._there = there
        self._done: dict[str, int] = {}
        self.entries: list[RemotePlace] = []

    def add(self, chunk: str, below: int) -> None:
        """Have an entry of `chunk`, of a depth less than `below`, be among those to fetch."""
        if self._done.get(chunk, below) < below or _is_here(self._store, ChunkId(chunk), below):
            return
        there = next((each for each in self._there.get(chunk, ()) if each.entry.depth < below), None)
        if there is None:
            raise errors.MissingThere(remote=self._where, what="the chunk", id=chunk)
        if there.entry.base:
            self.add(there.entry.base, there.entry.depth)
        self._done[chunk] = there.entry.depth
        self.entries.append(there)


def _is_here(store: Store, chunk: ChunkId, below: int) -> bool:
    places = store.reader.locate(chunk, below=below)
    return any(place.whole for place in places)


def _batches(entries: Sequence[RemotePlace]) -> Iterator[list[RemotePlace]]:
    batch: list[RemotePlace] = []
    held = 0
    for each in entries:
        batch.append(each)
        held += each.entry.stored
        if held >= BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _ranges(entries: Sequence[RemotePlace], longest: int) -> list[Range]:
    place = {there.entry.id: number for number, there in enumerate(entries)}
    return sorted(_joined(entries, longest), key=lambda each: min(place[there.entry.id] for there in each.entries))


def _joined(entries: Sequence[RemotePlace], longest: int) -> list[Range]:
    found: list[Range] = []
    for there in sorted(entries, key=lambda each: (each.pack, each.entry.offset)):
        entry = there.entry
        length = entry.end - entry.offset
        last = found[-1] if found else None
        if last is None or last.pack != there.pack or not _joins(last, entry.offset, entry.end, longest):
            found.append(Range(there.pack, entry.offset, entry.end, [there], length))
            continue
        last.end = entry.end
        last.entries.append(there)
        last.wanted += length
    return found


def _joins(last: Range, offset: int, end: int, longest: int) -> bool:
    between = last.end - last.offset - last.wanted + offset - last.end
    return between <= last.wanted // _SLACK and end - last.offset <= longest
