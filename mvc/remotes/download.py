"""Fetching chunks: ranges of packs, several at a time; every chunk decoded and hashed before it is kept in a pack here.

    ranges ─► read (threads) ─► entry is what its index says ─► decoded, its hash (threads) ─► pack ─► barrier, batch by batch

Nothing of a remote is taken at its word: a chunk that is kept here is what commits leave out for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import Buffer, ChunkId, digest
from mvc.remotes.backend import Backend
from mvc.remotes.incoming import Batch, Range
from mvc.remotes.inventory import There
from mvc.remotes.store import Store
from mvc.storage import codec, encodings, packs
from mvc.storage.chunkreader import Place
from mvc.storage.packs import HEADER
from mvc.storage.packwriter import PackWriter
from mvc.storage.workers import Workers

_AHEAD = 32
"""Entries that are checked ahead of their turn."""

Progress = Callable[[int], None]


class _Arrived(NamedTuple):
    """An entry that came, and where its base is here, if that did not come too."""

    there: There
    stored: memoryview
    places: tuple[Place, ...]


def features(batches: Sequence[Batch]) -> set[str]:
    """What a store requires of its readers that has these entries."""
    return {each for batch in batches for there in batch.entries for each in encodings.features(there.entry.encoding)}


class Downloader:
    """Fetches from one remote, `jobs` ranges at a time. The caller has the store require the `features` first."""

    def __init__(self, store: Store, backend: Backend, jobs: int, progress: Progress | None = None) -> None:
        """`progress` is told the bytes read."""
        self._store = store
        self._backend = backend
        self._jobs = jobs
        self._progress = progress or (lambda _: None)

    def fetch(self, batches: Sequence[Batch]) -> int:
        """Have the chunks here, each batch durable before the next is checked; the bytes that were read.

        Raises MissingThere, Damaged, RemoteUnreachable, RemoteDenied, DiskFailed; the batches before stay.
        """
        read = 0
        with Workers(self._jobs) as workers, Workers() as checkers:
            ranges = (each for batch in batches for each in batch.ranges)
            arriving = workers.ahead(self._read, ranges, 2 * self._jobs)
            for batch in batches:
                came = [next(arriving) for _ in batch.ranges]
                read += sum(len(data) for _, data in came)
                self._keep(batch, came, checkers)
        return read

    def _read(self, wanted: Range) -> tuple[Range, bytes]:
        name = packs.path(wanted.pack)
        try:
            data = self._backend.read_range(name, wanted.offset, wanted.end - wanted.offset)
        except FileNotFoundError:
            raise errors.MissingThere(remote=self._backend.where, what="the pack", id=name) from None
        if len(data) != wanted.end - wanted.offset:
            raise errors.Damaged(what=f"{name} on {self._backend.where}", reason=f"it ends before byte {wanted.end}")
        self._progress(len(data))
        return wanted, data

    def _keep(self, batch: Batch, came: list[tuple[Range, bytes]], checkers: Workers) -> None:
        check = _Check(self._backend.where, self._store, dict(self._arrived(came)))
        writer = PackWriter(self._store.door)
        try:
            for arrived in checkers.ahead(check, (check.arrived[each.entry.id] for each in batch.entries), _AHEAD):
                writer.add(replace(arrived.there.entry, offset=0), arrived.stored)
            writer.finish()
        except BaseException:
            writer.discard()
            raise
        self._store.door.barrier()
        self._store.chunks.refresh()

    def _arrived(self, came: list[tuple[Range, bytes]]) -> Iterator[tuple[str, _Arrived]]:
        for wanted, data in came:
            view = memoryview(data)
            for there in wanted.entries:
                entry = there.entry
                start = entry.offset - wanted.offset
                if view[start : start + HEADER.size] != entry.header():
                    what = f"{packs.path(wanted.pack)} on {self._backend.where}"
                    raise errors.Damaged(
                        what=what, reason=f"the entry at {entry.offset} is not the one its index names"
                    )
                base = ChunkId(entry.base) if entry.base else None
                places = self._store.reader.locate(base, below=entry.depth) if base else ()
                yield entry.id, _Arrived(there, view[start + HEADER.size : start + HEADER.size + entry.stored], places)


class _Check:
    """Raises Damaged for an entry that does not give the chunk that it names; called in threads."""

    def __init__(self, where: str, store: Store, arrived: dict[str, _Arrived]) -> None:
        self._where = where
        self._store = store
        self.arrived = arrived

    def __call__(self, arrived: _Arrived) -> _Arrived:
        if digest(self._raw(arrived)) != arrived.there.entry.id:
            raise self._damaged(arrived, "its hash is another")
        return arrived

    def _raw(self, arrived: _Arrived) -> Buffer:
        entry = arrived.there.entry
        base = self._base(arrived) if entry.base else None
        try:
            return codec.decode(entry.encoding, arrived.stored, entry.raw, width=entry.width, base=base)
        except errors.Damaged as error:
            raise self._damaged(arrived, error.fields["reason"]) from error

    def _base(self, arrived: _Arrived) -> Buffer:
        """The base's raw bytes: those that came with it, if they are less deep, or those that are here."""
        base = arrived.there.entry.base or ""
        beside = self.arrived.get(base)
        if beside is not None and beside.there.entry.depth < arrived.there.entry.depth:
            return self._raw(beside)
        return self._store.reader.read(ChunkId(base), arrived.places)

    def _damaged(self, arrived: _Arrived, reason: object) -> errors.Damaged:
        entry = arrived.there.entry
        what = f"chunk {entry.id[:10]} in {packs.path(arrived.there.pack)} on {self._where}"
        return errors.Damaged(what=what, reason=reason)
