"""Early write-back: flush a long file to the disk in the background while it is still being written.

write 32 MiB │ write 32 MiB │ write …      the writer
             └─ fdatasync   └─ fdatasync   another thread, so that the last fsync is short
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mvc import lazy

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

STRETCH = 32 << 20
"""Bytes between two syncs."""


class WriteBehind:
    """Early write-back of the open file `fd`. The owner calls `settle` before closing it."""

    __slots__ = ("_fd", "_sends", "_thread", "_unsent")

    def __init__(self, fd: int) -> None:
        """Start without pending writes."""
        self._fd = fd
        self._unsent = 0
        self._thread: ThreadPoolExecutor | None = None
        self._sends: list[Future[None]] = []

    def wrote(self, count: int) -> None:
        """Count `count` more bytes; sync them after each `STRETCH`. Raises OSError, also of an earlier sync."""
        self._unsent += count
        if self._unsent < STRETCH:
            return
        self._unsent = 0
        if self._thread is None:
            self._thread = lazy.load("concurrent.futures").ThreadPoolExecutor(1)
        if self._sends and self._sends[-1].done():
            self._sends.pop().result()
        if not self._sends:  # the next sync covers bytes written during this one
            self._sends.append(self._thread.submit(_send, self._fd))

    def settle(self) -> None:
        """Wait for the sync in progress. Raises its OSError, which the system reports only once."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown()
        while self._sends:
            self._sends.pop().result()


def _send(fd: int) -> None:
    """Begin to sync a file; a later call makes it durable."""
    getattr(os, "fdatasync", os.fsync)(fd)
