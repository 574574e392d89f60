"""`mvc tag`: refs that never move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository import refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.storage.records.reflog import TAGS

if TYPE_CHECKING:
    from mvc.porcelain import semver
    from mvc.porcelain.semver import Bump
else:
    semver = lazy.Module("mvc.porcelain.semver")


@dataclass(frozen=True, slots=True)
class Tag(Document):
    """A tag: the version it points to, and when, by whom and why it was created."""

    KEYS = keys("name id number time=at by message=reason")

    name: str
    id: VersionId
    number: int
    at: Timestamp
    by: str
    reason: str


def tags(model: Model, patterns: Sequence[str] = ()) -> list[Tag]:
    """Return the tags by name, those that match a pattern (none: all); raise NoModel, Missing, Damaged."""
    model.check()
    return [_tag(model, name) for name in refnames.matching(model.names(TAGS), patterns)]


@writes
def create(model: Model, name: str, target: VersionId, actor: Actor, *, message: str | None = None) -> Tag:
    """Create the tag `name` at `target`, with `message` or none; creating it again there changes nothing.

    Raises TagExists, BadRefName, NameTaken, CaseTwin.
    """
    refnames.set_tag(model, name, target, actor, message or "")
    return _tag(model, name)


@writes
def create_next(model: Model, target: VersionId, actor: Actor, *, message: str | None = None) -> tuple[Tag, Bump]:
    """Create the tag of the semantic version that follows the newest one among the ancestors of `target`.

    Raises NoSemverTag, NothingSince, and as `create`.
    """
    following = semver.since_tag(model, target)
    return create(model, str(following.next), target, actor, message=message), following


@writes
def delete(model: Model, name: str, actor: Actor) -> VersionId:
    """Delete a tag and return its version, the only one it can be created at again; raise NoSuchName."""
    return refnames.remove(model, TAGS, name, actor, "tag: deleted")


def _tag(model: Model, name: str) -> Tag:
    tip = model.repository.refs.tip(model.ref(TAGS, name))
    assert tip is not None  # noqa: S101 - the name is listed, or was just set
    assert tip.new is not None  # noqa: S101
    number = model.repository.objects.version(tip.new).number
    return Tag(name, tip.new, number, tip.move.at, tip.move.by, tip.move.reason)
