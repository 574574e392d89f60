"""Permissions of a shared store: new files follow its folder, whatever the umask of the writer.

    drwxrws--- vision  models/       made in it: drwxrws--- vision  packs/77/       -r--r----- vision  packs/77/77….pack

A store is shared when its folder is group-writable (as Git's core.sharedRepository=group). Others are left to the umask.
"""

from __future__ import annotations

import contextlib
import os
import stat as stat_module
from pathlib import Path
from typing import NamedTuple

_READ = 0o444
_READ_WRITE = 0o666


class Sharing(NamedTuple):
    """The group and the mode bits of the folder of a store that a group shares."""

    group: int
    mode: int

    def file_bits(self, fd: int, *, writable: bool = False) -> int:
        """Return the bits that an open file needs so that the group can use it; it is given to the group, if that can be done."""
        return (_READ_WRITE if writable else _READ) & self.mode if self._give(fd) else 0

    def adopt(self, folder: Path) -> None:
        """Give a new folder the mode and the group of the store's; left as it is where that cannot be done."""
        with contextlib.suppress(OSError):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if self._give(fd) and stat_module.S_IMODE(os.fstat(fd).st_mode) != self.mode:
                    os.fchmod(fd, self.mode)
            finally:
                os.close(fd)

    def _give(self, fd: int) -> bool:
        """Give an open file or folder to the group; False when it has another one and keeps it."""
        if os.fstat(fd).st_gid == self.group:
            return True
        try:
            os.fchown(fd, -1, self.group)
        except OSError:  # not a member
            return False
        return True


def of(folder: Path, *, inherited: bool = False) -> Sharing | None:
    """Return how the store in `folder` is shared, None when it is not, or absent.

    `inherited`: a folder in which a store is about to be made passes its mode on only if it has its set-group-ID bit: `/tmp` is
    writable for a group, and shares nothing.
    """
    try:
        status = os.stat(folder)
    except OSError:
        return None
    mode = stat_module.S_IMODE(status.st_mode)
    if not mode & stat_module.S_IWGRP or (inherited and not mode & stat_module.S_ISGID):
        return None
    return Sharing(status.st_gid, mode)


def cache_mode(folder: Path) -> int:
    """Return the mode of a cache file of the store in `folder`: who may read the store may read it."""
    with contextlib.suppress(OSError):
        return 0o600 | (os.stat(folder).st_mode & 0o044)
    return 0o600
