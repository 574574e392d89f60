"""Timestamps of a file system (mtime, ctime), and the conditions under which every edit changes them.

An edit leaves the timestamps of a file unchanged in three cases; each has a remedy:

    the edit falls into the same tick of the clock      a stamp counts only when its tick is over, by the file system's
    as the last one                                     own clock (`FileSystem.has_passed`)
    it goes through a memory map, to a page that is     the file is flushed first; the next write to any of its pages
    dirty already                                       stamps it again (`FileSystem.flush`)
    the file system does not stamp such writes (tmpfs)  a probe finds out, and no stamp counts there (`flush` is None)
    or has no ctime of its own (FAT, some FUSE)

The probe tries the behaviour itself on a nameless file instead of knowing file systems by their names: an overlay on
tmpfs looks like any other overlay.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import sys
from collections.abc import Callable
from functools import cached_property

from mvc import errors, lazy
from mvc.storage.disk import primitives
from mvc.storage.disk.file_stat import Stat

Flush = Callable[[int], None]
"""A function that flushes the dirty pages of an open file, so that the next write through a map stamps it."""

SETTLED_NS = 50_000_000
"""50 ms: more than the coarsest clock tick of kernels (10 ms), and too short to be noticed."""
COARSE_NS = 2_000_000_000
"""Two seconds, the coarsest timestamps of any file system (FAT)."""
_MILLISECOND = 1_000_000
_LONG_AGO_NS = 1_000_000_000_000_000_000
"""September 2001, in whole and even seconds, which every file system can store."""
_WAIT_BEFORE_AND_WRITE = 1 | 2
_FIEMAP = 0xC020660B
_FIEMAP_SYNC = 1
_WHOLE_FILE = (1 << 64) - 1


def is_coarse(stamp_ns: int) -> bool:
    """Return whether a timestamp may be in whole milliseconds or seconds."""
    return stamp_ns % _MILLISECOND == 0


class FileSystem:
    """One file system, by device number; `scratch` opens a nameless file on it."""

    def __init__(self, device: int, scratch: Callable[[], int]) -> None:
        """Probe on first use."""
        self._device = device
        self._scratch = scratch
        self._now_ns = 0

    @cached_property
    def flush(self) -> Flush | None:
        """The function that flushes a file so that every later edit stamps it; None if the file system has none."""
        for flush in (_begin_writing, _map_extents, _sync_data):
            with contextlib.suppress(OSError, errors.MvcError):
                if self._stamps_every_edit(flush):
                    return flush
        return None

    def has_passed(self, *stamps_ns: int) -> bool:
        """Return whether every edit from now on gets a later timestamp than each of these.

        True only if it holds by this machine's clock and by that of the file system, which a server may set. A timestamp in
        the future has not passed.
        """
        due = max(stamp + (COARSE_NS if is_coarse(stamp) else SETTLED_NS) for stamp in stamps_ns)
        return due <= primitives.now_ns() and self.is_later_than(due - 1)

    def is_later_than(self, stamp_ns: int) -> bool:
        """Return whether every edit from now on gets a later timestamp than this one of the file system."""
        if self.flush is not None and stamp_ns >= self._now_ns:
            self._now_ns = self._clock()
        return self.flush is not None and stamp_ns < self._now_ns

    def _clock(self) -> int:
        """Return the time of the file system, by the timestamp of a new file; 0 if none can be created."""
        try:
            fd = self._open()
        except (OSError, errors.MvcError):
            return 0
        try:
            return Stat.of(os.fstat(fd)).ctime_ns
        finally:
            os.close(fd)

    def _stamps_every_edit(self, flush: Flush) -> bool:
        """Probe with a file that is written through a map, flushed, dated back, and written through the map again."""
        mmap = lazy.load("mmap")
        fd = self._open()
        try:
            os.pwrite(fd, bytes(mmap.PAGESIZE), 0)
            with mmap.mmap(fd, mmap.PAGESIZE) as page:
                primitives.write_mapped(page)
                flush(fd)
                os.utime(fd, ns=(_LONG_AGO_NS, _LONG_AGO_NS))
                before = os.fstat(fd)
                primitives.write_mapped(page)
                after = os.fstat(fd)
        finally:
            os.close(fd)
        has_ctime = before.st_mtime_ns == _LONG_AGO_NS != before.st_ctime_ns
        return has_ctime and after.st_mtime_ns != _LONG_AGO_NS

    def _open(self) -> int:
        fd = self._scratch()
        if os.fstat(fd).st_dev != self._device:
            os.close(fd)
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return fd


def _begin_writing(fd: int) -> None:
    """Flush by sync_file_range(2), which starts the write of every dirty page and does not wait for it."""
    ctypes = lazy.load("ctypes")
    call = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
    if call is None:  # macOS
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(fd, ctypes.c_int64(0), ctypes.c_int64(0), ctypes.c_uint(_WAIT_BEFORE_AND_WRITE)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _map_extents(fd: int) -> None:
    """Flush by FS_IOC_FIEMAP with its SYNC flag, which works through an overlay, unlike sync_file_range(2)."""
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    fcntl.ioctl(fd, _FIEMAP, bytearray(struct.pack("=QQIIII", 0, _WHOLE_FILE, _FIEMAP_SYNC, 0, 0, 0)))


def _sync_data(fd: int) -> None:
    """Flush by fdatasync(2), which may take milliseconds even for a clean file."""
    getattr(os, "fdatasync", os.fsync)(fd)
