"""Permissions of a shared store: new files follow its folder, not the writer's umask.

    drwxrws--- vision  models/       creates: drwxrws--- vision  packs/77/       -r--r----- vision  packs/77/77….pack

A store is shared if its folder is group-writable (as Git's core.sharedRepository=group). Others use the umask.
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
        """Give an open file to the group if possible; return the mode bits with which the group can use it."""
        return (_READ_WRITE if writable else _READ) & self.mode if self._give(fd) else 0

    def adopt(self, folder: Path) -> None:
        """Give a new folder the mode and the group of the store's folder, if possible."""
        with contextlib.suppress(OSError):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if self._give(fd) and stat_module.S_IMODE(os.fstat(fd).st_mode) != self.mode:
                    os.fchmod(fd, self.mode)
            finally:
                os.close(fd)

    def _give(self, fd: int) -> bool:
        """Give an open file or folder to the group; return False if it keeps another group."""
        if os.fstat(fd).st_gid == self.group:
            return True
        try:
            os.fchown(fd, -1, self.group)
        except OSError:  # not a member
            return False
        return True


def of(folder: Path, *, inherited: bool = False) -> Sharing | None:
    """Return the sharing of the store in `folder`, None if it is not shared, or absent.

    With `inherited`, `folder` is the parent of a new store, and counts only with its set-group-ID bit: `/tmp` is
    group-writable, but not shared.
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
    """Return the mode of a cache file of the store in `folder`: readable like the store."""
    with contextlib.suppress(OSError):
        return 0o600 | (os.stat(folder).st_mode & 0o044)
    return 0o600
