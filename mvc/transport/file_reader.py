"""Random reads of one file of a version: only the chunks of a range are decoded, and fetched if promised."""

from __future__ import annotations

import bisect
import contextlib
import itertools
from collections import OrderedDict
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from mvc import errors
from mvc.model.ids import Buffer, ChunkId, FileId
from mvc.remotes import remote as remotes
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.repository import disk_usage
from mvc.repository.repository import Repository
from mvc.transport import connection, promisor

KEPT = 8
"""The number of decoded chunks that are cached, for sequential reads."""


class FileReader:
    """A reader of ranges of a file. It connects to a promisor remote when it needs one, until `close`."""

    def __init__(self, repository: Repository, file: FileId) -> None:
        """Open `file`. Raises Missing if there is no recipe, Damaged."""
        recipe = disk_usage.recipe_of(repository, file)
        if recipe is None:
            raise errors.Missing(what="file", id=file)
        self.size = recipe.size
        self._repository = repository
        self._file = file
        self._recipe = recipe
        self._starts = [0, *itertools.accumulate(size for _, size in recipe.chunks)]
        self._decoded: OrderedDict[ChunkId, Buffer] = OrderedDict()
        self._connections = contextlib.ExitStack()
        self._remote: Remote | None = None
        self._inventory: Inventory | None = None

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connections.close()
        self._remote = self._inventory = None

    def read_range(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, fewer at the end of the file.

        Raises Missing, Damaged, and the errors of a fetch.
        """
        end = min(offset + size, self.size)
        if self._recipe.inline is not None:
            return self._recipe.inline[offset:end]
        if offset >= end:
            return b""
        first = bisect.bisect_right(self._starts, offset) - 1
        last = bisect.bisect_left(self._starts, end)
        self._ensure_present([chunk for chunk, _ in self._recipe.chunks[first:last]])
        pieces = []
        for number in range(first, last):
            start = self._starts[number]
            piece = memoryview(self._chunk(self._recipe.chunks[number][0]))
            pieces.append(piece[max(0, offset - start) : end - start])
        return b"".join(pieces)

    def _chunk(self, chunk: ChunkId) -> Buffer:
        raw = self._decoded.pop(chunk, None)
        if raw is None:
            raw = self._repository.reader.read(chunk, self._repository.reader.locate(chunk))
        self._decoded[chunk] = raw
        if len(self._decoded) > KEPT:
            self._decoded.popitem(last=False)
        return raw

    def _ensure_present(self, chunks: Sequence[ChunkId]) -> None:
        """Fetch the chunks that are not stored. Raises as `mvc.transport.promisor.fetch_files`."""
        wanted = [chunk for chunk in chunks if chunk not in self._decoded]
        promisors = self._repository.promised.promisors(self._file)
        if self._repository.chunks.has_all(wanted) or not promisors:
            return
        if self._remote is not None:
            promisors = (self._remote.name, *promisors)
        files = {self._file: f"file {self._file[:10]}"}
        promisor.from_any_remote(self._repository, promisors, files, lambda name: self._fetch(name, wanted))

    def _fetch(self, name: str, wanted: Sequence[ChunkId]) -> None:
        remote, inventory = self._reached(name)
        try:
            promisor.fetch_chunks(self._repository, remote, wanted, inventory=inventory)
        except errors.MissingThere:  # garbage collection may have moved it since the listing
            self._inventory = None
            remotes.check(remote.backend)
            promisor.fetch_chunks(self._repository, remote, wanted, inventory=self._reached(name)[1])

    def _reached(self, name: str) -> tuple[Remote, Inventory]:
        """Return a remote and its inventory, which are reused while they are valid."""
        if self._remote is None or self._remote.name != name:
            self.close()
            self._remote = self._connections.enter_context(connection.open_remote(self._repository, name))
        if self._inventory is None:
            self._inventory = Inventory(self._repository, self._remote.backend, self._remote.jobs)
        return self._remote, self._inventory
