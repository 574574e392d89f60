"""A pool of threads for hashing, encoding and decoding, which release the GIL; results are in order."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar

from mvc import lazy

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")
R = TypeVar("R")

THREADS = max(2, min(8, os.cpu_count() or 2))
_LARGE = 31 << 20
"""Size of a block whose release makes glibc keep up to twice as much freed memory (mallopt(3): dynamic thresholds).

Without it, each chunk's buffer would be returned to the system and allocated again: a page fault every 4 KiB.
"""


class Workers:
    """A thread pool, created on first use."""

    def __init__(self, threads: int = THREADS) -> None:
        """Use `threads` threads."""
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._making = threading.Lock()

    def __enter__(self) -> Self:
        """Return the workers."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads."""
        self.close()

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        """Run `work` in one of the threads."""
        with self._making:
            if self._pool is None:
                bytes(_LARGE)
                self._pool = lazy.load("concurrent.futures").ThreadPoolExecutor(self._threads)
        return self._pool.submit(work, *arguments)

    def ahead(self, work: Callable[[T], R], items: Iterable[T], window: int) -> Iterator[R]:
        """Yield the result of `work` for each item, in order, with at most `window` in progress or waiting."""
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(self.submit(work, item))
                if len(waiting) >= window:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """End the threads; a later `submit` starts new ones."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
