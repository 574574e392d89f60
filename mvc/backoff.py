"""Back-off: how often a request is retried, and the delay before each retry.

    Backoff(attempts=6, first=0.4, longest=30)      at most 0.4, 0.8, 1.6, 3.2 and 6.4 s

With jitter, a delay is drawn evenly from zero to that: clients that were refused at the same moment come back at
different ones. A server that names a delay itself (`Retry-After`) gets at least that.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from mvc.deferred import dataclass

T = TypeVar("T")
Sleep = Callable[[float], None]
"""Waits a number of seconds."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """A retry policy: `attempts` in all, the delays `first`, `first * factor`, ... up to `longest` seconds.

    `total` is the most that the delays of one call may come to.
    """

    attempts: int
    first: float
    longest: float
    factor: float = 2.0
    jitter: bool = True
    total: float = float("inf")

    def delay(self, attempt: int, asked: float = 0.0) -> float:
        """Return the seconds to wait after `attempt` failed attempts, from 1; at least those that the server asks for."""
        most = min(self.longest, self.first * self.factor ** (attempt - 1))
        return max(asked, random.uniform(0, most) if self.jitter else most)  # noqa: S311 - no secret

    def run(self, call: Callable[[], T], asked: Callable[[Exception], float | None], sleep: Sleep = time.sleep) -> T:
        """Return what `call` returns, and retry it after errors.

        `asked` returns the seconds that the server asks to wait before a retry, 0 for none named, None for an error that
        is not retried. Raises the last error.
        """
        waited = 0.0
        for attempt in range(1, self.attempts):
            try:
                return call()
            except Exception as error:
                seconds = asked(error)
                delay = self.delay(attempt, seconds or 0.0)
                if seconds is None or waited + delay > self.total:
                    raise
            waited += delay
            sleep(delay)
        return call()
