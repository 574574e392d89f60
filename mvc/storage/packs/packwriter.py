"""Pack writer: one pass, hashed as it is written; a full pack is synced while the next one is filled.

add, add, add … 64 MiB ─┬─ add, add, add …            the caller's thread
                        └─ index, trailer, fsync       another one
finish() ─ all are durable ─ each is staged under its id, and gets its name at the next barrier
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.model.ids import Buffer, Hasher, PackId, digest
from mvc.storage.disk import primitives
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.temporary import TEMPORARY, Temporary
from mvc.storage.packs import packformat
from mvc.storage.packs.index import Location
from mvc.storage.packs.packformat import Entry

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

CUT = 64 * 1024 * 1024
"""A pack is finished once it has this many bytes."""


class PackBuilder:
    """One pack being written; `entries` and `size` are those written so far."""

    def __init__(self, door: StoreDoor, expected: int = 0) -> None:
        """Start the pack in `tmp/`, preallocated for the `expected` bytes. Raises ReadOnlyStore, DiskFailed."""
        self._temporary: Temporary = door.temporary()
        if expected:
            self._temporary.reserve(expected)
        self._hasher = Hasher()
        self.entries: list[Entry] = []
        self.size = 0

    @property
    def name(self) -> str:
        """The name of the unfinished pack, below `.mvc`; what was added can be read from it."""
        return f"{TEMPORARY}/{self._temporary.path.name}"

    def add(self, entry: Entry, *payload: Buffer) -> Entry:
        """Append an entry and return it with its offset; the buffers of `payload` may be reused afterwards."""
        if not self.size:
            self._write(packformat.MAGIC)
        entry = entry.at(self.size)
        self.entries.append(entry)
        self._write(entry.header(), *payload)
        return entry

    def finish(self) -> tuple[PackId, Temporary]:
        """Write index and trailer; return the id and the file, which the caller closes."""
        index = packformat.index_bytes(self.entries)
        trailer = packformat.TRAILER.pack(
            self.size, len(self.entries), bytes.fromhex(digest(index)), packformat.INDEX_MAGIC
        )
        self._write(index + trailer)
        return PackId(self._hasher.digest()), self._temporary

    def discard(self) -> None:
        """Discard the pack."""
        self._temporary.discard()

    def _write(self, *parts: Buffer) -> None:
        for part in parts:
            self._hasher.update(part)
        self._temporary.write(*parts)
        self.size += sum(map(len, parts))


class PackWriter:
    """A writer of as many packs as needed. `path` returns the name of a pack by id."""

    def __init__(self, door: StoreDoor, path: Callable[[PackId], str] = packformat.path, cut: int = CUT) -> None:
        """Start a pack on first use."""
        self._door = door
        self._path = path
        self._cut = cut
        self._expected = 0
        self._builder: PackBuilder | None = None
        self._done: list[tuple[PackId, Temporary]] = []
        self._syncs: list[Future[None]] = []
        self._syncer: ThreadPoolExecutor | None = None
        self._failed: BaseException | None = None

    def expect(self, count: int) -> None:
        """Preallocate space for `count` more bytes, pack by pack, which makes writes faster."""
        self._expected = count

    def add(self, entry: Entry, *payload: Buffer) -> Location:
        """Append an entry; the buffers of `payload` may be reused afterwards. Raises ReadOnlyStore, DiskFailed.

        Returns where it can be read from now on, if a reader opens the pack before it gets its name.
        After an error a pack may be incomplete, so `finish` raises the same error, and only `discard` may be called.
        """
        try:
            if self._builder is None:
                self._builder = PackBuilder(self._door, min(self._expected, self._cut))
            location = Location(self._builder.name, self._builder.add(entry, *payload))
            self._expected = max(0, self._expected - entry.stored)
            if self._builder.size >= self._cut:
                self._end_pack()
        except BaseException as error:
            self._failed = error
            raise
        return location

    def finish(self) -> list[PackId]:
        """Make all packs durable and stage them; they get their names at the next barrier. Raises DiskFailed."""
        if self._failed is not None:
            raise self._failed
        if self._builder is not None:
            self._end_pack()
        self._wait(leave=0)
        if self._syncer is not None:
            self._syncer.shutdown()
            self._syncer = None
        done, self._done = self._done, []
        for pack, temporary in done:
            self._door.seal(temporary, self._path(pack))
        return [pack for pack, _ in done]

    def discard(self) -> None:
        """Discard all unfinished packs."""
        if self._syncer is not None:
            self._syncer.shutdown(cancel_futures=True)
            self._syncer = None
        for _, temporary in self._done:
            temporary.discard()
        self._done.clear()
        self._syncs.clear()
        if self._builder is not None:
            self._builder.discard()
            self._builder = None

    def _end_pack(self) -> None:
        assert self._builder is not None  # noqa: S101 - both callers have checked it
        builder, self._builder = self._builder, None
        try:
            done = builder.finish()
        except BaseException:
            builder.discard()
            raise
        self._done.append(done)
        self._sync(done[1])

    def _sync(self, temporary: Temporary) -> None:
        if primitives.on_step is not None:  # in this thread, for the order of a test's steps
            temporary.close()
            return
        self._wait(leave=1)
        if self._syncer is None:
            self._syncer = lazy.load("concurrent.futures").ThreadPoolExecutor(1)
        self._syncs.append(self._syncer.submit(temporary.close))

    def _wait(self, *, leave: int) -> None:
        """Wait until at most `leave` packs are being synced. Raises their errors."""
        try:
            while len(self._syncs) > leave:
                self._syncs.pop(0).result()
        except BaseException as error:
            self._failed = error
            raise
