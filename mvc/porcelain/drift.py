"""`mvc drift REGISTRY`: what a registry has now of the versions that are told to be there, against what was recorded here.

    told: version ↔ its id there ─► fields, files, marker ─► edited, replaced, gone
    every version there ─ those that are told ─────────────► made there since

Small files are read and hashed, and big ones where that is asked for; else these are told apart by role, by size, and by the
record that holds them, as far as it was noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mvc import errors
from mvc.model.ids import Hasher, VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.registry import compare, marker
from mvc.registry.compare import MISSING, REPLACED, FileDrift
from mvc.registry.fields import FieldChange
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteVersion
from mvc.repository import places as publications
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.progress import Progress
from mvc.storage.records import import_notes
from mvc.storage.records.reflog import Place

SMALL = 1024 * 1024
"""Bytes of a file that is read without being asked for."""


@dataclass(frozen=True, slots=True)
class VersionDrift:
    """A version that a registry has otherwise than it was recorded; `gone` when it has it no more."""

    id: VersionId
    number: int
    place: Place
    page: str
    gone: bool = False
    fields: tuple[FieldChange, ...] = ()
    files: tuple[FileDrift, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it is as it was recorded."""
        return not (self.gone or self.fields or self.files)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "id": self.id,
            "number": self.number,
            "registry": {**self.place.to_json(), "page": self.page},
            "gone": self.gone,
            "fields": [each.to_json() for each in self.fields],
            "files": [each.to_json() for each in self.files],
        }


@dataclass(frozen=True, slots=True)
class RegistryDrift:
    """The versions that differ, those that were made there since, and how many were compared.

    `unread` counts files whose bytes were not looked at.
    """

    organization: str
    model: str
    versions: tuple[VersionDrift, ...]
    since: tuple[RemoteVersion, ...]
    compared: int
    unread: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether all is as it was recorded."""
        return not (self.versions or self.since)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "organization": self.organization,
            "model": self.model,
            "versions": [each.to_json() for each in self.versions],
            "since": [
                {"model": each.model.name, "number": each.number, "name": each.name, "id": each.id}
                for each in self.since
            ],
            "compared": self.compared,
            "unread": self.unread,
        }


def drift(
    repository: Repository,
    registry: Registry,
    model: str,
    *,
    read_data: bool = False,
    progress: Progress | None = None,
) -> RegistryDrift:
    """Compare the versions of `model` that are on `registry` with what it has now; `read_data` reads every file.

    Raises NothingPublished, and as the registry does.
    """
    told = [each for each in publications.every(Model(repository, model)) if _is_on(each[1], registry)]
    if not told:
        raise errors.NothingPublished(model=model, registry=registry.organization)
    there = _listed(registry, [place for _, place in told])
    look = _Look(repository, registry, read_data=read_data, progress=progress)
    found = [look.at(id_, place, there.get(place.id)) for id_, place in _recorded(repository, told)]
    own = {place.id for _, place in told}
    since = sorted(
        (each for id_, each in there.items() if id_ not in own), key=lambda each: (each.model.name, each.number)
    )
    drifted = sorted((each for each in found if not each.is_empty), key=lambda each: each.place.number)
    return RegistryDrift(registry.organization, model, tuple(drifted), tuple(since), len(found), look.unread)


def _is_on(place: Place, registry: Registry) -> bool:
    return (place.host, place.organization) == (registry.host, registry.organization)


def _listed(registry: Registry, places: Sequence[Place]) -> dict[str, RemoteVersion]:
    """By id, what the models there have now in which something was recorded; one that is gone has nothing."""
    models = {place.model_id: place.model for place in places}
    alive = {each.id: each for each in registry.models() if each.id in models}
    return {version.id: version for each in alive.values() for version in registry.versions(each)}


def _recorded(repository: Repository, told: Sequence[tuple[VersionId, Place]]) -> list[tuple[VersionId, Place]]:
    """Of each version there the one here that it is to be: what was published, or what was imported of it last."""
    found: dict[str, tuple[VersionId, Place]] = {}
    for id_, place in told:
        if repository.objects.has(id_):
            known = found.get(place.id)
            if known is None or publications.rank(repository, id_) > publications.rank(repository, known[0]):
                found[place.id] = (id_, place)
    return list(found.values())


class _Look:
    """Looks at one version after the other."""

    def __init__(
        self, repository: Repository, registry: Registry, *, read_data: bool, progress: Progress | None
    ) -> None:
        self._repository = repository
        self._registry = registry
        self._read_data = read_data
        self._progress = progress
        self.unread = 0

    def at(self, id_: VersionId, place: Place, listed: RemoteVersion | None) -> VersionDrift:
        objects = self._repository.objects
        version = objects.version(id_)
        found = VersionDrift(id_, version.number, place, self._registry.page(place.id))
        there = self._registry.version(place.id) if listed is not None else None
        if there is None:
            return replace(found, gone=True)
        by_hand = publications.is_by_hand(version)
        fields = compare.changed_fields(objects.manifest(version.manifest), there, by_hand=by_hand)
        if there.name != place.name:
            fields = (FieldChange("name", place.name, there.name), *fields)
        return replace(found, fields=fields, files=self._files(id_, there, objects.tree(version.tree), by_hand=by_hand))

    def _files(self, id_: VersionId, there: RemoteVersion, tree: Tree, *, by_hand: bool) -> tuple[FileDrift, ...]:
        listed = self._registry.files(there)
        known = compare.records(import_notes.read(self._repository.door, publications.PICSELLIA, there.id))
        found = list(compare.changed_files(tree, listed, known, by_hand=by_hand))
        told = {each.role for each in found}
        for role, file in _by_role(tree, listed, known, by_hand=by_hand).items():
            entry = tree.by_role.get(role)
            if entry is not None and role not in told and self._is_other(entry, file):
                found.append(FileDrift(role, REPLACED, file.filename))
        if not by_hand:
            found += self._marker(id_, there, listed)
        return tuple(sorted(found))

    def _is_other(self, entry: TreeEntry, file: RemoteFile) -> bool:
        """Whether a file's bytes are not those of an entry, if they are looked at."""
        if entry.size > SMALL and not self._read_data:
            self.unread += 1
            return self._registry.size(file) not in (None, entry.size)
        hasher, size = Hasher(), 0

        def take(data: bytes) -> None:
            nonlocal size
            size += len(data)
            if size > entry.size:
                raise _OtherError
            hasher.update(data)
            if self._progress is not None:
                self._progress(len(data))

        try:
            self._registry.download(file, take)
        except _OtherError:
            return True
        return (hasher.digest(), size) != (entry.file, entry.size)

    def _marker(self, id_: VersionId, there: RemoteVersion, listed: Sequence[RemoteFile]) -> list[FileDrift]:
        """What is wrong with the marker of a published version."""
        found = [file for file in listed if file.name == marker.NAME]
        for file in found:
            data = bytearray()
            self._registry.download(file, data.extend, limit=marker.MAX_BYTES)
            try:
                read = Marker.decode(bytes(data))
            except errors.NotCanonical:
                continue
            if read.model_version == there.id and read.id == id_:
                return []
        return [FileDrift(marker.NAME, REPLACED if found else MISSING)]


def _by_role(
    tree: Tree, listed: Sequence[RemoteFile], known: Mapping[str, Any], *, by_hand: bool
) -> dict[str, RemoteFile]:
    """The file there of each role here; of one made by hand, by the records that were noted."""
    if not by_hand:
        return {file.name: file for file in listed if file.name != marker.NAME}
    by_id = {file.id: file for file in listed}
    noted = {role: by_id[id_] for role, id_ in known.items() if id_ in by_id}
    named = {file.name: file for file in listed if file.name in tree.by_role}
    return noted or named


class _OtherError(Exception):
    """More bytes came than the file has."""
