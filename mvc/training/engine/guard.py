"""What keeps a training from mvc: methods that raise nothing, act on rank 0 only, and may be called by several threads."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from mvc.training import messages, rank
from mvc.training.plan import Report

_OF_PROCESS = ("lock", "_pid", "_rank", "_push")
"""Attributes that are not pickled."""

P = ParamSpec("P")
R = TypeVar("R")
G = TypeVar("G", bound="Guarded")


def guarded(
    what: str,
) -> Callable[[Callable[Concatenate[G, P], R]], Callable[Concatenate[G, P], R | None]]:
    """Return a decorator: call the method on rank 0 only; report its errors as `what`, and return None, unless `strict`."""

    def decorate(method: Callable[Concatenate[G, P], R]) -> Callable[Concatenate[G, P], R | None]:
        @functools.wraps(method)
        def call(self: G, /, *args: P.args, **kwargs: P.kwargs) -> R | None:
            if not self.active:
                return None
            with self.lock:
                try:
                    return method(self, *args, **kwargs)
                except Exception as error:
                    if self.is_strict:
                        raise
                    self.warn(f"{what}: {messages.of_error(error)}")
                    return None

        return call

    return decorate


class Guarded:
    """An object whose methods are `guarded`. Its pickle goes on in another process, with that process's rank."""

    def __init__(self, *, strict: bool, report: Report | None) -> None:
        """Report to `report`, else on stderr; with `strict`, raise instead."""
        self.is_strict = strict
        self._report = report
        self._said: set[str] = set()
        self._prepare()

    def _prepare(self) -> None:
        self.lock = threading.RLock()
        self._pid = os.getpid()
        self._rank: int = 0

    @property
    def active(self) -> bool:
        """Whether this process records: it has rank 0, and did not fork from the one that has the run."""
        self._rank = self._rank or rank.rank()  # a process group that is gone is not asked any more
        return self._rank == 0 and os.getpid() == self._pid

    def warn(self, text: str) -> None:
        """Report a text, once."""
        if text not in self._said:
            self._said.add(text)
            self.say(text)

    def say(self, text: str) -> None:
        """Report a text."""
        messages.report(text, self._report)

    def __getstate__(self) -> dict[str, Any]:
        """Return all but what belongs to this process."""
        return {name: value for name, value in vars(self).items() if name not in _OF_PROCESS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the object in this process."""
        vars(self).update(state)
        self._prepare()
