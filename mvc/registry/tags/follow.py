"""Set the tags and aliases of a model as tags of its registry versions.

    v3: tag 2026.1, alias prod    ─►  #2 gets the tags 2026.1 and prod
    the alias was at v1 before    ─►  #0 loses the tag prod
    a name that mvc set on #2, and that v3 no longer has    ─►  #2 loses it

Tags that others set stay, on every version that is not known in this repository. A repeated call completes an interrupted one:
a tag is added before it is removed elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import field
from functools import cached_property

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.registry import recorded_places
from mvc.registry.protocol import Registry, RemoteVersion
from mvc.registry.tags import notes
from mvc.registry.tags.notes import TagNote
from mvc.repository import places
from mvc.repository.model import Model
from mvc.storage.records.reflog import ALIASES, TAGS, Place

ADDED, REMOVED, FOREIGN = "added", "removed", "kept"
"""Changes of a tag. An alias's tag is kept on a registry version that is not known in this repository."""


@dataclass(frozen=True, slots=True)
class TagChange(Document):
    """A tag that was added to a registry version, removed from it, or kept there; `number` is None for a new version."""

    KEYS = keys("tag what=change number name")

    tag: str
    change: str
    number: int | None
    name: str


@dataclass
class Follower:
    """Sets tags on the registry versions of a model; `changes` lists what was done, or would be in a dry run."""

    model: Model
    registry: Registry
    dry_run: bool = False
    changes: list[TagChange] = field(default_factory=list, init=False)
    _listings: dict[str, Sequence[RemoteVersion]] = field(default_factory=dict, init=False)

    def publish(self, id_: VersionId, place: Place) -> None:
        """Set the tags and aliases of a version on its registry version, and remove what mvc set there before.

        A registry version that was edited and imported again has several versions, and the tags of all.
        """
        ids = {**self._versions.get(place.id, {}), id_: None}
        tags, aliases = ([name for known in ids for name in self.names(known, kind)] for kind in (TAGS, ALIASES))
        version = self._version(place)
        own = notes.read(self.model.repository, place.id).own
        self._change(version, add={*tags, *aliases}, remove=own - {*tags, *aliases})
        for alias in aliases:
            self._remove_elsewhere(alias, version)

    def plan(self, id_: VersionId, name: str) -> None:
        """List the tags that a version which is not published yet will get."""
        for tag in sorted([*self.names(id_, TAGS), *self.names(id_, ALIASES)]):
            self.changes.append(TagChange(tag, ADDED, None, name))

    def point(self, alias: str, place: Place) -> None:
        """Set an alias on a registry version, and remove it from the others."""
        version = self._version(place)
        self._change(version, add={alias}, remove=())
        self._remove_elsewhere(alias, version)

    def other_named(self, alias: str, version: RemoteVersion) -> int | None:
        """Return the number of another version of the same model that has the name of an alias; None for none."""
        return next((other.number for other in self._others(version) if other.name == alias), None)

    def clear(self, alias: str) -> None:
        """Remove an alias from all registry versions that are known here."""
        for registry_model in recorded_places.models(self.model, self.registry):
            for version in self.registry.versions(registry_model):
                self._remove_from(alias, version)

    def names(self, id_: VersionId, kind: str) -> list[str]:
        """Return the tags or the aliases at a version."""
        return [name for name in self.model.names(kind) if self.model.target(kind, name) == id_]

    # --- inside

    @cached_property
    def _known(self) -> dict[str, Place]:
        """The recorded places of the model's versions, by the id of the registry version."""
        recorded = (place for _, place in places.every(self.model))
        return {place.id: place for place in recorded if recorded_places.is_on(place, self.registry)}

    @cached_property
    def _versions(self) -> dict[str, dict[VersionId, None]]:
        """The recorded versions by the id of their registry version."""
        ids: dict[str, dict[VersionId, None]] = {}
        for id_, place in places.every(self.model):
            ids.setdefault(place.id, {})[id_] = None
        return ids

    def _version(self, place: Place) -> RemoteVersion:
        return recorded_places.version_at(self.registry, place)

    def _change(self, version: RemoteVersion, *, add: Collection[str], remove: Collection[str]) -> None:
        """Add and remove tags, as far as the version has others, and note them."""
        live = {tag.name: tag for tag in self.registry.tags.of(version)}
        for name in sorted(set(add) - set(live)):
            if not self.dry_run:
                self.registry.tags.add(self.registry.tags.ensure(name), version)
            self.changes.append(TagChange(name, ADDED, version.number, version.name))
        for name in sorted(set(remove) & set(live)):
            if not self.dry_run:
                self.registry.tags.remove(live[name], version)
            self.changes.append(TagChange(name, REMOVED, version.number, version.name))
        if not self.dry_run:
            old = notes.read(self.model.repository, version.id)
            note = TagNote(frozenset(live).union(add).difference(remove), old.own.union(add).difference(remove))
            notes.write(self.model.repository, version.id, note)

    def _remove_elsewhere(self, alias: str, version: RemoteVersion) -> None:
        for other in self._others(version):
            self._remove_from(alias, other)

    def _others(self, version: RemoteVersion) -> Iterator[RemoteVersion]:
        """Yield the other versions of a registry version's model, from a listing that is read once."""
        if version.model.id not in self._listings:
            self._listings[version.model.id] = self.registry.versions(version.model)
        return (other for other in self._listings[version.model.id] if other.id != version.id)

    def _remove_from(self, alias: str, version: RemoteVersion) -> None:
        """Remove an alias from a version that has it, if it is known here."""
        if not self._may_have(alias, version) or alias not in {tag.name for tag in self.registry.tags.of(version)}:
            return
        if version.id in self._known:
            self._change(version, add=(), remove={alias})
        else:
            self.changes.append(TagChange(alias, FOREIGN, version.number, version.name))

    def _may_have(self, alias: str, version: RemoteVersion) -> bool:
        """Return False if a version whose tags are not listed never had the alias, as far as this repository knows."""
        if isinstance(version.raw.get("tags"), list):
            return True
        note = notes.read(self.model.repository, version.id)
        return alias in note.tags | note.own or version.id in self._former(alias)

    def _former(self, alias: str) -> set[str]:
        """Return the registry versions of every version that the alias was at."""
        return {place.id for id_ in self._moves(alias) for place in places.places(self.model, id_)}

    def _moves(self, alias: str) -> Iterator[VersionId]:
        entries = self.model.repository.refs.entries(self.model.ref(ALIASES, alias))
        return (entry.new for entry in entries if entry.new is not None)
