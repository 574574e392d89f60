"""Writes outside the repository: an exported folder, or the file of an option `-o`.

A folder and a regular file are built next to their target under a temporary name and renamed last, so each appears only
when it is complete. A pipe, a device and an open descriptor (`/dev/stdout`) are written to directly.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from mvc import errors, lazy
from mvc.model.ids import Buffer
from mvc.storage.disk import hidden_names
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.outside import discard_folder, rename_new_folder, sweep_beside
from mvc.storage.disk.primitives import STORE, step, sync_folder, write_all, writing
from mvc.storage.disk.temporary import Batch, Temporary

_DESCRIPTOR = re.compile(r"(?:/proc/([0-9]+)(?:/task/[0-9]+)?|/dev)/fd/([0-9]+)\Z")
REFLINK: Literal["reflink"] = "reflink"
HARD: Literal["hard"] = "hard"
Link = Literal["reflink", "hard"]
"""How an exported folder shares the bytes of files with the store."""
_BLOCK = 1 << 16
"""Bytes of a file that is shared as a test: at least one block of every file system."""
_MAX_LINKS = 40
"""The most links that Linux follows to a file."""


class ExportDoor:
    """A new folder at `target`, which is absent or empty; without `finish`, it is discarded."""

    def __init__(self, target: Path) -> None:
        """Start the folder. Raises InsideStore, NotWritable, DiskFailed."""
        self._target = outside_store(target)
        self._building = hidden_names.path_for(self._target)
        self._folders: set[Path] = set()
        self._batch = Batch()

    def __enter__(self) -> Self:
        """Create the temporary folder."""
        sweep_beside(self._target.parent)
        self._make(self._building)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Discard the folder unless it was finished."""
        self._batch.discard()
        discard_folder(self._building)

    @contextlib.contextmanager
    def file(self, path: str, *, executable: bool) -> Iterator[Temporary]:
        """Return a new file at `path` below the folder; durable after `finish`."""
        place = self._building / path
        self._make(place.parent)
        temporary = Temporary(place)
        try:
            yield temporary
            self._batch.add(temporary, 0o777 if executable else 0o666)
        except BaseException:
            temporary.discard()
            raise

    def link(self, path: str, source: Path, fd: int) -> tuple[Stat, Stat]:
        """Make `path` below the folder a hard link to `source`, which is open as `fd`, in place of an earlier one.

        Returns the stats of `fd` right before, and of the link right after. Raises OSError.
        """
        place = self._building / path
        self._make(place.parent)
        step("link", place)
        place.unlink(missing_ok=True)
        before = os.fstat(fd)
        os.link(source, place, follow_symlinks=False)
        return Stat.of(before), Stat.of(os.stat(place, follow_symlinks=False))

    def sha256(self, path: str) -> str:
        """Return the SHA-256 of a file below the folder, in hex."""
        with (self._building / path).open("rb") as file:
            return str(lazy.load("hashlib").file_digest(file, "sha256").hexdigest())

    def cannot_share(self, store: StoreDoor, how: Link) -> str | None:
        """Return why this folder cannot share the bytes of the store's files, found by trying; None if it can.

        Raises ReadOnlyStore, DiskFailed, NotWritable.
        """
        origin, copy = store.temporary(), Temporary(hidden_names.path_for(self._target))  # no part of the export
        try:
            origin.write(bytes(_BLOCK))
            origin.close()
            fd = os.open(origin.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if how == HARD:
                    copy.discard()
                    step("link", copy.path)
                    os.link(origin.path, copy.path, follow_symlinks=False)
                else:
                    copy.clone(fd)
            finally:
                os.close(fd)
        except OSError as error:
            return error.strerror or str(error)
        finally:
            origin.discard()
            copy.discard()
        return None

    def finish(self) -> None:
        """Make the folder durable, and rename it to its target. Raises NotEmpty, NotWritable, DiskFailed."""
        self._batch.close()
        for folder in sorted(self._folders, reverse=True):
            with writing(folder):
                sync_folder(folder)
        rename_new_folder(self._building, self._target)

    def _make(self, folder: Path) -> None:
        if folder in self._folders or (folder.is_dir() and self._building not in (folder, *folder.parents)):
            return
        self._make(folder.parent)
        with writing(folder.parent), contextlib.suppress(FileExistsError):  # of another export, above both
            step("mkdir", folder)
            os.mkdir(folder)
        if self._building in (folder, *folder.parents):
            self._folders.add(folder)


def outside_store(path: Path) -> Path:
    """Return `path` with all links resolved; raise InsideStore if it is a `.mvc`, or inside one.

    Raises NotWritable for a loop of links.
    """
    real = Path(os.path.realpath(path))
    if any(place.is_symlink() for place in (real, *real.parents)):
        raise errors.NotWritable(path=path, reason=os.strerror(errno.ELOOP))
    for place in (real, *real.parents):
        if place.name.casefold() == STORE:
            raise errors.InsideStore(path=path, store=place)
    return real


@contextlib.contextmanager
def output(target: Path) -> Iterator[Callable[[Buffer], object]]:
    """Open the user's output file; the block gets a function that appends bytes to it.

    A regular or new file is replaced atomically and durably when the block ends, also through links; it keeps its
    permission bits, and an error leaves it unchanged. A pipe, a device or a descriptor receives the bytes as they are
    written. Raises InsideStore, NotWritable, DiskFailed.
    """
    real = outside_store(target)
    if not is_stream(target):
        with _replaced(real) as temporary:
            yield temporary.write
        return
    with writing(target):
        own = _descriptor(target)
        fd = os.dup(own) if own is not None else os.open(target, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            yield lambda data: write_all(fd, (data,), target)
        finally:
            os.close(fd)


def is_stream(path: Path) -> bool:
    """Return whether `path` is a pipe, a device, a socket or an open descriptor, which cannot be replaced."""
    return _open_file(path) is not None or (path.exists() and not path.is_file() and not path.is_dir())


def _descriptor(path: Path) -> int | None:
    """Return the number of this process's open file that `path` names (`/dev/stdout`, `/dev/fd/3`), else None."""
    named = _open_file(path)
    return int(named[2]) if named and named[1] in (None, str(os.getpid())) else None


def _open_file(path: Path) -> re.Match[str] | None:
    """Return the process (None: this one) and the number of the open file that `path` resolves to."""
    place = os.path.abspath(path)
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(place)
        named = _DESCRIPTOR.match(os.path.join(os.path.realpath(folder), name))
        if named:
            return named
        try:
            place = os.path.join(folder, os.readlink(place))
        except OSError:
            return None
    return None


@contextlib.contextmanager
def _replaced(target: Path) -> Iterator[Temporary]:
    """Yield a file that replaces `target` when the block ends."""
    before = target.stat() if target.exists() else None
    if before is not None and not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise errors.NotWritable(path=target, reason="its permissions do not allow it")
    sweep_beside(target.parent)
    temporary = Temporary(hidden_names.path_for(target))
    try:
        yield temporary
        temporary.close(0o666)
        with writing(target):
            if before is not None:
                _keep_owner_and_mode(temporary.path, before)
            step("rename", target)
            os.replace(temporary.path, target)
            sync_folder(target.parent)
    finally:
        temporary.discard()


def _keep_owner_and_mode(path: Path, before: os.stat_result) -> None:
    """Give the file the permission bits of `before`, and its owner if that is allowed."""
    with contextlib.suppress(OSError):
        os.chown(path, before.st_uid, before.st_gid)
    with contextlib.suppress(OSError):
        os.chmod(path, before.st_mode & 0o777)
