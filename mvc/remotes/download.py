"""Download of chunks: read ranges of packs in parallel, verify them, and store them in local packs.

    ranges ─► read (threads) ─► header as in the index? ─► decoded, hash? ─► pack, durable, named
                                                 └ a thread for each of a few batches ┘

A remote is never trusted, as later commits deduplicate against every stored chunk.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import Buffer, ChunkId, digest
from mvc.remotes import download_plan
from mvc.remotes.backends.backend import Backend
from mvc.remotes.budget import Budget, Share
from mvc.remotes.download_plan import Batch, Range
from mvc.remotes.inventory import RemotePlace
from mvc.remotes.store import Store
from mvc.storage.chunks import codec, encodings
from mvc.storage.disk import primitives
from mvc.storage.disk.workers import Workers
from mvc.storage.packs import packformat
from mvc.storage.packs.packformat import HEADER, Entry
from mvc.storage.packs.packwriter import PackBuilder
from mvc.storage.packs.reader import Place

if TYPE_CHECKING:
    from concurrent.futures import Future

_BATCHES = 3
"""Batches that are read and checked at once; as many more are being written to the disk."""
HELD = 32 * 1024 * 1024
"""Bytes of ranges that all batches have in memory, or as many as `jobs` long reads have."""

Progress = Callable[[int], None]
_Places = dict[ChunkId, tuple[Place, ...]]
"""The local places of delta bases."""


def features(batches: Sequence[Batch]) -> set[str]:
    """Return the format features that readers of a store with these entries need."""
    return {each for batch in batches for there in batch.entries for each in encodings.features(there.entry.encoding)}


class Downloader:
    """One download from one remote, `jobs` ranges at a time. The caller makes the store require the `features` first.

    After Damaged or MissingThere, `failed` are the places without the right chunk.
    """

    def __init__(self, store: Store, backend: Backend, jobs: int, progress: Progress | None = None) -> None:
        """Report the bytes read to `progress`."""
        self._store = store
        self._backend = backend
        self._jobs = jobs
        self._progress = progress or (lambda _: None)
        self._over = threading.Event()
        self.failed: set[RemotePlace] = set()

    def fetch(self, batches: Sequence[Batch]) -> int:
        """Download the batches, each durable before a batch of deltas on it is read; return the number of bytes read.

        Raises MissingThere, Damaged, RemoteUnreachable, RemoteDenied, DiskFailed; finished batches stay.
        """
        in_progress: deque[Future[None]] = deque()
        ordered = primitives.on_step is not None  # one at a time, for the order of a test's steps
        most = 1 if ordered else 2 * _BATCHES
        room = threading.Semaphore(_BATCHES)
        budget = Budget(max(HELD, self._jobs * self._backend.read_size))
        with Workers(self._jobs) as readers, Workers(most) as keepers:
            try:
                for batch in batches:
                    places = self._places(batch, in_progress)
                    while len(in_progress) >= most:
                        in_progress.popleft().result()
                    room.acquire()
                    batch_data = _ArrivingBatch(self._backend.where, self._store, batch, places)
                    in_progress.append(keepers.submit(self._store_batch, batch_data, readers, budget, room))
                for each in in_progress:
                    each.result()
            finally:  # after an error, the other threads end with their next read
                self._over.set()
        self._store.chunks.refresh()
        return download_plan.size(batches)

    def _places(self, batch: Batch, in_progress: deque[Future[None]]) -> _Places:
        """Return the local places of a batch's delta bases, once the batches before it are stored."""
        bases = _bases(batch)
        if bases:
            while in_progress:
                in_progress.popleft().result()
            self._store.chunks.refresh()
        return {base: self._store.reader.locate(base, below=depth) for base, depth in bases.items()}

    def _ahead(self, ranges: Sequence[Range], readers: Workers, share: Share) -> Iterator[bytes]:
        """Yield the bytes of each range, in order; at most `jobs` are read ahead, if the budget has room for them."""
        waiting: deque[Future[bytes]] = deque()
        remaining = deque(ranges)
        try:
            while waiting or remaining:
                while remaining and len(waiting) < self._jobs and share.take(remaining[0].size, wait=not waiting):
                    waiting.append(readers.submit(self._read, remaining.popleft()))
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _read(self, wanted: Range) -> bytes:
        name = packformat.path(wanted.pack)
        if self._over.is_set():
            raise _OverError
        try:
            data = self._backend.read_range(name, wanted.offset, wanted.size)
        except FileNotFoundError:
            self.failed.update(wanted.entries)
            raise errors.MissingThere(remote=self._backend.where, what="the pack", id=name) from None
        except errors.Damaged:
            self.failed.update(wanted.entries)
            raise
        if len(data) != wanted.size:
            self.failed.update(wanted.entries)
            raise errors.DamagedThere(
                what=f"{name} on {self._backend.where}", reason=f"it ends before byte {wanted.end}"
            )
        self._progress(len(data))
        return data

    def _store_batch(
        self, batch_data: _ArrivingBatch, readers: Workers, budget: Budget, room: threading.Semaphore
    ) -> None:
        """Store a batch as a pack, in a thread, and release its memory."""
        builder = PackBuilder(self._store.door, batch_data.size)
        try:
            try:
                try:
                    with budget.share() as share:
                        coming = self._ahead(batch_data.ranges, readers, share)
                        for entry, stored in batch_data.checked(coming, share):
                            builder.add(entry, stored)
                            del stored  # it would keep its whole range in memory
                except errors.Damaged:
                    self.failed.update(batch_data.failed)
                    raise
                id_, temporary = builder.finish()
            finally:
                room.release()
            temporary.close()
            self._store.door.give_name(temporary, packformat.path(id_))
        finally:
            builder.discard()


def _bases(batch: Batch) -> dict[ChunkId, int]:
    """Return the delta bases outside of a batch, each with the limit of its depth."""
    own = {each.entry.id for each in batch.entries}
    found: dict[ChunkId, int] = {}
    for there in batch.entries:
        base, depth = there.entry.base, there.entry.depth
        if base and base not in own:
            found[ChunkId(base)] = min(depth, found.get(ChunkId(base), depth))
    return found


class _OverError(Exception):
    """Another batch failed, so the result of this one is not needed."""


class _ArrivingBatch:
    """The entries of a batch, as its ranges arrive; used by one thread. Raises Damaged.

    A range stays in memory until its last entry, and the last delta on one of its entries, was yielded.
    """

    def __init__(self, where: str, store: Store, batch: Batch, places: _Places) -> None:
        self._where = where
        self._store = store
        self._batch = batch
        self._places = places
        self._beside = {there.entry.id: there for there in batch.entries}
        self._range = {there.entry.id: number for number, each in enumerate(batch.ranges) for there in each.entries}
        self._coming: Iterator[bytes] = iter(())
        self._held: dict[int, memoryview] = {}
        self._asked = 0
        self.failed: list[RemotePlace] = []

    @property
    def size(self) -> int:
        """The bytes of the entries, with their headers."""
        return sum(HEADER.size + each.entry.stored for each in self._batch.entries)

    @property
    def ranges(self) -> Sequence[Range]:
        """The ranges of the batch, in the order in which they must arrive."""
        return self._batch.ranges

    def checked(self, coming: Iterator[bytes], share: Share) -> Iterator[tuple[Entry, memoryview]]:
        """Yield each entry with its stored bytes, once its decoded chunk has the right hash.

        `coming` are the bytes of the ranges, which are given back to `share`.
        """
        self._coming = coming
        last = self._last_uses()
        for place, there in enumerate(self._batch.entries):
            if digest(self._raw(there)) != there.entry.id:
                raise self._damaged(there, "checksum mismatch")
            yield there.entry, self._stored(there)
            for number in [number for number in self._held if last[number] <= place]:
                del self._held[number]
                share.give(self._batch.ranges[number].size)

    def _last_uses(self) -> dict[int, int]:
        """Return for each range the position of the last entry that needs it."""
        found: dict[int, int] = {}
        for place, there in enumerate(self._batch.entries):
            needed: RemotePlace | None = there
            while needed is not None:
                found[self._range[needed.entry.id]] = place
                needed = self._base_beside(needed)
        return found

    def _stored(self, place: RemotePlace) -> memoryview:
        """Return the stored bytes of an entry, whose header must be the one in the index."""
        entry, number = place.entry, self._range[place.entry.id]
        while self._asked <= number:
            self._held[self._asked] = memoryview(next(self._coming))
            self._asked += 1
        start = entry.offset - self._batch.ranges[number].offset
        header, stored = start + HEADER.size, start + HEADER.size + entry.stored
        if self._held[number][start:header] != entry.header():
            self.failed.append(place)
            what = f"{packformat.path(place.pack)} on {self._where}"
            raise errors.DamagedThere(what=what, reason=f"the entry at byte {entry.offset} differs from its index")
        return self._held[number][header:stored]

    def _raw(self, place: RemotePlace) -> Buffer:
        entry = place.entry
        base = self._base(place) if entry.base else None
        try:
            return codec.decode(entry.encoding, self._stored(place), entry.raw, width=entry.width, base=base)
        except errors.Damaged as error:
            raise self._damaged(place, error.fields["reason"]) from error

    def _base(self, place: RemotePlace) -> Buffer:
        """Return the raw bytes of a delta base, from this batch or from the store."""
        beside = self._base_beside(place)
        if beside is not None:
            return self._raw(beside)
        base = ChunkId(place.entry.base or "")
        return self._store.reader.read(base, self._places.get(base, ()))

    def _base_beside(self, place: RemotePlace) -> RemotePlace | None:
        """Return the entry of the delta base in the same batch, if its depth is smaller."""
        beside = self._beside.get(place.entry.base or "")
        return beside if beside is not None and beside.entry.depth < place.entry.depth else None

    def _damaged(self, place: RemotePlace, reason: object) -> errors.DamagedThere:
        entry = place.entry
        self.failed.append(place)
        what = f"chunk {entry.id[:10]} in {packformat.path(place.pack)} on {self._where}"
        return errors.DamagedThere(what=what, reason=reason)
