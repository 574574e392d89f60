"""A backend that tries again what may be: after a while that is drawn at random and grows, or as long as the server asks for.

A `create` may be tried again too: whoever gets TAKEN looks at what is there, since a try whose answer was lost may have
made it. What was refused is never tried again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from mvc import errors
from mvc.model.ids import Buffer
from mvc.remotes.backends.backend import Backend, Listed, Outcome

T = TypeVar("T")

TRIES = 6
"""How often something is tried, at most."""
PATIENCE = 300.0
"""Seconds that are waited for one call in all, at most."""
_FIRST = 0.2
_LONGEST = 30.0


class RetryingBackend(Backend):
    """Another backend, with patience. `sleep` waits so many seconds; `draw` gives a number between two at random."""

    def __init__(
        self,
        inner: Backend,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Pass everything on to `inner`."""
        super().__init__(inner.where, inner.read_size)
        self._inner = inner
        self._sleep = sleep
        self._draw = draw

    def create(self, name: str, body: bytes) -> Outcome:
        """As Backend; TAKEN may be by a try of its own.

        A key that may replace nothing is told no where the name is taken (Azure does so), so every no is looked at.
        """
        try:
            return self._patiently(lambda: self._inner.create(name, body))
        except errors.RemoteDenied:
            if not self._is_taken(name):
                raise
            return Outcome.TAKEN

    def settle(self, folder: str) -> None:
        """As Backend."""
        self._patiently(lambda: self._inner.settle(folder))

    def put(self, name: str, source: Path) -> None:
        """As Backend; a key that may replace nothing is told no where an earlier try did it and its answer was lost.

        That try may be the library's own, so every no is looked at.
        """
        try:
            self._patiently(lambda: self._inner.put(name, source))
        except errors.RemoteDenied:
            if not self._is_there(name, source.stat().st_size):
                raise

    def read(self, name: str, limit: int) -> bytes:
        """As Backend."""
        return self._patiently(lambda: self._inner.read(name, limit))

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """As Backend."""
        return self._patiently(lambda: self._inner.read_range(name, offset, size))

    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        """As Backend; goes on where the answer ended."""
        done = 0

        def count(block: Buffer) -> None:
            nonlocal done
            sink(block)
            done += len(block)

        try:
            self._inner.get(name, count, limit)
        except errors.RemoteUnreachable as error:
            self._wait(error, 1, 0.0)
            while done <= limit and (block := self.read_range(name, done, min(self.read_size, limit + 1 - done))):
                count(block)

    def list(self, folder: str) -> Iterator[Listed]:
        """As Backend."""
        return iter(self._patiently(lambda: list(self._inner.list(folder))))

    def delete(self, names: Sequence[str]) -> None:
        """As Backend."""
        self._patiently(lambda: self._inner.delete(names))

    def close(self) -> None:
        """As Backend."""
        self._inner.close()

    def _is_taken(self, name: str) -> bool:
        try:
            self._inner.read_range(name, 0, 1)
        except (FileNotFoundError, errors.RemoteDenied):
            return False
        return True

    def _is_there(self, name: str, size: int) -> bool:
        return any(each.name == name and each.size == size for each in self._inner.list(name.rpartition("/")[0]))

    def _patiently(self, call: Callable[[], T]) -> T:
        waited = 0.0
        for attempt in range(1, TRIES):
            try:
                return call()
            except errors.RemoteUnreachable as error:
                waited = self._wait(error, attempt, waited)
        return call()

    def _wait(self, error: errors.RemoteUnreachable, attempt: int, waited: float) -> float:
        """Wait after a try that failed, and give the seconds waited in all; raises `error` where they are too many."""
        pause = max(error.after or 0.0, self._draw(0, min(_LONGEST, _FIRST * 2**attempt)))
        if waited + pause > PATIENCE:
            raise error
        self._sleep(pause)
        return waited + pause
