"""A backend wrapper with a rate limit: after a transfer, wait until all bytes so far fit the rate.

    read 64 KiB ─ wait 64 KiB / rate ─ read 64 KiB ─ wait …        all threads share one budget

The wait follows the transfer, so every byte counts. Reads are small enough for about one second each, so low rates have no
bursts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mvc.model.ids import Buffer
from mvc.remotes.backends.backend import Backend, Listed, Outcome

LEAST_READ = 64 * 1024
"""The smallest read in bytes, also at low rates: smaller reads would cost more requests than they save."""


class ThrottledBackend(Backend):
    """Another backend, at `rate` bytes a second on average. A pack is uploaded at full speed; the wait follows it."""

    def __init__(
        self,
        inner: Backend,
        rate: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Pass every call on to `inner`; `now` returns seconds, `sleep` waits that many."""
        super().__init__(inner.where, min(inner.read_size, max(LEAST_READ, int(rate))))
        self._inner = inner
        self._rate = rate
        self._sleep = sleep
        self._now = now
        self._lock = threading.Lock()
        self._free = 0.0

    def create(self, name: str, body: bytes) -> Outcome:
        """As Backend."""
        outcome = self._inner.create(name, body)
        self._pay(len(body))
        return outcome

    def settle(self, folder: str) -> None:
        """As Backend."""
        self._inner.settle(folder)

    def put(self, name: str, source: Path) -> None:
        """As Backend."""
        size = source.stat().st_size
        self._inner.put(name, source)
        self._pay(size)

    def read(self, name: str, limit: int) -> bytes:
        """As Backend."""
        data = self._inner.read(name, limit)
        self._pay(len(data))
        return data

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """As Backend."""
        data = self._inner.read_range(name, offset, size)
        self._pay(len(data))
        return data

    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        """As Backend."""

        def slowly(block: Buffer) -> None:
            sink(block)
            self._pay(len(block))

        self._inner.get(name, slowly, limit)

    def list(self, folder: str) -> Iterator[Listed]:
        """As Backend."""
        return self._inner.list(folder)

    def delete(self, names: Sequence[str]) -> None:
        """As Backend."""
        self._inner.delete(names)

    def close(self) -> None:
        """As Backend."""
        self._inner.close()

    def _pay(self, size: int) -> None:
        """Wait until all transfers so far, these `size` bytes included, fit the rate."""
        with self._lock:
            now = self._now()
            self._free = max(now, self._free) + size / self._rate
            pause = self._free - now
        self._sleep(pause)
