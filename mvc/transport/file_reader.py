"""One file of a version, read anywhere in it: only the chunks that are touched are decoded, or fetched where they are elsewhere."""

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
"""Decoded chunks that are kept, for reads that follow each other."""


class FileReader:
    """Reads ranges of a file. A remote that has promised it is connected to when it is first needed, until `close`."""

    def __init__(self, repository: Repository, file: FileId) -> None:
        """Read `file`; raises Missing when nothing is known of it, Damaged."""
        recipe = disk_usage.recipe_of(repository, file)
        if recipe is None:
            raise errors.Missing(what="file", id=file)
        self.size = recipe.size
        self._repository = repository
        self._file = file
        self._recipe = recipe
        self._starts = [0, *itertools.accumulate(size for _, size in recipe.chunks)]
        self._kept: OrderedDict[ChunkId, Buffer] = OrderedDict()
        self._connections = contextlib.ExitStack()
        self._remote: Remote | None = None
        self._there: Inventory | None = None

    def __enter__(self) -> Self:
        """Read for a while."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let connections go."""
        self.close()

    def close(self) -> None:
        """Let connections go."""
        self._connections.close()
        self._remote = self._there = None

    def read_range(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`, fewer at the end of the file.

        Raises Missing, Damaged, and what fetching raises.
        """
        end = min(offset + size, self.size)
        if self._recipe.inline is not None:
            return self._recipe.inline[offset:end]
        if offset >= end:
            return b""
        first = bisect.bisect_right(self._starts, offset) - 1
        last = bisect.bisect_left(self._starts, end)
        self._have([chunk for chunk, _ in self._recipe.chunks[first:last]])
        pieces = []
        for number in range(first, last):
            start = self._starts[number]
            piece = memoryview(self._chunk(self._recipe.chunks[number][0]))
            pieces.append(piece[max(0, offset - start) : end - start])
        return b"".join(pieces)

    def _chunk(self, chunk: ChunkId) -> Buffer:
        raw = self._kept.pop(chunk, None)
        if raw is None:
            raw = self._repository.reader.read(chunk, self._repository.reader.locate(chunk))
        self._kept[chunk] = raw
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return raw

    def _have(self, chunks: Sequence[ChunkId]) -> None:
        """Fetch those of these chunks that are not here. Raises as `mvc.transport.promisor.fetch_files`."""
        wanted = [chunk for chunk in chunks if chunk not in self._kept]
        promisors = self._repository.promised.promisors(self._file)
        if self._repository.chunks.has_all(wanted) or not promisors:
            return
        if self._remote is not None:
            promisors = (self._remote.name, *promisors)
        files = {self._file: f"file {self._file[:10]}"}
        promisor.from_any_remote(self._repository, promisors, files, lambda name: self._fetch(name, wanted))

    def _fetch(self, name: str, wanted: Sequence[ChunkId]) -> None:
        remote, there = self._reached(name)
        try:
            promisor.fetch_chunks(self._repository, remote, wanted, there=there)
        except errors.MissingThere:  # a collection may have moved it since the listing
            self._there = None
            remotes.check(remote.backend)
            promisor.fetch_chunks(self._repository, remote, wanted, there=self._reached(name)[1])

    def _reached(self, name: str) -> tuple[Remote, Inventory]:
        """A remote and what it has, as far as that is known already."""
        if self._remote is None or self._remote.name != name:
            self.close()
            self._remote = self._connections.enter_context(connection.open_remote(self._repository, name))
        if self._there is None:
            self._there = Inventory(self._repository, self._remote.backend, self._remote.jobs)
        return self._remote, self._there
