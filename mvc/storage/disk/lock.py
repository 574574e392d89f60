"""The exclusive lock of a repository: a file that one writer holds."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

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
