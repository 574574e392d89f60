"""`mvc alias`: refs that are moved explicitly, with a log of every move."""

from __future__ import annotations

from collections.abc import Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.porcelain import reflog
from mvc.porcelain.reflog import Reflog
from mvc.repository import history, intended, refnames
from mvc.repository.model import Model
from mvc.repository.operations.reversal import REVERSAL
from mvc.repository.repository import Actor, writes
from mvc.storage.records.reflog import ALIASES, RefEntry

ROLLED_BACK = "alias: rolled back"
"""The reason of a rollback, which begins with it also if the user gave one: a move back by `mvc alias set` is none."""


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
    """Move the alias back to its position before the last move; repeated, to the one before that.

    A rollback takes the last move out of the positions to go back to: after v1, v2, v3 and a rollback to v2, the next one
    goes to v1. A removed alias is restored. Raises NoSuchName, NothingBefore, RefMoved.
    """
    entries = model.repository.refs.entries(model.ref(ALIASES, name))
    if not entries:
        raise errors.NoSuchName(kind="alias", name=name, model=model.key)
    positions = _positions(entries)
    if entries[-1].new is not None:
        *positions, now = positions
        if not positions:
            raise errors.NothingBefore(name=name, version=history.label(model.repository, now))
    refnames.set_alias(model, name, positions[-1], actor, f"{ROLLED_BACK}: {reason}" if reason else ROLLED_BACK)
    return _alias(model, name)


def _positions(entries: Sequence[RefEntry]) -> list[VersionId]:
    """Return the positions of the alias, oldest first, without those that were rolled back or undone."""
    positions: list[VersionId] = []
    former: list[list[VersionId]] = []
    for entry in entries:
        if entry.new is None or positions[-1:] == [entry.new]:
            continue
        former.append(positions)
        if entry.move.reason.startswith(ROLLED_BACK) and positions[-2:-1] == [entry.new]:
            positions = positions[:-1]
        elif REVERSAL.match(entry.move.reason) and (restored := _latest(former, entry.new)):
            positions = restored
        else:
            positions = [*positions, entry.new]
    return positions


def _latest(former: Sequence[list[VersionId]], id_: VersionId) -> list[VersionId]:
    """Return the latest of the `former` positions that ended with version `id_`, else none."""
    return next((positions for positions in reversed(former) if positions[-1:] == [id_]), [])


def _alias(model: Model, name: str) -> Alias:
    tip = model.repository.refs.tip(model.ref(ALIASES, name))
    assert tip is not None  # noqa: S101 - the name is listed, or was just set
    assert tip.new is not None  # noqa: S101
    number = model.repository.objects.version(tip.new).number
    return Alias(name, tip.new, number, tip.move.at, tip.move.by, tip.move.reason)
