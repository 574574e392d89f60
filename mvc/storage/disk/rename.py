"""Exclusive rename: create-if-absent by a hard link, or by Linux's `renameat2` where there are no links.

`link(2)` fails with EEXIST when the name is taken, on every POSIX filesystem and over NFS. Filesystems without hard
links (exFAT, some FUSE mounts) may still have `renameat2` with RENAME_NOREPLACE (Linux 3.15, "rename(2)").
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from mvc import errors, lazy

_NO_LINKS = (errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_AT_FDCWD = -100
_NOREPLACE = 1


def exclusively(source: Path, target: Path) -> bool:
    """Rename `source` to `target`; return False if the name is taken. Raises NoExclusiveCreate, OSError.

    `source` may keep its old name as well.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _without_links(source, target)
    return True


def _without_links(source: Path, target: Path) -> bool:
    ctypes = lazy.load("ctypes")
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        raise errors.NoExclusiveCreate(path=target)
    if renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code == errno.EEXIST:
        return False
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP):
        raise errors.NoExclusiveCreate(path=target)
    raise OSError(code, os.strerror(code), os.fspath(target))
