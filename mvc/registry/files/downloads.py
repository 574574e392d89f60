"""Downloads of a registry version's files into the store: each is hashed while it is received, and stored from a temporary file.

    download ─► tmp/ ─► size, hash ─┬─► packs
                                    └─ of an archive: its members ─► packs

What is in the store already, and noted to be there, is not downloaded.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from mvc import errors
from mvc.formats.source import HeaderError
from mvc.model.ids import FileId, Hasher
from mvc.model.tree import TreeEntry
from mvc.registry import flat_files
from mvc.registry.contents import OTHER, Contents
from mvc.registry.files.archives import Archive
from mvc.registry.protocol import Registry, RemoteFile
from mvc.repository.repository import Repository
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.disk.temporary import Temporary
from mvc.storage.progress import Progress
from mvc.storage.records.promised import State


class Stored(NamedTuple):
    """The id and the size of a downloaded file."""

    file: FileId
    size: int


@dataclass
class Downloads:
    """Downloads from one registry; `received` counts bytes."""

    repository: Repository
    registry: Registry
    progress: Progress | None = None
    received: int = field(default=0, init=False)

    def content(
        self, ingest: Ingest, contents: Contents, file: RemoteFile, entry: TreeEntry, archive: Archive | None
    ) -> FileId:
        """Return the content of a file that should be of an entry; download and store it if the store lacks the entry.

        Of an `archive`, the files in it are stored.
        """
        noted = contents.content(file)
        if noted is not None and noted != entry.file:
            return noted
        needed = [entry.file] if archive is None else archive.contents
        if all(self.repository.promised.state(content) is State.COMPLETE for content in needed):
            return noted or contents.read(file, entry)
        stored = self._download_entry(ingest, file, entry, archive)
        if stored.file == entry.file:
            contents.noted[file.id] = stored.file
        return stored.file

    def stored(self, ingest: Ingest, contents: Contents, file: RemoteFile) -> Stored:
        """Return the content of a file, downloaded and stored unless its noted content is in the store."""
        noted = contents.noted.get(file.id)
        if noted is not None and self.repository.promised.state(noted) is State.COMPLETE:
            recipe = self.repository.recipes.best(noted)
            if recipe is not None:
                return Stored(noted, recipe.size)
        stored = self._download(ingest, file, flat_files.base_name(file.filename), file.name)
        contents.noted[file.id] = stored.file
        return stored

    def _download_entry(self, ingest: Ingest, file: RemoteFile, entry: TreeEntry, archive: Archive | None) -> Stored:
        """Download a file of known id; on a checksum mismatch, retry once, in case of damage on the network."""

        def download() -> Stored:
            if archive is not None:
                return self._download_archive(ingest, file, entry, archive)
            return self._download(ingest, file, entry.path, entry.role, limit=entry.size)

        stored = download()
        return stored if stored == (entry.file, entry.size) else download()

    def _download_archive(self, ingest: Ingest, file: RemoteFile, entry: TreeEntry, archive: Archive) -> Stored:
        """Download an archive and store its files; return no id if it or one of them has another."""
        try:
            with self._received(file, entry.size) as (fd, received):
                if received != (entry.file, entry.size):
                    return received
                parts = archive.parts(fd)
                return received if all(self._is_stored(ingest, *part) for part in parts) else Stored(OTHER, 0)
        except (_TooLongError, HeaderError):
            return Stored(OTHER, 0)

    def _is_stored(self, ingest: Ingest, entry: TreeEntry, blocks: Iterator[bytes]) -> bool:
        """Store the bytes of an entry; return False if they are those of another file."""
        temporary = self.repository.door.temporary()
        try:
            for block in blocks:
                temporary.write(block)
            temporary.close()
            with _opened(temporary) as fd:
                stored = ingest.add(fd, entry.path, entry.role)
        finally:
            temporary.discard()
        return (stored.file, stored.size) == (entry.file, entry.size)

    def _download(self, ingest: Ingest, file: RemoteFile, path: str, role: str, limit: int | None = None) -> Stored:
        """Download a file to a temporary one and store it; return no id if it is longer than `limit` bytes."""
        try:
            with self._received(file, limit) as (fd, received):
                stored = ingest.add(fd, path, role)
        except _TooLongError:
            return Stored(OTHER, 0)
        if (stored.file, stored.size) != received:
            raise errors.DiskFailed(
                path=path, reason="the temporary file does not have the bytes that were written to it"
            )
        return received

    @contextlib.contextmanager
    def _received(self, file: RemoteFile, limit: int | None) -> Iterator[tuple[int, Stored]]:
        """Yield a downloaded file, open, with its id and size. Raises _TooLongError above `limit` bytes."""
        temporary = self.repository.door.temporary()
        hasher, size = Hasher(), 0

        def receive(data: bytes) -> None:
            nonlocal size
            size += len(data)
            if limit is not None and size > limit:
                raise _TooLongError
            hasher.update(data)
            temporary.write(data)
            if self.progress is not None:
                self.progress(len(data))

        try:
            self.registry.download(file, receive)
            temporary.close()
            self.received += size
            with _opened(temporary) as fd:
                yield fd, Stored(FileId(hasher.digest()), size)
        finally:
            temporary.discard()


@contextlib.contextmanager
def _opened(temporary: Temporary) -> Iterator[int]:
    fd = os.open(temporary.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


class _TooLongError(Exception):
    """A download exceeded its limit."""
