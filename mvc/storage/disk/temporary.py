"""Temporary files: written in `tmp/`, made durable one by one or together, then given a name or discarded."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mvc import lazy
from mvc.model.ids import Buffer
from mvc.storage.disk import primitives, process, unsupported
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.permissions import Sharing
from mvc.storage.disk.primitives import step, sync_file, write_all, writing
from mvc.storage.disk.writeback import WriteBehind

TEMPORARY = "tmp"
"""The folder of temporary files, below `.mvc`."""
STORED = 0o444
"""The mode of a file of a store: it is never changed."""
STORED_EXECUTABLE = 0o555
"""The mode of a decoded file in the cache that is executable."""
_SYNC_THREADS = 8
_OPEN = 32
"""The most staged files that are open at once: a process may have as few as 256 descriptors (macOS)."""
_OPEN_BYTES = 32 << 20
"""The most bytes of staged files that may wait: a long file is synced at once."""
_ABANDONED = 3 * 24 * 3600 * 1_000_000_000
"""Nanoseconds after which a temporary file of another machine or container counts as a leftover."""
_COPY = 1024 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Temporary:
    """A new file in `tmp/` without a name in the store yet; its creator writes it, then publishes or discards it.

    `size` is the bytes written so far.
    """

    __slots__ = ("_behind", "_fd", "_reserved", "_sharing", "path", "size")

    def __init__(self, path: Path, sharing: Sharing | None = None) -> None:
        """Create the file, readable and writable only for its owner. Raises as `writing`.

        `sharing` is that of its store.
        """
        self.path = path
        self._sharing = sharing
        with writing(path.parent):
            step("create", path)
            self._fd = os.open(path, _NEW, 0o600)
        self._behind = WriteBehind(self._fd)
        self._reserved = False
        self.size = 0

    def write(self, *parts: Buffer) -> None:
        """Append `parts`, one after the other."""
        with writing(self.path):
            count = write_all(self._fd, parts, self.path)
            self.size += count
            if primitives.on_step is None:  # for the order of a test's steps
                self._behind.wrote(count)

    def copy(self, source: Path) -> None:
        """Append all bytes of another file."""
        with writing(source), open(source, "rb", buffering=0) as file:
            while block := file.read(_COPY):
                self.write(block)

    def clone(self, source: int) -> tuple[Stat, Stat]:
        """Share the blocks of an open file on the same file system, in place of all bytes so far. Raises OSError.

        Returns the stats of that file right before and after.
        """
        step("clone", self.path)
        os.ftruncate(self._fd, 0)
        before = os.fstat(source)
        primitives.share_blocks(self._fd, source)
        after = os.fstat(source)
        self.size = before.st_size
        return Stat.of(before), Stat.of(after)

    def reserve(self, count: int) -> None:
        """Preallocate `count` bytes if the filesystem can: writes are then faster.

        The unused rest is released when the file is closed.
        """
        if not hasattr(os, "posix_fallocate"):  # macOS
            return
        step("reserve", self.path)
        self._reserved = True  # even if it fails: a part may be allocated
        with contextlib.suppress(OSError):  # no space, or not supported: the write will report it
            os.posix_fallocate(self._fd, os.lseek(self._fd, 0, os.SEEK_CUR), count)

    def skip(self, count: int) -> None:
        """Leave a hole of `count` zero bytes, which takes no space if the filesystem supports holes."""
        with writing(self.path):
            step("skip", self.path)
            os.ftruncate(self._fd, os.lseek(self._fd, count, os.SEEK_CUR))

    def restart(self) -> None:
        """Truncate the file to nothing."""
        with writing(self.path):
            step("truncate", self.path)
            os.ftruncate(self._fd, os.lseek(self._fd, 0, os.SEEK_SET))

    def close(self, mode: int = STORED) -> None:
        """Make the bytes durable, set the permission bits (less the umask), and close.

        A file with the mode STORED or STORED_EXECUTABLE is readable for the group of a shared store.
        """
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            with writing(self.path):
                self._behind.settle()
                if self._reserved:
                    os.ftruncate(fd, os.lseek(fd, 0, os.SEEK_CUR))
                step("chmod", self.path)
                with unsupported.optional(unsupported.CHMOD, self.path):
                    os.fchmod(fd, mode & ~process.umask() | self._shared_bits(fd, mode))
                sync_file(fd, self.path)
        finally:
            os.close(fd)

    def _shared_bits(self, fd: int, mode: int) -> int:
        if self._sharing is None or mode not in (STORED, STORED_EXECUTABLE):
            return 0
        readable = self._sharing.file_bits(fd)
        return readable | readable >> 2 if mode == STORED_EXECUTABLE else readable

    def allow(self, mode: int) -> None:
        """Set the permission bits, not durably, if the file system has them."""
        with contextlib.suppress(OSError):
            shared = self._sharing.file_bits(self._fd) if self._sharing is not None else 0
            os.fchmod(self._fd, mode | shared)

    def discard(self) -> None:
        """Remove the file if it still has its temporary name."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                self._behind.settle()
            os.close(self._fd)
            self._fd = -1
        with contextlib.suppress(OSError):
            step("unlink", self.path)
            self.path.unlink(missing_ok=True)


class Batch:
    """Finished temporary files that several threads make durable together, with few of them open at once."""

    def __init__(self) -> None:
        """Start without files."""
        self._open: list[tuple[Temporary, int]] = []
        self._bytes = 0

    def add(self, temporary: Temporary, mode: int = STORED) -> None:
        """Close a file with `mode`, now or with later ones. Raises as `Temporary.close`, also for earlier files."""
        self._open.append((temporary, mode))
        self._bytes += temporary.size
        if len(self._open) >= _OPEN or self._bytes >= _OPEN_BYTES:
            self.close()

    def close(self) -> None:
        """Make all of them durable, and close them."""
        if primitives.on_step is not None or len(self._open) <= 1:  # in order, for a test's steps
            for temporary, mode in self._open:
                temporary.close(mode)
        else:
            with lazy.load("concurrent.futures").ThreadPoolExecutor(_SYNC_THREADS) as pool:
                for _ in pool.map(lambda each: each[0].close(each[1]), self._open):
                    pass
        self._open, self._bytes = [], 0

    def discard(self) -> None:
        """Remove those that are still open."""
        batch, self._open = self._open, []
        for temporary, _ in batch:
            temporary.discard()


def is_old(path: Path, clock: Path) -> bool:
    """Return whether `path` was written long before the new file `clock`, by the file system's own clock."""
    try:
        return clock.stat().st_mtime_ns - path.stat().st_mtime_ns > _ABANDONED
    except OSError:
        return False
