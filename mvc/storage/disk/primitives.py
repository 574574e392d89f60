"""The primitive changes of the disk, each announced to `on_step` before it happens.

Tests count these steps, stop the process before one of them, or make it fail. No other module changes the disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import Buffer
from mvc.storage.disk import confined, unsupported

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Step = Callable[[str, str], None]
on_step: Step | None = None

STORE = ".mvc"
"""The folder of a repository that holds its store."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_FICLONE = 0x40049409
_OTHER_KIND = (errno.ENOTDIR, errno.EISDIR)


def step(name: str, path: str | os.PathLike[str]) -> None:
    """Announce the next change of the disk."""
    if on_step is not None:
        on_step(name, os.fspath(path))


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Translate an OSError of a write to an error of mvc that names `path`.

    Raises ReadOnlyStore for a place inside a `.mvc`, NotWritable for one elsewhere, DiskFailed, IrregularFile.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if STORE in Path(path).parts:
            refuse_other_kind(path, error)
        if error.errno not in _READ_ONLY:
            raise errors.DiskFailed(path=path, reason=reason) from error
        if STORE in Path(path).parts:
            raise errors.ReadOnlyStore(reason=f"{path}: {reason}") from error
        raise errors.NotWritable(path=path, reason=reason) from error


def refuse_other_kind(path: str | os.PathLike[str], error: OSError) -> None:
    """Raise IrregularFile if `error` means a file in place of a folder of the store, or a folder in place of a file."""
    if error.errno in _OTHER_KIND:
        raise confined.other_kind(Path(path)) from error


def now_ns() -> int:
    """Return the machine's clock in nanoseconds since 1970, which is used only to compare ages of files."""
    return time.time_ns()


def sync_file(fd: int, path: str | os.PathLike[str]) -> None:
    """Make the bytes of an open file durable (on macOS, past the drive's own cache)."""
    step("fsync", path)
    if sys.platform == "darwin":
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Make the names in a folder durable."""
    step("fsync-folder", path)
    with unsupported.optional(unsupported.SYNC, path):
        fd = os.open(path, _FOLDER)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def write_all(fd: int, parts: Sequence[Buffer], path: str | os.PathLike[str]) -> int:
    """Write every byte of `parts`, in as many calls as needed; return the number of bytes."""
    step("write", path)
    left = [memoryview(part) for part in parts]
    count = sum(map(len, left))
    while left:
        done = os.writev(fd, left)
        while left and done >= len(left[0]):
            done -= len(left.pop(0))
        if left:
            left[0] = left[0][done:]
    return count


def share_blocks(target: int, source: int) -> None:
    """Make an open file share all blocks of another one, until either is changed (FICLONE, "ioctl_ficlone(2)").

    Raises OSError: EOPNOTSUPP or EINVAL where the file system cannot, EXDEV for two file systems.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    fcntl.ioctl(target, _FICLONE, source)


def nameless(folder: str | os.PathLike[str], dir_fd: int | None = None) -> int:
    """Open a new nameless file on the file system of `folder`. Raises OSError."""
    if not hasattr(os, "O_TMPFILE"):  # macOS
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), folder)
    return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=dir_fd)


def write_mapped(page: WriteableBuffer) -> None:
    """Write a byte through a memory map, inside the kernel, so that a full disk is an OSError and not a fatal signal."""
    source, sink = os.pipe()
    try:
        os.write(sink, b"x")
        os.readv(source, [page])
    finally:
        os.close(source)
        os.close(sink)
