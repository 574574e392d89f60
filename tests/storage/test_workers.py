"""A pool of threads: what waits behind a result that nobody wants any more is not begun."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import cast

from mvc.storage.disk.workers import Workers


def test_once_the_results_are_not_read_further_no_task_is_begun() -> None:
    begun, second, over = list[int](), threading.Event(), threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number:
            second.set()
            over.wait(60)
        return number

    with Workers(1) as workers:
        results = cast(Generator[int, None, None], workers.ahead(work, range(3), window=3))
        assert next(results) == 0
        assert second.wait(60)
        results.close()
        over.set()
        workers.submit(int).result()
    assert begun == [0, 1]


def test_tasks_that_wait_when_the_threads_end_are_not_begun() -> None:
    begun, over = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        over.wait(20)

    workers = Workers(1)
    workers.submit(work)
    waiting = workers.submit(int)
    waiting.add_done_callback(lambda _: over.set())
    assert begun.wait(60)
    workers.close()
    assert waiting.cancelled()
