"""The stat of a file: its size, times, inode and mode."""

from __future__ import annotations

import os
import stat as stat_module
from typing import NamedTuple


class Stat(NamedTuple):
    """A file's size in bytes, times in nanoseconds since 1970, inode and mode bits."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    mode: int

    @classmethod
    def of(cls, result: os.stat_result) -> Stat:
        """Return the Stat of an `os.stat_result`."""
        outside = (result.st_size, result.st_mtime_ns, result.st_ctime_ns, result.st_ino, result.st_mode)
        return tuple.__new__(cls, outside)  # half the time of the class's own, for thousands of files

    @property
    def is_file(self) -> bool:
        """Return whether it is a regular file."""
        return stat_module.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        """Return whether it is a symbolic link."""
        return stat_module.S_ISLNK(self.mode)

    @property
    def is_folder(self) -> bool:
        """Return whether it is a folder."""
        return stat_module.S_ISDIR(self.mode)

    @property
    def executable(self) -> bool:
        """Return whether its owner may execute it."""
        return bool(self.mode & stat_module.S_IXUSR)
