"""`mvc alias set NAME REV --publish`: an alias here, as a tag and on request as the name of its registry version.

    checked ─► REV is on the registry? ─ no ─► published ─► alias moved ─► tag added ─► tag removed elsewhere ─► renamed

Every step that is complete is skipped when the command is repeated.
"""

from __future__ import annotations

from dataclasses import replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.porcelain import alias as aliases
from mvc.porcelain.alias import Alias
from mvc.porcelain.publish import Published, publish
from mvc.registry import recorded_places
from mvc.registry.protocol import Registry, RemoteVersion
from mvc.registry.tags import rename as renames
from mvc.registry.tags.follow import Follower, TagChange
from mvc.registry.tags.rename import RenamedVersion
from mvc.repository import intended, places, refnames
from mvc.repository.model import Model
from mvc.repository.policy import gate
from mvc.repository.repository import Actor, writes
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import ALIASES, Place


@dataclass(frozen=True, slots=True)
class PublishedAlias(Document):
    """An alias, its registry version, the tags that were changed there, and the versions that were renamed.

    `published` is the publication of its version, None if it was published before; `other_named` is the number of another
    version that still has the name of the alias there.
    """

    KEYS = keys("*alias", {"registry": keys("*place page=place.page")}, "published tags renamed other_named")

    alias: Alias
    place: Place
    published: Published | None = None
    tags: tuple[TagChange, ...] = ()
    renamed: tuple[RenamedVersion, ...] = ()
    other_named: int | None = None


@dataclass(frozen=True, slots=True)
class RemovedAlias(Document):
    """A deleted alias with the version it pointed to, the tags that were removed, and the versions with their own name again."""

    name: str
    id: VersionId
    tags: tuple[TagChange, ...] = ()
    renamed: tuple[RenamedVersion, ...] = ()


@writes
def assign(
    model: Model,
    name: str,
    target: VersionId,
    registry: Registry,
    actor: Actor,
    *,
    reason: str | None = None,
    force: bool = False,
    rename: bool = False,
    progress: Progress | None = None,
) -> PublishedAlias:
    """Set an alias here and as a tag on the registry version of `target`, which is published if necessary.

    With `rename`, the registry version also gets the name of the alias, and the previous one its own name back.

    Raises NotReady unless `force`, BadRefName, NameTaken, CaseTwin, CannotRename, and as publishing does.
    """
    if not force and model.target(ALIASES, name) != target:
        intended.require(model.repository, target, name)
    refnames.check_new(model, ALIASES, name)
    _check_policy(model, name, target, reason or "")
    version, published = _registry_version(model, target, registry, actor, progress)
    planned = renames.plan(model, registry, version, name) if rename else None
    alias = aliases.assign(model, name, target, actor, reason=reason, force=force)
    follower = Follower(model, registry)
    follower.point(name, recorded_places.place_of(registry, version))
    renamed = planned.apply(actor) if planned is not None else ()
    place = recorded_places.place_of(registry, version)
    place = replace(place, name=name) if rename else place
    other_named = None if rename else follower.other_named(name, version)
    return PublishedAlias(alias, place, published, tuple(follower.changes), renamed, other_named)


@writes
def remove(model: Model, name: str, registry: Registry, actor: Actor) -> RemovedAlias:
    """Delete an alias, its tag on registry versions, and their names if they have its name. Raises NoSuchName.

    The alias itself is deleted last, so that the command can be repeated.
    """
    if model.target(ALIASES, name) is None:
        raise errors.NoSuchName(kind="alias", name=name, model=model.key)
    _check_policy(model, name, None, "")
    follower = Follower(model, registry)
    follower.clear(name)
    renamed = renames.back(model, registry, name).apply(actor)
    id_ = aliases.remove(model, name, actor)
    return RemovedAlias(name, id_, tuple(follower.changes), renamed)


def _check_policy(model: Model, name: str, target: VersionId | None, reason: str) -> None:
    """Raise PolicyRefused before anything changes on the registry."""
    ref = model.ref(ALIASES, name)
    gate.check(model.repository, [gate.Move(ref, model.repository.refs.tip(ref), target, reason)])


def _registry_version(
    model: Model, target: VersionId, registry: Registry, actor: Actor, progress: Progress | None
) -> tuple[RemoteVersion, Published | None]:
    """Return the registry version of `target`, published now if it is not on the registry."""
    for place in reversed(places.places(model, target)):
        version = registry.version(place.id) if recorded_places.is_on(place, registry) else None
        if version is not None:
            return version, None
    published = publish(model, registry, [target], actor, progress=progress)
    new = published.versions[0].place
    assert new is not None  # noqa: S101 - not a dry run
    return recorded_places.version_at(registry, new), published
