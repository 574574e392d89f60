"""`mvc alias`: names that are moved on purpose, and remember every move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.porcelain import reflog
from mvc.porcelain.reflog import Reflog
from mvc.repository import history, intended, refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.records.reflog import ALIASES, RefEntry, RefName


@dataclass(frozen=True, slots=True)
class Alias:
    """One alias: the version it stands for, since when, who moved it there, and why."""

    name: str
    id: VersionId
    number: int
    since: Timestamp
    by: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "name": self.name,
            "id": self.id,
            "number": self.number,
            "since": self.since.utc(),
            "by": self.by,
            "reason": self.reason,
        }


def aliases(repository: Repository, model: str) -> list[Alias]:
    """The aliases of `model`, by name. Raises NoModel, Missing, Damaged."""
    repository.head(model)
    return [_alias(repository, model, name) for name in repository.refs.names(model, ALIASES)]


@writes
def assign(
    repository: Repository,
    model: str,
    name: str,
    target: VersionId,
    actor: Actor,
    *,
    reason: str | None = None,
    force: bool = False,
) -> Alias:
    """Have the alias `name` stand for `target` from now on; with `force` also where that is not ready for what it is meant for.

    Raises NotReady, BadRefName, NameTaken, CaseTwin, RefMoved.
    """
    if not force and repository.refs.target(RefName(model, ALIASES, name)) != target:
        intended.require(repository, target, name)
    why = reason or repository.objects.version(target).subject
    refnames.set_alias(Model(repository, model), name, target, actor, why)
    return _alias(repository, model, name)


@writes
def remove(repository: Repository, model: str, name: str, actor: Actor) -> VersionId:
    """Remove an alias, its log kept; the version it stood for. Raises NoSuchName."""
    return refnames.remove(Model(repository, model), ALIASES, name, actor, "alias: removed")


def log(repository: Repository, model: str, name: str) -> Reflog:
    """Every move of the alias `name`, the newest first, also when it was removed since. Raises NoSuchName, Damaged."""
    return reflog.of(repository, RefName(model, ALIASES, name))


@writes
def rollback(repository: Repository, model: str, name: str, actor: Actor, *, reason: str | None = None) -> Alias:
    """Have the alias stand where it stood before its last move; done again, before the move before that.

    An alias that was removed comes back. Raises NoSuchName, NothingBefore, RefMoved.
    """
    entries = repository.refs.entries(RefName(model, ALIASES, name))
    if not entries:
        raise errors.NoSuchName(kind="alias", name=name, model=model)
    stood = _stack(entries)
    if entries[-1].new is not None:
        now = stood.pop()
        if not stood:
            raise errors.NothingBefore(name=name, version=history.label(repository, now))
    refnames.set_alias(Model(repository, model), name, stood[-1], actor, reason or "alias: rolled back")
    return _alias(repository, model, name)


def _stack(entries: Sequence[RefEntry]) -> list[VersionId]:
    """Where the alias stood, the oldest first; a move back to where it stood before takes the last one away again."""
    stood: list[VersionId] = []
    for entry in entries:
        if entry.new is None or (stood and entry.new == stood[-1]):
            continue
        if len(stood) > 1 and entry.new == stood[-2]:
            stood.pop()
        else:
            stood.append(entry.new)
    return stood


def _alias(repository: Repository, model: str, name: str) -> Alias:
    tip = repository.refs.tip(RefName(model, ALIASES, name))
    assert tip is not None  # noqa: S101 - the name is listed, or was just set
    assert tip.new is not None  # noqa: S101
    number = repository.objects.version(tip.new).number
    return Alias(name, tip.new, number, tip.move.at, tip.move.by, tip.move.reason)
