"""Fetching chunks: ranges of packs, several at a time; every chunk decoded and hashed before it is kept in a pack here.

    ranges ─► read (threads) ─► entry is what its index says ─► decoded, its hash ─► pack, durable, named
                                                       └ a thread for each of a few batches ┘

Nothing of a remote is taken at its word: a chunk that is kept here is what commits leave out for good.
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
from mvc.remotes.download_plan import Batch, Range
from mvc.remotes.inventory import RemotePlace
from mvc.remotes.store import Store
from mvc.storage.chunks import codec, encodings
from mvc.storage.disk import door as door_module
from mvc.storage.disk.workers import Workers
from mvc.storage.packs import packformat
from mvc.storage.packs.packformat import HEADER, Entry
from mvc.storage.packs.packwriter import PackBuilder
from mvc.storage.packs.reader import Place

if TYPE_CHECKING:
    from concurrent.futures import Future

_BATCHES = 3
"""Batches being read and checked at once; as many more are on their way to the disk."""

Progress = Callable[[int], None]
_Places = dict[ChunkId, tuple[Place, ...]]
"""Where chunks lie here that entries rest on."""


def features(batches: Sequence[Batch]) -> set[str]:
    """What a store requires of its readers that has these entries."""
    return {each for batch in batches for there in batch.entries for each in encodings.features(there.entry.encoding)}


class Downloader:
    """Fetches from one remote once, `jobs` ranges at a time. The caller has the store require the `features` first.

    After Damaged or MissingThere, `failed` are the places that did not have what they should.
    """

    def __init__(self, store: Store, backend: Backend, jobs: int, progress: Progress | None = None) -> None:
        """`progress` is told the bytes read."""
        self._store = store
        self._backend = backend
        self._jobs = jobs
        self._progress = progress or (lambda _: None)
        self._over = threading.Event()
        self.failed: set[RemotePlace] = set()

    def fetch(self, batches: Sequence[Batch]) -> int:
        """Have the chunks here, each batch durable before one that rests on it is looked at; the bytes that were read.

        Raises MissingThere, Damaged, RemoteUnreachable, RemoteDenied, DiskFailed; the batches before stay.
        """
        under_way: deque[Future[None]] = deque()
        ordered = door_module.on_step is not None  # one by one, so that a test's steps have an order
        most = 1 if ordered else 2 * _BATCHES
        room = threading.Semaphore(_BATCHES)
        with Workers(self._jobs) as readers, Workers(most) as keepers:
            try:
                for batch in batches:
                    places = self._places(batch, under_way)
                    while len(under_way) >= most:
                        under_way.popleft().result()
                    room.acquire()
                    coming = readers.ahead(self._read, batch.ranges, self._jobs)
                    arriving = _Arriving(self._backend.where, self._store, batch, coming, places)
                    under_way.append(keepers.submit(self._keep, arriving, room))
                for each in under_way:
                    each.result()
            finally:  # after an error, what is under way ends with its next read
                self._over.set()
        self._store.chunks.refresh()
        return download_plan.size(batches)

    def _places(self, batch: Batch, under_way: deque[Future[None]]) -> _Places:
        """Where what a batch rests on lies here, once that has come."""
        bases = _bases(batch)
        if bases:
            while under_way:
                under_way.popleft().result()
            self._store.chunks.refresh()
        return {base: self._store.reader.locate(base, below=depth) for base, depth in bases.items()}

    def _read(self, wanted: Range) -> bytes:
        name = packformat.path(wanted.pack)
        if self._over.is_set():
            raise _OverError
        try:
            data = self._backend.read_range(name, wanted.offset, wanted.end - wanted.offset)
        except FileNotFoundError:
            self.failed.update(wanted.entries)
            raise errors.MissingThere(remote=self._backend.where, what="the pack", id=name) from None
        except errors.Damaged:
            self.failed.update(wanted.entries)
            raise
        if len(data) != wanted.end - wanted.offset:
            self.failed.update(wanted.entries)
            raise errors.DamagedThere(
                what=f"{name} on {self._backend.where}", reason=f"it ends before byte {wanted.end}"
            )
        self._progress(len(data))
        return data

    def _keep(self, arriving: _Arriving, room: threading.Semaphore) -> None:
        """Have a pack of a batch; in a thread. There is room for another one once it is written."""
        builder = PackBuilder(self._store.door, arriving.size)
        try:
            try:
                try:
                    for entry, stored in arriving.checked():
                        builder.add(entry, stored)
                except errors.Damaged:
                    self.failed.update(arriving.failed)
                    raise
                id_, temporary = builder.finish()
            finally:
                room.release()
            temporary.close()
            self._store.door.give_name(temporary, packformat.path(id_))
        finally:
            builder.discard()


def _bases(batch: Batch) -> dict[ChunkId, int]:
    """What entries of a batch rest on that is not in it, each with the depth that it has to be below."""
    own = {each.entry.id for each in batch.entries}
    found: dict[ChunkId, int] = {}
    for there in batch.entries:
        base, depth = there.entry.base, there.entry.depth
        if base and base not in own:
            found[ChunkId(base)] = min(depth, found.get(ChunkId(base), depth))
    return found


class _OverError(Exception):
    """Another batch failed; nobody waits for this one."""


class _Arriving:
    """The entries of a batch as their ranges arrive; used in one thread. Raises Damaged for what is not what it says.

    A range is held until the last entry was given out that is in it, or that rests on one in it.
    """

    def __init__(self, where: str, store: Store, batch: Batch, coming: Iterator[bytes], places: _Places) -> None:
        self._where = where
        self._store = store
        self._batch = batch
        self._coming = coming
        self._places = places
        self._beside = {there.entry.id: there for there in batch.entries}
        self._range = {there.entry.id: number for number, each in enumerate(batch.ranges) for there in each.entries}
        self._held: dict[int, memoryview] = {}
        self._asked = 0
        self.failed: list[RemotePlace] = []

    @property
    def size(self) -> int:
        """The bytes of the entries."""
        return sum(HEADER.size + each.entry.stored for each in self._batch.entries)

    def checked(self) -> Iterator[tuple[Entry, memoryview]]:
        """Each entry that gives the chunk it names, with its stored bytes."""
        last = self._last_uses()
        for place, there in enumerate(self._batch.entries):
            if digest(self._raw(there)) != there.entry.id:
                raise self._damaged(there, "its hash is another")
            yield there.entry, self._stored(there)
            for number in [number for number in self._held if last[number] <= place]:
                del self._held[number]

    def _last_uses(self) -> dict[int, int]:
        """For each range, the place of the last entry that needs it."""
        found: dict[int, int] = {}
        for place, there in enumerate(self._batch.entries):
            needed: RemotePlace | None = there
            while needed is not None:
                found[self._range[needed.entry.id]] = place
                needed = self._base_beside(needed)
        return found

    def _stored(self, there: RemotePlace) -> memoryview:
        """The stored bytes of an entry, which has to be the one that its index names."""
        entry, number = there.entry, self._range[there.entry.id]
        while self._asked <= number:
            self._held[self._asked] = memoryview(next(self._coming))
            self._asked += 1
        start = entry.offset - self._batch.ranges[number].offset
        header, stored = start + HEADER.size, start + HEADER.size + entry.stored
        if self._held[number][start:header] != entry.header():
            self.failed.append(there)
            what = f"{packformat.path(there.pack)} on {self._where}"
            raise errors.DamagedThere(what=what, reason=f"the entry at {entry.offset} is not the one its index names")
        return self._held[number][header:stored]

    def _raw(self, there: RemotePlace) -> Buffer:
        entry = there.entry
        base = self._base(there) if entry.base else None
        try:
            return codec.decode(entry.encoding, self._stored(there), entry.raw, width=entry.width, base=base)
        except errors.Damaged as error:
            raise self._damaged(there, error.fields["reason"]) from error

    def _base(self, there: RemotePlace) -> Buffer:
        """The base's raw bytes: those that come with it, or those that are here."""
        beside = self._base_beside(there)
        if beside is not None:
            return self._raw(beside)
        base = ChunkId(there.entry.base or "")
        return self._store.reader.read(base, self._places.get(base, ()))

    def _base_beside(self, there: RemotePlace) -> RemotePlace | None:
        """The base's entry in the same batch, if that is less deep."""
        beside = self._beside.get(there.entry.base or "")
        return beside if beside is not None and beside.entry.depth < there.entry.depth else None

    def _damaged(self, there: RemotePlace, reason: object) -> errors.DamagedThere:
        entry = there.entry
        self.failed.append(there)
        what = f"chunk {entry.id[:10]} in {packformat.path(there.pack)} on {self._where}"
        return errors.DamagedThere(what=what, reason=reason)
