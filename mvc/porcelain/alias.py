"""`mvc alias`: refs that are moved explicitly, with a log of every move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mvc import errors
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.porcelain import reflog
from mvc.porcelain.reflog import Reflog
from mvc.repository import history, intended, refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.storage.records.reflog import ALIASES, RefEntry


@dataclass(frozen=True, slots=True)
class Alias(Document):
    """An alias: the version it points to, and when, by whom and why it was moved there."""

    KEYS = keys("name id number time=since by message=reason")

    name: str
    id: VersionId
    number: int
    since: Timestamp
    by: str
    reason: str


def aliases(model: Model) -> list[Alias]:
    """Return the aliases of `model` by name; raise NoModel, Missing, Damaged."""
    model.check()
    return [_alias(model, name) for name in model.names(ALIASES)]


@writes
def assign(
    model: Model,
    name: str,
    target: VersionId,
    actor: Actor,
    *,
    reason: str | None = None,
    force: bool = False,
) -> Alias:
    """Point the alias `name` to `target`; with `force`, even to a version that is not ready for its uses.

    A `reason` is recorded also if the alias is there already; without one, the log has an empty one.

    Raises NotReady, BadRefName, NameTaken, CaseTwin, RefMoved.
    """
    if not force and model.target(ALIASES, name) != target:
        intended.require(model.repository, target, name)
    refnames.set_alias(model, name, target, actor, reason or "", restate=bool(reason))
    return _alias(model, name)


@writes
def remove(model: Model, name: str, actor: Actor) -> VersionId:
    """Remove an alias but not its log; return the version it pointed to. Raises NoSuchName."""
    return refnames.remove(model, ALIASES, name, actor, "alias: removed")


def log(model: Model, name: str) -> Reflog:
    """Return every move of the alias `name`, newest first, even if it was removed; raise NoSuchName, Damaged."""
    return reflog.of(model.repository, model.ref(ALIASES, name))


@writes
def rollback(model: Model, name: str, actor: Actor, *, reason: str | None = None) -> Alias:
    """Move the alias back to the version before its last move; repeated, to the version before that.

    A removed alias is restored. Raises NoSuchName, NothingBefore, RefMoved.
    """
    entries = model.repository.refs.entries(model.ref(ALIASES, name))
    if not entries:
        raise errors.NoSuchName(kind="alias", name=name, model=model.key)
    stood = _stack(entries)
    if entries[-1].new is not None:
        now = stood.pop()
        if not stood:
            raise errors.NothingBefore(name=name, version=history.label(model.repository, now))
    refnames.set_alias(model, name, stood[-1], actor, reason or "alias: rolled back")
    return _alias(model, name)


def _stack(entries: Sequence[RefEntry]) -> list[VersionId]:
    """Return the versions of the alias, oldest first; a rollback removes the last one."""
    stood: list[VersionId] = []
    for entry in entries:
        if entry.new is None or (stood and entry.new == stood[-1]):
            continue
        if len(stood) > 1 and entry.new == stood[-2]:
            stood.pop()
        else:
            stood.append(entry.new)
    return stood


def _alias(model: Model, name: str) -> Alias:
    tip = model.repository.refs.tip(model.ref(ALIASES, name))
    assert tip is not None  # noqa: S101 - the name is listed, or was just set
    assert tip.new is not None  # noqa: S101
    number = model.repository.objects.version(tip.new).number
    return Alias(name, tip.new, number, tip.move.at, tip.move.by, tip.move.reason)
