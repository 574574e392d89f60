"""A backend that moves no more than so many bytes a second, over time: it waits before each transfer for the ones before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mvc.model.ids import Buffer
from mvc.remotes.backend import Backend, Listed, Outcome


class PacedBackend(Backend):
    """Another backend, at `rate` bytes a second. Of one pack that is sent, the wait comes after it."""

    def __init__(self, inner: Backend, rate: float) -> None:
        """Pass everything on to `inner`."""
        super().__init__(inner.where, inner.read_size)
        self._inner = inner
        self._rate = rate
        self._lock = threading.Lock()
        self._free = 0.0

    def create(self, name: str, body: bytes) -> Outcome:
        """As Backend."""
        return self._inner.create(name, body)

    def put(self, name: str, source: Path) -> None:
        """As Backend."""
        self._wait(source.stat().st_size)
        self._inner.put(name, source)

    def read(self, name: str, limit: int) -> bytes:
        """As Backend."""
        return self._inner.read(name, limit)

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """As Backend."""
        self._wait(size)
        return self._inner.read_range(name, offset, size)

    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        """As Backend."""

        def slowly(block: Buffer) -> None:
            self._wait(len(block))
            sink(block)

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

    def _wait(self, size: int) -> None:
        """Wait until all that was begun before would be over at this rate."""
        with self._lock:
            now = time.monotonic()
            begin = max(now, self._free)
            self._free = begin + size / self._rate
        time.sleep(max(0.0, begin - now))
