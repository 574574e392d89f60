"""`mvc alias` and `mvc tag`: the names that people give to versions, and how they came to stand where they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model.ids import VersionId
from mvc.porcelain import naming
from mvc.repository.repository import Actor, Repository
from mvc.storage.reflog import ALIASES, RefEntry, RefName


@dataclass(frozen=True, slots=True)
class Named:
    """A tag or an alias: its version, and the move that brought it there."""

    name: str
    version: VersionId
    number: int
    subject: str
    entry: RefEntry

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        move = self.entry.move
        return {
            "name": self.name,
            "id": self.version,
            "number": self.number,
            "since": move.at.utc(),
            "by": move.by,
            "reason": move.reason,
        }


def named(repository: Repository, model: str, kind: str) -> list[Named]:
    """All tags or aliases of `model` (`kind` is TAGS or ALIASES), sorted."""
    found = []
    for ref in repository.refs.all(model, kind):
        tip = repository.refs.tip(ref)
        if tip is not None and tip.new is not None:
            version = repository.objects.version(tip.new)
            found.append(Named(ref.name, tip.new, version.number, version.subject, tip))
    return sorted(found, key=lambda each: each.name)


def rollback(repository: Repository, model: str, name: str, actor: Actor, reason: str | None = None) -> VersionId:
    """Move an alias back to where it stood before its last move; that is a move too. Raises NoSuchName, NoMoveBefore."""
    ref = RefName(model, ALIASES, name)
    entries = repository.refs.entries(ref)
    if not entries:
        raise errors.NoSuchName(kind="alias", name=name, model=model)
    before = _before(entries)
    if before is None:
        raise errors.NoMoveBefore(name=name)
    with repository.writing():
        repository.refs.append(ref, entries[-1], before, actor.move(reason or "rollback"))
    return before


def _before(entries: list[RefEntry]) -> VersionId | None:
    """Where the name stood before; a rollback is undone by the next one, as any move is."""
    return entries[-1].old


def set_(repository: Repository, model: str, name: str, version: VersionId, actor: Actor, reason: str | None) -> bool:
    """Move an alias; False when it stands there already. Raises as `naming.set_alias`."""
    return naming.set_alias(repository, model, name, version, actor, reason or "set")
