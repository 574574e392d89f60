"""Downloads of a registry version's files into the store: each is hashed while it is received, and stored from a temporary file.

    downloads ─► tmp/ ─► size, hash ─┬─► packs, in the order of the files
                                     └─ of an archive: its members ─► packs

What is in the store already, and noted to be there, is not downloaded.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import field
from functools import partial
from typing import NamedTuple, TypeVar

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.source import HeaderError
from mvc.model.ids import FileId
from mvc.model.tree import TreeEntry
from mvc.registry.contents import Contents
from mvc.registry.files import flat_files, hashed
from mvc.registry.files.archives import Archive
from mvc.registry.files.hashed import OTHER
from mvc.registry.protocol import Registry, RemoteFile
from mvc.repository.imports.scanned import ImportScan
from mvc.repository.repository import Repository
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.disk.temporary import Temporary
from mvc.storage.progress import Progress
from mvc.storage.records.promised import State
from mvc.transport import transfers

T = TypeVar("T")


class Expected(NamedTuple):
    """A file of a registry version that should be an entry's; of an `archive`, the files in it are stored."""

    entry: TreeEntry
    file: RemoteFile
    archive: Archive | None = None


class Stored(NamedTuple):
    """The id and the size of a file that is in the store."""

    file: FileId
    size: int


class _Read(NamedTuple):
    """The content of a registry's file, known or read now, and its size; a download is in a temporary file."""

    file: FileId
    size: int = 0
    temporary: Temporary | None = None


@dataclass
class Downloads:
    """Downloads from one registry, several at a time; `received` counts bytes."""

    repository: Repository
    registry: Registry
    progress: Progress | None = None
    allow_unsafe: bool = False
    """Store files whatever a loader of them would run."""
    received: int = field(default=0, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    """Notes on what loaders of the files would run, for the caller to take."""
    _temporaries: list[Temporary] = field(default_factory=list, init=False)
    _version: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Scan nothing yet."""
        self._scan = ImportScan(self.repository, allow_unsafe=self.allow_unsafe)

    def contents(
        self, ingest: Ingest, contents: Contents, expected: Sequence[Expected]
    ) -> Generator[tuple[Expected, FileId]]:
        """Yield each file with its content, in order; download and store those that the store lacks.

        One whose content is not the entry's is not stored. Raises ImportUnsafe.
        """
        self._version = contents.version.name

        def begin(one: Expected) -> Callable[[], _Read]:
            return self._begin_entry(contents, one)

        with self._results(begin, expected, lambda one: one.entry.size) as results:
            for one, read in results:
                content = self._store_entry(ingest, one, read)
                if read.temporary is not None and content == one.entry.file:
                    contents.noted[one.file.id] = content
                yield one, content

    def stored(self, ingest: Ingest, contents: Contents, files: Sequence[RemoteFile]) -> list[Stored]:
        """Return the contents of files, downloaded and stored unless their noted content is in the store. Raises ImportUnsafe."""
        self._version = contents.version.name

        def begin(file: RemoteFile) -> Callable[[], _Read]:
            noted = contents.noted.get(file.id)
            if noted is not None and self.repository.promised.state(noted) is State.COMPLETE:
                recipe = self.repository.recipes.best(noted)
                if recipe is not None:
                    return lambda: _Read(noted, recipe.size)
            return self._begin_download(file, None)

        stored = list[Stored]()
        with self._results(begin, files, lambda _: 0) as results:
            for file, read in results:
                if read.temporary is not None:
                    self._store(ingest, read, flat_files.base_name(file.filename), file.name)
                contents.noted[file.id] = read.file
                stored.append(Stored(read.file, read.size))
        return stored

    # --- inside

    @contextlib.contextmanager
    def _results(
        self, begin: Callable[[T], Callable[[], _Read]], items: Sequence[T], size: Callable[[T], int]
    ) -> Iterator[Iterator[tuple[T, _Read]]]:
        """Yield the results of transfers; remove the temporary files that are left afterwards, also of an error."""
        try:
            with contextlib.closing(transfers.results(begin, items, size, in_order=True)) as results:
                yield self._without_temporaries(results)
        finally:
            while self._temporaries:
                self._temporaries.pop().discard()

    def _without_temporaries(self, results: Iterator[tuple[T, _Read]]) -> Iterator[tuple[T, _Read]]:
        """Yield results, and remove the temporary file of each after its use."""
        for item, read in results:
            self.received += read.size if read.temporary is not None else 0
            yield item, read
            if read.temporary is not None:
                self._temporaries.remove(read.temporary)
                read.temporary.discard()

    def _begin_entry(self, contents: Contents, one: Expected) -> Callable[[], _Read]:
        """Return the reading of a file: a download, unless its content is noted, or the store has what it should be."""
        noted, needed = contents.content(one.file), [one.entry.file] if one.archive is None else one.archive.contents
        has_all = all(self.repository.promised.state(content) is State.COMPLETE for content in needed)
        if noted is not None and (noted != one.entry.file or has_all):
            return lambda: _Read(noted)
        if has_all:
            return lambda: _Read(contents.read(one.file, one.entry))
        return self._begin_download(one.file, one.entry)

    def _begin_download(self, file: RemoteFile, entry: TreeEntry | None) -> Callable[[], _Read]:
        """Create a temporary file, and return the download to it; one that is not the entry's is downloaded once more."""
        temporary = self.repository.door.temporary()
        self._temporaries.append(temporary)

        def download() -> _Read:
            read = self._received(file, temporary, entry)
            if entry is not None and read.file != entry.file:  # it may be damaged on the network
                temporary.restart()
                read = self._received(file, temporary, entry)
            temporary.close()
            return read

        return download

    def _received(self, file: RemoteFile, temporary: Temporary, entry: TreeEntry | None) -> _Read:
        """Download a file to a temporary one; its content is OTHER if it is longer than the entry."""
        content, size = hashed.download(self.registry, file, entry, self.progress, temporary.write)
        return _Read(content, size, temporary)

    def _store_entry(self, ingest: Ingest, one: Expected, read: _Read) -> FileId:
        """Store a download that is the entry's; return its content, OTHER for an archive with other files."""
        if read.temporary is None or read.file != one.entry.file:
            return read.file
        if one.archive is None:
            self._store(ingest, read, one.entry.path, one.entry.role)
            return read.file
        try:
            with _opened(read.temporary) as fd:
                is_stored = all(self._is_stored(ingest, *part) for part in one.archive.parts(fd))
        except HeaderError:
            return OTHER
        return read.file if is_stored else OTHER

    def _store(self, ingest: Ingest, read: _Read, path: str, role: str) -> None:
        assert read.temporary is not None  # noqa: S101 - called for downloads
        self._check(TreeEntry(path, role, read.size, read.file), read.temporary)
        with _opened(read.temporary) as fd:
            stored = ingest.add(fd, path, role)
        if (stored.file, stored.size) != (read.file, read.size):
            reason = "the temporary file does not have the bytes that were written to it"
            raise errors.DiskFailed(path=read.temporary.path, reason=reason)

    def _check(self, entry: TreeEntry, temporary: Temporary) -> None:
        """Raise ImportUnsafe if a loader of a file would run what must not be stored; add notes on it else."""
        open_ = partial(os.open, temporary.path, os.O_RDONLY | os.O_CLOEXEC)
        self.notes += self._scan.check(self._version, {entry: open_})

    def _is_stored(self, ingest: Ingest, entry: TreeEntry, blocks: Iterator[bytes]) -> bool:
        """Store the bytes of an entry; return False if they are those of another file."""
        temporary = self.repository.door.temporary()
        try:
            for block in blocks:
                temporary.write(block)
            temporary.close()
            self._check(entry, temporary)
            with _opened(temporary) as fd:
                stored = ingest.add(fd, entry.path, entry.role)
        finally:
            temporary.discard()
        return (stored.file, stored.size) == (entry.file, entry.size)


@contextlib.contextmanager
def _opened(temporary: Temporary) -> Iterator[int]:
    fd = os.open(temporary.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
