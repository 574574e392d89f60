"""The name of a registry version: its own, which mvc gave it, or that of an alias, for programs that look it up by name.

    alias set prod v3 --publish --rename      #0 prod ─► v1-72ab1817d6e0      #2 v3-3f9c2ab1d0f4 ─► prod

Names are unique in a model, so the previous one is renamed first; repeating it after an interruption completes it. A version
with another name is still found by its recorded place, or by its marker.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import field
from functools import cached_property

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.document import Document
from mvc.model.ids import VersionId
from mvc.registry import marker, published, recorded_places
from mvc.registry.protocol import Registry, RemoteModel, RemoteVersion
from mvc.registry.published import Candidate, State
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Actor


@dataclass(frozen=True, slots=True)
class RenamedVersion(Document):
    """A registry version that was renamed from `old` to `new`."""

    number: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Rename:
    """The renames that give a registry version the name of an alias, in their order."""

    model: Model
    registry: Registry
    steps: tuple[tuple[RemoteVersion, str], ...]

    def apply(self, actor: Actor) -> tuple[RenamedVersion, ...]:
        """Rename, and record the new names."""
        return tuple(self._rename(version, name, actor) for version, name in self.steps)

    def _rename(self, version: RemoteVersion, name: str, actor: Actor) -> RenamedVersion:
        place = recorded_places.place_of(self.registry, self.registry.update_version(version, {"name": name}))
        with self.model.repository.locked():
            for id_ in _ids(self.model, version):
                places.record(self.model, id_, place, actor.move("publish"))
        return RenamedVersion(version.number, version.name, name)


def plan(model: Model, registry: Registry, version: RemoteVersion, name: str) -> Rename:
    """Return the renames that give `version` the name of an alias. Raises CannotRename."""
    fault = _own_name(model, registry, version)[1]
    if published.is_version_name(name):
        fault = "it is a name of the kind that mvc gives"
    if fault:
        raise _refused(registry, version, name, fault)
    others = [other for other in registry.versions(version.model) if other.name == name and other.id != version.id]
    steps = []
    for other in others:
        own, fault = _own_name(model, registry, other)
        if own is None:
            raise _refused(
                registry, version, name, f"#{other.number} has that name, and {fault}; rename it on its page"
            )
        steps.append((other, own))
    return Rename(model, registry, (*steps, *([(version, name)] if version.name != name else [])))


def back(model: Model, registry: Registry, name: str) -> Rename:
    """Return the renames that give back their own names to the published versions named as an alias."""
    models = recorded_places.models(model, registry)
    named = [version for one in models for version in registry.versions(one) if version.name == name]
    own = [(version, _own_name(model, registry, version)[0]) for version in named]
    return Rename(model, registry, tuple((version, given) for version, given in own if given is not None))


@dataclass
class ByMarker:
    """The registry versions of a model that mvc published and that were renamed, found by their markers.

    `known` are ids that this repository has a record of: these are found without it. The listing is read once.
    """

    registry: Registry
    model: RemoteModel
    known: Collection[str]
    _checked: dict[str, VersionId | None] = field(default_factory=dict, init=False)

    def candidates(self, id_: VersionId) -> list[Candidate]:
        """Return the complete publications of a version that have another name than mvc gives."""
        named = [version for version in self._renamed if self._published(version) == id_]
        inspected = (published.inspect(self.registry, version, id_) for version in named)
        return [candidate for candidate in inspected if candidate.state is State.COMPLETE]

    @cached_property
    def _renamed(self) -> Sequence[RemoteVersion]:
        """The unknown versions named as an alias can be."""
        return [
            version
            for version in self.registry.versions(self.model)
            if version.id not in self.known
            and names.is_ref_name(version.name)
            and not published.is_version_name(version.name)
        ]

    def _published(self, version: RemoteVersion) -> VersionId | None:
        """Return the version of a marker; each is read once."""
        if version.id not in self._checked:
            own = marker_of(self.registry, version)
            self._checked[version.id] = own.id if own is not None else None
        return self._checked[version.id]


def marker_of(registry: Registry, version: RemoteVersion) -> marker.Marker | None:
    """Return the marker of a registry version itself; None for none."""
    for file in marker.among(registry.files(version)):
        decoded = published.read_marker(registry, file)[0]
        if decoded is not None and decoded.model_version == version.id:
            return decoded
    return None


def _ids(model: Model, version: RemoteVersion) -> list[VersionId]:
    """Return the versions that are recorded to be at a registry version."""
    return [id_ for id_, place in places.every(model) if place.id == version.id]


def _own_name(model: Model, registry: Registry, version: RemoteVersion) -> tuple[str | None, str]:
    """Return the name that mvc gave a registry version when it published it; None and the reason if it did not."""
    objects = model.repository.objects
    for id_ in dict.fromkeys(_ids(model, version)):
        if objects.has(id_) and not places.is_by_hand(objects.version(id_)):
            return published.version_name(objects.version(id_).number, id_), ""
    own = marker_of(registry, version)
    if own is not None:
        return published.version_name(own.version.number, own.id), ""
    return None, "it was not published by mvc"


def _refused(registry: Registry, version: RemoteVersion, name: str, reason: str) -> errors.CannotRename:
    return errors.CannotRename(
        number=version.number, model=version.model.name, registry=registry.organization, name=name, reason=reason
    )
