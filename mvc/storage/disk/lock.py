"""Locks: that of a repository, which one writer holds, and those of folders, which all share who are at work there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from mvc import errors
from mvc.storage.disk import process, unsupported
from mvc.storage.disk.primitives import step, writing


def take(fd: int, path: Path, timeout: float) -> None:
    """Lock an open file and write its owner into it; continue without if the file system has no locks."""
    with unsupported.optional(unsupported.LOCK, path):
        _flock(fd, timeout)
    if os.fstat(fd).st_nlink != 1:  # it may be a hard link to somebody's file: a lock needs no content
        return
    with writing(path):
        step("write", path)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"process {os.getpid()} on {process.host()}\n".encode(), 0)


def leave(fd: int) -> None:
    """Remove the owner from a lock that is held, so that a command that changes nothing leaves the store as it was."""
    with contextlib.suppress(OSError):
        if os.fstat(fd).st_nlink == 1:
            os.ftruncate(fd, 0)


def _flock(fd: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                owner = os.pread(fd, 200, 0).decode("utf-8", "replace").strip() or "unknown"
                raise errors.LockTimeout(owner=owner, seconds=f"{timeout:g}") from None
            time.sleep(0.02)


@contextlib.contextmanager
def folder(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of a folder, and yield True; yield False if another process holds it and this one does not `wait`.

    It saves double work only: on a file system without locks, everybody holds it.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        held = True
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = False
        except OSError:  # not supported
            pass
        yield held
    finally:
        os.close(fd)


class Presence:
    """The presence of this process in some folders, while the `with` block runs.

    Nothing is written, so that this works in folders that cannot be written to. A file system without locks has no others.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        """Be in no folder yet."""
        self._folders = tuple(folders)
        self._locks: list[int] = []

    def __enter__(self) -> Self:
        """Be present."""
        for folder in self._folders:
            with contextlib.suppress(OSError):
                self._locks.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        self._share()
        return self

    def others(self) -> bool:
        """Return whether another process is present in one of the folders."""
        found = [_is_shared(lock) for lock in self._locks]
        self._share()
        return any(found)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the folders."""
        for lock in self._locks:
            os.close(lock)
        self._locks.clear()

    def _share(self) -> None:
        for lock in self._locks:
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _is_shared(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
