"""One repository: its parts, the exclusive lock, and the roll forward with which a writing command begins."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from mvc.model.version import Person, Timestamp
from mvc.repository.parts import Parts
from mvc.repository.worktree import apply
from mvc.storage.records import journal
from mvc.storage.records.reflog import Move

P = ParamSpec("P")
T = TypeVar("T")


class Changeable(Protocol):
    """A repository, or a model of one."""

    def roll_forward(self) -> RolledForward | None:
        """Roll an interrupted change of the repository forward."""


C = TypeVar("C", bound=Changeable)


def writes(function: Callable[Concatenate[C, P], T]) -> Callable[Concatenate[C, P], T]:
    """Decorate the function of a writing verb: roll an interrupted change forward first, except for a dry run."""

    @functools.wraps(function)
    def settled(changed: C, /, *arguments: P.args, **named: P.kwargs) -> T:
        if not named.get("dry_run"):
            changed.roll_forward()
        return function(changed, *arguments, **named)

    return settled


@dataclass(frozen=True, slots=True)
class RolledForward:
    """An interrupted command that was rolled forward; `edited` are the paths edited since, which were not changed."""

    verb: str
    edited: tuple[str, ...]


def _nonce() -> str:
    return os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class Actor:
    """The author and time of an action, given by the caller. `nonce` returns 32 new random hex digits per call."""

    person: Person
    at: Timestamp
    nonce: Callable[[], str] = _nonce

    def move(self, reason: str) -> Move:
        """Return the record of one move of a ref."""
        return Move(str(self.person), self.at, reason, self.nonce())


class Repository(Parts):
    """A repository: its parts, the exclusive lock, and roll forward."""

    def roll_forward(self) -> RolledForward | None:
        """Roll an interrupted change forward; return None if there is none. Every writing command begins with it.

        Otherwise it would see moved refs with old files. Raises LockTimeout while the change is in progress,
        ReadOnlyStore, DiskFailed, Damaged.
        """
        if not self.door.exists(journal.NAME):
            return None
        with self.locked():
            change = journal.pending(self.door)
            return RolledForward(change.verb, apply.roll_forward(self)) if change is not None else None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Roll an interrupted change of the working tree forward, then hold the exclusive lock."""
        with self.locked():
            apply.roll_forward(self)
            self.door.sweep()
            yield
