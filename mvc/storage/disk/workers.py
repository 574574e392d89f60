"""A pool of threads for hashing, encoding and decoding, which release the GIL; results are in order."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

from mvc import lazy

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")
R = TypeVar("R")

THREADS = max(2, min(8, os.cpu_count() or 2))
_LARGE = 6 << 20
"""Size of a block whose release makes glibc keep up to twice as much freed memory (mallopt(3): dynamic thresholds).

Without it, each chunk's buffer would be returned to the system and allocated again: a page fault every 4 KiB. It is hardly
larger than a read of a pack, for every thread keeps as much: with 31 MiB, a clone had 135 MiB of freed memory.
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

    def ahead(self, work: Callable[[T], R], items: Iterable[T], window: int, together: int = 1) -> Iterator[R]:
        """Yield the result of `work` for each item, in order, with at most `window` in progress or waiting.

        A task takes `together` items, which amortises the cost of handing it to another thread.
        """
        waiting: deque[Future[list[R]]] = deque()
        remaining = iter(items)
        try:
            while some := list(itertools.islice(remaining, together)):
                waiting.append(self.submit(_each, work, some))
                if len(waiting) * together >= window:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """End the threads; a later `submit` starts new ones."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _each(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    return [work(item) for item in items]
