"""Transfers of files in threads, within limits of their number and their bytes.

    waiting ─► begun: at most JOBS at a time, together at most BYTES; a larger file alone ─► results

Storage is decoded where the transfer begins, in the caller's thread; only the transfer itself runs in another one. The limit
of bytes bounds temporary files, and the memory of an upload that is not sent in parts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, TypeVar

from mvc import lazy
from mvc.remotes.remote import JOBS
from mvc.storage.disk.workers import Workers

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

BYTES = 256 * 1024 * 1024
"""The most bytes of files that are transferred at a time."""


def results(
    begin: Callable[[T], Callable[[], R]], items: Iterable[T], size: Callable[[T], int], *, in_order: bool = False
) -> Generator[tuple[T, R]]:
    """Yield each item with the result of the transfer that `begin` returns: as they finish or, `in_order`, as given.

    After an error no further transfer begins. Those in progress end first, and their results are yielded; then it is raised.
    """
    waiting, running = deque(items), dict["Future[R]", T]()
    failed: BaseException | None = None
    with Workers(JOBS) as workers:
        while running or (waiting and failed is None):
            while waiting and failed is None and _fits(size(waiting[0]), [size(item) for item in running.values()]):
                item = waiting.popleft()
                running[workers.submit(begin(item))] = item
            for future in _ended(running, in_order=in_order):
                item, error = running.pop(future), future.exception()
                if error is None:
                    yield item, future.result()
                failed = failed or error
    if failed is not None:
        raise failed


def _fits(size: int, running: list[int]) -> bool:
    """Return whether a file of that size may be transferred besides those."""
    return not running or (len(running) < JOBS and sum(running) + size <= BYTES)


def _ended(running: dict[Future[R], T], *, in_order: bool) -> list[Future[R]]:
    """Wait for transfers, and return them: the first one, or all that have ended."""
    futures = list(running)
    if in_order:
        futures[0].exception()
        return futures[:1]
    done = lazy.load("concurrent.futures").wait(futures, return_when="FIRST_COMPLETED").done
    return [future for future in futures if future in done]
