"""Budget of memory: the bytes of ranges that the batches of a download have in memory, read or being read.

budget ─┬─ share of the oldest batch      may go over it by the range that it needs next: it always ends
        └─ shares of the batches after    wait until earlier bytes are given back
"""

from __future__ import annotations

import threading
from typing import Self


class Budget:
    """Bytes that several batches share, each in a thread of its own."""

    def __init__(self, size: int) -> None:
        """Share `size` bytes."""
        self._free = size
        self._changed = threading.Condition()
        self._shares: list[Share] = []

    def share(self) -> Share:
        """Return the share of one batch, which is younger than those entered before it."""
        return Share(self)

    def _enter(self, share: Share) -> None:
        with self._changed:
            self._shares.append(share)

    def _leave(self, share: Share, size: int) -> None:
        with self._changed:
            self._shares.remove(share)
            self._free += size
            self._changed.notify_all()

    def _take(self, share: Share, size: int, *, wait: bool) -> bool:
        with self._changed:
            while size > self._free and self._shares[0] is not share and wait:
                self._changed.wait()
            taken = wait or size <= self._free
            if taken:
                self._free -= size
            return taken

    def _give(self, size: int) -> None:
        with self._changed:
            self._free += size
            self._changed.notify_all()


class Share:
    """The bytes that one batch has of a budget; used by one thread, as a context. At its end all are given back."""

    def __init__(self, budget: Budget) -> None:
        """Take nothing yet."""
        self._budget = budget
        self._taken = 0

    def __enter__(self) -> Self:
        """Take the place after all shares that are in use."""
        self._budget._enter(self)  # noqa: SLF001 - its own budget
        return self

    def __exit__(self, *_: object) -> None:
        """Give all back."""
        self._budget._leave(self, self._taken)  # noqa: SLF001 - its own budget

    def take(self, size: int, *, wait: bool) -> bool:
        """Take `size` bytes if they are free; with `wait`, wait until they are, or until this share is the oldest."""
        taken = self._budget._take(self, size, wait=wait)  # noqa: SLF001 - its own budget
        if taken:
            self._taken += size
        return taken

    def give(self, size: int) -> None:
        """Give `size` bytes back."""
        self._taken -= size
        self._budget._give(size)  # noqa: SLF001 - its own budget
