"""The contents of a source's files: identified and verified first, stored only for a new version.

checksum seen before, its content here ─► the id, without a read
file on disk ─ read, hash, compare ─► id ─────────────────────────────┐
function ─ tmp/ (a dry run: no file) ─ hash, compare ─► id ───────────┴─ new version? ─► packs; the same id, or refused
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import FileId, Hasher
from mvc.model.paths import escape_name
from mvc.model.tree import TreeEntry
from mvc.repository.imports import digests
from mvc.repository.imports.source import Checksum, Sink, SourceFile
from mvc.repository.repository import Repository
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.disk import hashing
from mvc.storage.disk.temporary import Temporary
from mvc.storage.progress import Progress
from mvc.storage.records.checksums import Checksums
from mvc.storage.records.promised import State


class Content(NamedTuple):
    """The id and size of a file's bytes; those of a function are in a temporary file until the step ends."""

    file: FileId
    size: int
    temporary: Temporary | None = None


class Contents:
    """The contents of one import. A dry run downloads nothing, and writes nothing in the repository."""

    def __init__(
        self, repository: Repository, *, dry_run: bool, progress: Progress | None = None, spool: Path | None = None
    ) -> None:
        """Read nothing yet. A dry run keeps what a function gives in the folder `spool`, if any, until the step ends."""
        self._repository = repository
        self._checksums = Checksums(repository.door)
        self._dry_run = dry_run
        self._spool = spool
        self._progress = progress
        self._sizes: dict[FileId, int] = {}
        self._places: dict[tuple[Path, Checksum | None], Content] = {}
        self._temporaries: list[Temporary] = []
        self._again: dict[FileId, Temporary] = {}
        self._stamps: dict[Path, tuple[int, ...]] = {}
        self.received = 0
        """Bytes downloaded."""

    def is_stored(self, file: FileId) -> bool:
        """Return whether all bytes of a file are in the store."""
        return self._repository.promised.state(file) is State.COMPLETE

    def identify(self, step: str, file: SourceFile, expected: TreeEntry | None = None) -> Content | None:
        """Return the content of a file, compared with its checksum; None for a download in a dry run.

        The content of an `expected` entry is not read if it is stored. Raises ContentDiffers, NoSuchFile, NotRegularFile,
        UnreadableFile, and as the file's function does.
        """
        is_here = expected is not None and (self._dry_run or self.is_stored(expected.file))
        known = Content(expected.file, expected.size) if expected is not None and is_here else self._known(file)
        if known is not None:
            return known
        if isinstance(file.content, Path) and (file.content, file.checksum) in self._places:
            return self._places[file.content, file.checksum]
        if file.remote and self._dry_run:
            return None
        reading = _Reading(file, self._progress)
        temporary = self._temporary(file)
        reading.run(temporary)
        content = reading.verified(step)
        if file.remote:
            self.received += content.size
        if file.checksum is not None:
            self._checksums.add(file.checksum.algorithm, file.checksum.digest, content.file)
        self._sizes[content.file] = content.size
        if isinstance(file.content, Path) and file.checksum is not None:  # its checksum may be one of several contents
            self._places[file.content, file.checksum] = content
        return content._replace(temporary=temporary)

    def small(self, file: SourceFile, limit: int) -> bytes:
        """Return the bytes of a file, at most one more than `limit`. Raises as `identify`."""
        data = bytearray()

        def receive(block: bytes) -> None:
            data.extend(block[: limit + 1 - len(data)])
            if len(data) > limit:
                raise _EnoughError

        with contextlib.suppress(_EnoughError):
            read(file, receive)
        return bytes(data)

    def store(self, ingest: Ingest, step: str, file: SourceFile, content: Content) -> None:
        """Store a file that was identified, unless it is stored. Raises FileChanged, DiskFailed, and as `identify`."""
        recipe = self._repository.recipes.best(content.file) if self.is_stored(content.file) else None
        if recipe is not None:
            self._repository.door.make_durable(recipe.path)
            return
        path = self._on_disk(step, file, content)
        with opened(path, file.path) as fd:
            stored = ingest.add(fd, file.path, file.role)
            scanned_as = self._stamps.get(path)
            if stored.file != content.file or scanned_as not in (None, _stamp(fd)):
                raise errors.FileChanged(path=escape_name(file.path))

    def can_read(self, file: SourceFile, content: Content, *, expected: bool) -> bool:
        """Return whether `reader` can be used: a dry run has not the bytes of a remote file, nor of an `expected` entry."""
        is_read = not self._dry_run or isinstance(file.content, Path) or not (file.remote or expected)
        return is_read or content.temporary is not None or self.is_stored(content.file)

    def reader(self, step: str, file: SourceFile, content: Content) -> Callable[[], int] | None:
        """Return what opens a file on disk before it is stored, None if it is stored.

        `store` refuses a file that has changed since it was opened. Raises as `identify`.
        """
        if self.is_stored(content.file):
            return None
        path = self._on_disk(step, file, content)

        def open_() -> int:
            with opened(path, file.path) as fd:
                self._stamps[path] = _stamp(fd)
                return os.dup(fd)

        return open_

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Remove the temporary files of a step at its end."""
        try:
            yield
        finally:
            self._again.clear()
            self._stamps.clear()
            while self._temporaries:
                self._temporaries.pop().discard()

    def save(self) -> None:
        """Write the checksums that were computed."""
        if not self._dry_run:
            self._checksums.save()

    # --- inside

    def _on_disk(self, step: str, file: SourceFile, content: Content) -> Path:
        """Return a file of the source, or the temporary one that has its content."""
        temporary = content.temporary or self._again.get(content.file)
        if temporary is None and isinstance(file.content, Path):
            return file.content
        if temporary is None:  # of an earlier step, which was left out
            temporary = self._again[content.file] = self._new_temporary()
            reading = _Reading(file, None)
            reading.run(temporary)
            reading.verified(step)
        temporary.close()
        return temporary.path

    def _known(self, file: SourceFile) -> Content | None:
        """Return the content of a file by its checksum, if this import or an earlier one read it."""
        if file.checksum is None:
            return None
        id_ = self._checksums.file(file.checksum.algorithm, file.checksum.digest)
        if id_ is None:
            return None
        size = self._sizes.get(id_)
        if size is None:
            recipe = self._repository.recipes.best(id_) if self.is_stored(id_) else None
            size = recipe.size if recipe is not None else None
        return Content(id_, size) if size is not None and file.size in (None, size) else None

    def _temporary(self, file: SourceFile) -> Temporary | None:
        if isinstance(file.content, Path) or (self._dry_run and self._spool is None):
            return None
        return self._new_temporary()

    def _new_temporary(self) -> Temporary:
        """Return a temporary file that is removed when the step ends."""
        made = (
            Temporary(self._spool / f"{len(self._temporaries)}") if self._spool else self._repository.door.temporary()
        )
        self._temporaries.append(made)
        return made


def _stamp(fd: int) -> tuple[int, ...]:
    """Return the size, times and inode of an open file."""
    status = os.fstat(fd)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


class _EnoughError(Exception):
    """Ends a read whose rest is not needed."""


class _Reading:
    """One read of a file: its id, its checksum and its size."""

    def __init__(self, file: SourceFile, progress: Progress | None) -> None:
        self._file = file
        self._progress = progress
        self._hasher = Hasher()
        self._checksum = digests.digest(file.checksum.algorithm, file.size) if file.checksum is not None else None
        self._size = 0
        self._write: Callable[[bytes], object] | None = None

    def run(self, temporary: Temporary | None) -> None:
        """Read the file, also into `temporary`; stop when it is longer than recorded."""
        self._write = temporary.write if temporary is not None else None
        with contextlib.suppress(_EnoughError):
            read(self._file, self._receive)

    def verified(self, step: str) -> Content:
        """Return the content; raise ContentDiffers unless size and checksum are the recorded ones."""
        file = self._file
        if file.size is not None and file.size != self._size:
            more = "more bytes" if self._size > file.size else f"{self._size} bytes"
            raise _differs(step, file, "size", more, f"{file.size} bytes")
        if file.checksum is not None and self._checksum is not None:
            found = self._checksum.hexdigest()
            if found != file.checksum.digest:
                raise _differs(step, file, file.checksum.algorithm, found, file.checksum.digest)
        return Content(FileId(self._hasher.digest()), self._size)

    def _receive(self, block: bytes) -> None:
        self._size += len(block)
        if self._file.size is not None and self._size > self._file.size:
            raise _EnoughError
        self._hasher.update(block)
        if self._checksum is not None:
            self._checksum.update(block)
        if self._write is not None:
            self._write(block)
        if self._progress is not None:
            self._progress(len(block))


def read(file: SourceFile, sink: Sink) -> None:
    """Pass the bytes of a file to `sink`. Raises NoSuchFile, NotRegularFile, UnreadableFile, and as its function does."""
    if not isinstance(file.content, Path):
        file.content(sink)
        return
    with opened(file.content, file.path) as fd:
        offset = 0
        while block := os.pread(fd, hashing.BLOCK, offset):
            sink(block)
            offset += len(block)


@contextlib.contextmanager
def opened(path: Path, shown: str) -> Iterator[int]:
    """Open a regular file that is not a link. Raises NoSuchFile, NotRegularFile, UnreadableFile, also for errors of reads."""
    name = escape_name(shown)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        raise errors.NoSuchFile(path=name) from None
    except OSError as error:
        raise errors.UnreadableFile(path=name, reason=error.strerror) from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise errors.NotRegularFile(path=name, kind="a folder or a special file")
        yield fd
    except OSError as error:
        raise errors.UnreadableFile(path=name, reason=error.strerror) from error
    finally:
        os.close(fd)


def _differs(step: str, file: SourceFile, what: str, found: str, recorded: str) -> errors.ContentDiffers:
    return errors.ContentDiffers(
        path=escape_name(file.path), step=escape_name(step), what=what, found=found, recorded=recorded
    )
