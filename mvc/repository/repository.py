"""One repository: the folder that holds `.mvc`, its parts, and how a command begins to change it."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from mvc.model.version import Person, Timestamp
from mvc.repository.parts import Parts
from mvc.repository.worktree import apply
from mvc.storage.records import journal
from mvc.storage.records.reflog import Move

P = ParamSpec("P")
T = TypeVar("T")


def writes(function: Callable[Concatenate[Repository, P], T]) -> Callable[Concatenate[Repository, P], T]:
    """Declare the function of a verb that writes: `Repository.roll_forward` runs before it, except for a dry run."""

    @functools.wraps(function)
    def settled(repository: Repository, /, *arguments: P.args, **named: P.kwargs) -> T:
        if not named.get("dry_run"):
            repository.roll_forward()
        return function(repository, *arguments, **named)

    return settled


@dataclass(frozen=True, slots=True)
class RolledForward:
    """An interrupted command that was completed; `edited` are the paths that were edited since and left alone."""

    verb: str
    edited: tuple[str, ...]


def _nonce() -> str:
    return os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and when: what a library does not look up by itself. `nonce` gives 32 new hex digits at each call."""

    person: Person
    at: Timestamp
    nonce: Callable[[], str] = _nonce

    def move(self, reason: str) -> Move:
        """The record of one move of a ref."""
        return Move(str(self.person), self.at, reason, self.nonce())


class Repository(Parts):
    """The parts of one repository, and the lock and the roll forward of a command that writes."""

    def roll_forward(self) -> RolledForward | None:
        """Roll an interrupted change forward; None where there is none. A command that writes begins with it.

        Otherwise it would find the refs moved already and call the work done, with the files still the old ones. Raises
        LockTimeout while the change is in progress, ReadOnlyStore, DiskFailed, Damaged.
        """
        if not self.door.exists(journal.NAME):
            return None
        with self.locked():
            change = journal.pending(self.door)
            return RolledForward(change.verb, apply.roll_forward(self)) if change is not None else None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock, with any interrupted change of the working tree finished first."""
        with self.locked():
            apply.roll_forward(self)
            self.door.sweep()
            yield
