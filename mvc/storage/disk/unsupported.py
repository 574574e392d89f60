"""Operations that some file systems lack: mvc continues with a warning that names the consequence.

    fsync of a folder   some FUSE mounts, SMB, vboxsf    a power cut may lose the newest versions
    chmod               FAT, exFAT, SMB                  files keep the permission bits that the file system invents
    flock               some NFS and FUSE mounts         concurrent writing commands may fail and need a retry

The library prints nothing: it calls `on_unsupported` with the step, the path and the system's reason.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator

SYNC, CHMOD, LOCK = "sync a folder", "set permissions", "lock a file"
_ABSENT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_ERRORS = {
    SYNC: _ABSENT | {errno.EBADF, errno.EACCES, errno.EPERM},
    CHMOD: _ABSENT | {errno.EACCES, errno.EPERM},
    LOCK: _ABSENT | {errno.ENOLCK},
}
"""Errors that mean an unsupported operation. Others, such as EIO and EROFS, are failures."""
CONSEQUENCES = {
    SYNC: "after a power cut the newest versions may be lost",
    CHMOD: "files keep the permissions that the file system gives them",
    LOCK: "run no two writing commands at once, and `mvc gc` only while nobody else works",
}

on_unsupported: Callable[[str, str, str], None] | None = None


@contextlib.contextmanager
def optional(step: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Continue without `step` if the file system does not support it; raise any other OSError."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ERRORS[step]:
            raise
        if on_unsupported is not None:
            on_unsupported(step, os.fspath(path), error.strerror or str(error))
