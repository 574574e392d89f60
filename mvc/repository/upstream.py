"""The upstream of a branch: the branch of a remote that it follows, by its remote-tracking ref."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mvc.model.ids import VersionId
from mvc.repository import history
from mvc.repository.model import Model
from mvc.storage.records.reflog import HEADS

if TYPE_CHECKING:
    from mvc.storage.objects import Objects

ORIGIN = "origin"
"""The default remote, and that of a clone."""


class Upstream(NamedTuple):
    """The upstream `name` of `remote`, and how many versions the branch is ahead and behind."""

    remote: str
    name: str
    ahead: int
    behind: int


def followed(model: Model, branch: str) -> tuple[str, str] | None:
    """Return the upstream of a branch as remote and name, None for none.

    It is the configured one, else the branch of the same name on origin or the only remote.
    """
    given = model.repository.config.upstream(model.key, branch)
    if given is not None:
        return given
    known = model.repository.config.remotes()
    if ORIGIN in known:
        return ORIGIN, branch
    return (next(iter(known)), branch) if len(known) == 1 else None


def upstream(model: Model, branch: str) -> Upstream | None:
    """Compare a branch with its upstream; return None unless both have a version."""
    found = followed(model, branch)
    ours = model.target(HEADS, branch)
    if found is None or ours is None:
        return None
    theirs = model.repository.refs.target(model.ref(HEADS, found[1]).tracking_ref(found[0]))
    if theirs is None:
        return None
    objects = model.repository.objects
    return Upstream(*found, _more(objects, ours, theirs), _more(objects, theirs, ours))


def _more(objects: Objects, one: VersionId, two: VersionId) -> int:
    """Return how many versions `one` is ahead of `two`."""
    return 0 if one == two else sum(1 for _ in history.walk(objects, [one], exclude=[two]))
