"""A backend wrapper that retries calls without an answer, with back-off.

A `create` is retried, too: after TAKEN, the caller reads the name, since an attempt whose answer was lost may have created
it. A denied call is never retried.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from mvc import errors
from mvc.backoff import Backoff, Sleep
from mvc.model.ids import Buffer
from mvc.remotes.backends.backend import Backend, Listed, Outcome

T = TypeVar("T")

BACKOFF = Backoff(attempts=6, first=0.4, longest=30.0, total=300.0)


class RetryingBackend(Backend):
    """Another backend, with retries."""

    def __init__(self, inner: Backend, sleep: Sleep = time.sleep) -> None:
        """Pass every call on to `inner`."""
        super().__init__(inner.where, inner.read_size)
        self._inner = inner
        self._sleep = sleep

    def create(self, name: str, body: bytes) -> Outcome:
        """As Backend; TAKEN may mean an attempt of its own.

        Azure denies a create-only key if the name is taken, so after every denial the name is read.
        """
        try:
            return self._with_retries(lambda: self._inner.create(name, body))
        except errors.RemoteDenied:
            if not self._is_taken(name):
                raise
            return Outcome.TAKEN

    def settle(self, folder: str) -> None:
        """As Backend."""
        self._with_retries(lambda: self._inner.settle(folder))

    def put(self, name: str, source: Path) -> None:
        """As Backend; after a denial the name is listed.

        A create-only key is denied if an earlier attempt, perhaps the library's own, wrote the file and its answer was
        lost.
        """
        try:
            self._with_retries(lambda: self._inner.put(name, source))
        except errors.RemoteDenied:
            if not self._is_there(name, source.stat().st_size):
                raise

    def read(self, name: str, limit: int) -> bytes:
        """As Backend."""
        return self._with_retries(lambda: self._inner.read(name, limit))

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """As Backend."""
        return self._with_retries(lambda: self._inner.read_range(name, offset, size))

    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        """As Backend; a retry resumes after the last received byte."""
        done = 0

        def count(block: Buffer) -> None:
            nonlocal done
            sink(block)
            done += len(block)

        try:
            self._inner.get(name, count, limit)
        except errors.RemoteUnreachable as error:
            self._sleep(BACKOFF.delay(1, error.after or 0.0))
            while done <= limit and (block := self.read_range(name, done, min(self.read_size, limit + 1 - done))):
                count(block)

    def list(self, folder: str) -> Iterator[Listed]:
        """As Backend."""
        return iter(self._with_retries(lambda: list(self._inner.list(folder))))

    def delete(self, names: Sequence[str]) -> None:
        """As Backend."""
        self._with_retries(lambda: self._inner.delete(names))

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

    def _with_retries(self, call: Callable[[], T]) -> T:
        return BACKOFF.run(call, _asked, self._sleep)


def _asked(error: Exception) -> float | None:
    """Return the seconds that the server asks to wait, 0 for none named; None for an error that is not retried."""
    return error.after or 0.0 if isinstance(error, errors.RemoteUnreachable) else None
