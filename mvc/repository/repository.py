"""One repository: its parts, the exclusive lock, and the roll forward with which a writing command begins."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from mvc import lazy
from mvc.deferred import dataclass
from mvc.model.version import Person, Timestamp
from mvc.repository.parts import Parts
from mvc.storage.records import journal
from mvc.storage.records.reflog import Move

if TYPE_CHECKING:
    from mvc.repository.operations import recorder
    from mvc.repository.worktree import apply
else:
    apply = lazy.Module("mvc.repository.worktree.apply")
    recorder = lazy.Module("mvc.repository.operations.recorder")

P = ParamSpec("P")
T = TypeVar("T")


class Changeable(Protocol):
    """A repository, or a model of one."""

    def roll_forward(self) -> RolledForward | None:
        """Roll an interrupted change of the repository forward."""

    def operation(self, verb: str, actor: Actor | None = None) -> contextlib.AbstractContextManager[None]:
        """Record what the verb changes, for `mvc undo`."""


C = TypeVar("C", bound=Changeable)


def writes(function: Callable[Concatenate[C, P], T]) -> Callable[Concatenate[C, P], T]:
    """Decorate the function of a writing verb, which is the first word of its module's name; see `writes_as`."""
    return writes_as(function.__module__.rpartition(".")[2].partition("_")[0])(function)


def writes_as(verb: str) -> Callable[[Callable[Concatenate[C, P], T]], Callable[Concatenate[C, P], T]]:
    """Decorate the function of the writing verb `verb`: roll an interrupted change forward first, and record its own.

    A dry run does neither.
    """

    def decorate(function: Callable[Concatenate[C, P], T]) -> Callable[Concatenate[C, P], T]:
        @functools.wraps(function)
        def settled(changed: C, /, *arguments: P.args, **named: P.kwargs) -> T:
            if named.get("dry_run"):
                return function(changed, *arguments, **named)
            changed.roll_forward()
            with changed.operation(verb, _actor(*arguments, *named.values())):
                return function(changed, *arguments, **named)

        return settled

    return decorate


def _actor(*arguments: Any) -> Actor | None:
    """Return the actor among the arguments of a verb."""
    return next((argument for argument in arguments if isinstance(argument, Actor)), None)


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
    def operation(self, verb: str, actor: Actor | None = None) -> Iterator[None]:
        """Record what `verb` changes, for `mvc undo` and the hook after moves; a verb within another one belongs to that."""
        with self.post_hooks():
            if self.recorder is not None or self.operator is None:
                yield
                return
            self.recorder = recorder.Recorder(self, verb, str(actor.person) if actor is not None else None)
            try:
                yield
            finally:
                self.recorder = None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Roll an interrupted change of the working tree forward, then hold the exclusive lock."""
        with self.locked():
            apply.roll_forward(self)
            self.door.sweep()
            yield
