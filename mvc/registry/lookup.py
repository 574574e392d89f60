"""Lookup of a version on a registry, where people rename versions and delete them.

    recorded places ─► those of its imported children, if they have its marker ─► its name ─► markers of renamed versions

The first complete registry version is taken, then one that was begun, then one that was changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property

from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.registry import published
from mvc.registry.protocol import Registry, RemoteModel
from mvc.registry.published import Candidate, State
from mvc.registry.tags.rename import ByMarker
from mvc.repository import places
from mvc.repository.repository import Repository
from mvc.storage.records.reflog import Place


@dataclass(frozen=True)
class Lookup:
    """Lookup of a model's versions, of which `recorded` are the places on the registry."""

    repository: Repository
    registry: Registry
    recorded: Sequence[tuple[VersionId, Place]]
    _renamed: dict[str, ByMarker] = field(default_factory=dict)

    def places(self, model: RemoteModel | None, id_: VersionId) -> list[Place]:
        """Return the recorded places of a version in a model of the registry, by number."""
        own = [place for one, place in self.recorded if one == id_ and model is not None and place.model_id == model.id]
        return sorted(own, key=lambda place: place.number)

    def recorded_at(self, registry_version: str) -> list[VersionId]:
        """Return the versions that are recorded to be at a registry version."""
        return [id_ for id_, place in self.recorded if place.id == registry_version]

    def find(self, model: RemoteModel, id_: VersionId, name: str) -> Candidate | None:
        """Return the best candidate for the version `id_`, which mvc publishes under `name`; None for none."""
        known = list[Candidate]()
        for place in self.places(model, id_):
            remote = self.registry.version(place.id)
            known += [published.inspect(self.registry, remote, id_)] if remote is not None else []
            if known and known[-1].state is State.COMPLETE:
                return known[-1]
        # a version that was renamed there is not found by its name
        renamed = [one for one in known if one.state is State.CHANGED and one.version.name != name]
        named = published.candidates(self.registry, model, name, id_)
        others = named or self._with_its_marker(model, id_) or self._by_marker(model).candidates(id_)
        return published.best([*others, *renamed])

    def _with_its_marker(self, model: RemoteModel, id_: VersionId) -> list[Candidate]:
        """Return the registry versions with the marker of a version that are recorded only for its imported children."""
        ids = [place.id for child in self._children.get(id_, ()) for place in self.places(model, child)]
        remotes = [remote for remote in map(self.registry.version, dict.fromkeys(ids)) if remote is not None]
        candidates = (published.inspect(self.registry, remote, id_) for remote in remotes)
        return [candidate for candidate in candidates if candidate.marker is not None]

    @cached_property
    def _children(self) -> Mapping[VersionId, list[VersionId]]:
        """The recorded versions that were made on the registry, by parent."""
        objects, children = self.repository.objects, dict[VersionId, list[VersionId]]()
        for id_ in dict.fromkeys(id_ for id_, _ in self.recorded):
            version = objects.version(id_) if objects.has(id_) else None
            for parent in version.parents if version is not None and places.is_by_hand(version) else ():
                children.setdefault(parent, []).append(id_)
        return children

    def _by_marker(self, model: RemoteModel) -> ByMarker:
        """Return the versions that were renamed there and have no recorded place; read once."""
        if model.id not in self._renamed:
            self._renamed[model.id] = ByMarker(self.registry, model, {place.id for _, place in self.recorded})
        return self._renamed[model.id]
