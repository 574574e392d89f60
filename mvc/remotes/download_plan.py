"""The plan of a download: the pack entries to fetch, with their delta bases that are not stored.

chunks ─► not stored ─► their places on the remote ─► their bases ─► not stored ─► …  bases before their deltas
                                                      └► batches of 64 MiB ─► ranges of packs, neighbours joined
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import ChunkId, PackId
from mvc.remotes.inventory import Inventory, Places, RemotePlace
from mvc.remotes.store import Store
from mvc.storage.packs import packformat

BATCH = 64 * 1024 * 1024
"""Bytes of one local pack. After a kill, at most a few batches are fetched again."""
_SLACK = 32
"""A gap between two entries is read with them if it is at most this share of the entries' bytes."""


@dataclass(slots=True)
class Range:
    """Entries of one pack that are read in one request, in the order of their offsets, from `offset` to `end`."""

    pack: PackId
    offset: int
    end: int
    entries: list[RemotePlace]
    wanted: int

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return self.end - self.offset


class Batch(NamedTuple):
    """Entries in the order in which they can be decoded, and the ranges that have them, in the order of first use."""

    entries: tuple[RemotePlace, ...]
    ranges: tuple[Range, ...]


def plan(
    store: Store,
    inventory: Inventory,
    chunks: Iterable[ChunkId],
    longest: int,
    failed: AbstractSet[RemotePlace] = frozenset(),
) -> list[Batch]:
    """Return the batches to fetch so that all of `chunks` can be read locally.

    A range is at most `longest` bytes, or one entry. Places in `failed` are not used. Raises MissingThere for a chunk
    that is on neither side.
    """
    store.chunks.refresh()
    missing = [chunk for chunk in dict.fromkeys(chunks) if not _is_here(store, chunk, packformat.MAX_DEPTH + 1)]
    if not missing:
        return []
    selection = _Selection(store, inventory.where, inventory.find(missing, failed))
    for chunk in missing:
        selection.add(chunk, packformat.MAX_DEPTH + 1)
    return [Batch(tuple(entries), tuple(_ranges(entries, longest))) for entries in _batches(selection.entries)]


def size(batches: Iterable[Batch]) -> int:
    """Return the total size of the batches' ranges."""
    return sum(each.size for batch in batches for each in batch.ranges)


class _Selection:
    """The entries to fetch, each after its delta base."""

    def __init__(self, store: Store, where: str, places: Places) -> None:
        self._store = store
        self._where = where
        self._remote_places = places
        self._done: dict[str, int] = {}
        self.entries: list[RemotePlace] = []

    def add(self, chunk: str, below: int) -> None:
        """Add an entry of `chunk` with a depth below `below`, after its delta base."""
        if self._done.get(chunk, below) < below or _is_here(self._store, ChunkId(chunk), below):
            return
        remote_place = next((each for each in self._remote_places.get(chunk, ()) if each.entry.depth < below), None)
        if remote_place is None:
            raise errors.MissingThere(remote=self._where, what="the chunk", id=chunk)
        if remote_place.entry.base:
            self.add(remote_place.entry.base, remote_place.entry.depth)
        self._done[chunk] = remote_place.entry.depth
        self.entries.append(remote_place)


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
    place = {remote_place.entry.id: number for number, remote_place in enumerate(entries)}
    return sorted(
        _joined(entries, longest), key=lambda each: min(place[remote_place.entry.id] for remote_place in each.entries)
    )


def _joined(entries: Sequence[RemotePlace], longest: int) -> list[Range]:
    found: list[Range] = []
    for remote_place in sorted(entries, key=lambda each: (each.pack, each.entry.offset)):
        entry = remote_place.entry
        length = entry.end - entry.offset
        last = found[-1] if found else None
        if last is None or last.pack != remote_place.pack or not _joins(last, entry.offset, entry.end, longest):
            found.append(Range(remote_place.pack, entry.offset, entry.end, [remote_place], length))
            continue
        last.end = entry.end
        last.entries.append(remote_place)
        last.wanted += length
    return found


def _joins(last: Range, offset: int, end: int, longest: int) -> bool:
    between = last.end - last.offset - last.wanted + offset - last.end
    return between <= last.wanted // _SLACK and end - last.offset <= longest
