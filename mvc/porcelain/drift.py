"""`mvc drift REGISTRY`: compare the versions that are recorded to be on a registry with what it has now.

    recorded places ─► fields, files, marker ─► edited, replaced, gone
    all versions there ─ recorded ones ───────► created there since

Small files are downloaded and hashed, large ones with `read_data` only; otherwise they are compared by role, by size, and by
record id where an import note has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mvc import errors
from mvc.model import roles
from mvc.model.ids import Hasher, VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.registry import compare, marker
from mvc.registry.compare import MISSING, REPLACED, FileDrift
from mvc.registry.fields import FieldChange
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteVersion
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.progress import Progress
from mvc.storage.records import import_notes
from mvc.storage.records.reflog import Place

SMALL = 1024 * 1024
"""The largest file, in bytes, that is always hashed."""


@dataclass(frozen=True, slots=True)
class VersionDrift:
    """A version whose registry version differs; `gone` if the registry no longer has it."""

    id: VersionId
    number: int
    place: Place
    page: str
    gone: bool = False
    fields: tuple[FieldChange, ...] = ()
    files: tuple[FileDrift, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if nothing differs."""
        return not (self.gone or self.fields or self.files)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {
            "id": self.id,
            "number": self.number,
            "registry": {**self.place.to_json(), "page": self.page},
            "gone": self.gone,
            "fields": [change.to_json() for change in self.fields],
            "files": [change.to_json() for change in self.files],
        }


@dataclass(frozen=True, slots=True)
class RegistryDrift:
    """The versions that differ, those created on the registry since, and how many were compared.

    `unread` counts files that were not hashed.
    """

    organization: str
    model: str
    versions: tuple[VersionDrift, ...]
    since: tuple[RemoteVersion, ...]
    compared: int
    unread: int = 0

    @property
    def is_empty(self) -> bool:
        """True if nothing differs, and nothing was created since."""
        return not (self.versions or self.since)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {
            "organization": self.organization,
            "model": self.model,
            "versions": [version.to_json() for version in self.versions],
            "since": [
                {"model": version.model.name, "number": version.number, "name": version.name, "id": version.id}
                for version in self.since
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
    """Compare the versions of `model` that are on `registry` with what it has now; `read_data` hashes every file.

    Raises NothingPublished, and as the registry does.
    """
    recorded = [(id_, place) for id_, place in places.every(Model(repository, model)) if _is_on(place, registry)]
    if not recorded:
        raise errors.NothingPublished(model=model, registry=registry.organization)
    remote = _remote_versions(registry, [place for _, place in recorded])
    comparison = _Comparison(repository, registry, read_data=read_data, progress=progress)
    compared = [
        comparison.compare(id_, place, exists=place.id in remote)
        for id_, place in _representatives(repository, recorded)
    ]
    known = {place.id for _, place in recorded}
    since = [version for id_, version in remote.items() if id_ not in known]
    since.sort(key=lambda version: (version.model.name, version.number))
    drifted = [version for version in compared if not version.is_empty]
    drifted.sort(key=lambda version: version.place.number)
    return RegistryDrift(registry.organization, model, tuple(drifted), tuple(since), len(compared), comparison.unread)


def _is_on(place: Place, registry: Registry) -> bool:
    return (place.host, place.organization) == (registry.host, registry.organization)


def _remote_versions(registry: Registry, recorded: Sequence[Place]) -> dict[str, RemoteVersion]:
    """Return all versions, by id, of the registry models that have a recorded place; a deleted model has none."""
    ids = {place.model_id for place in recorded}
    models = [model for model in registry.models() if model.id in ids]
    return {version.id: version for model in models for version in registry.versions(model)}


def _representatives(
    repository: Repository, recorded: Sequence[tuple[VersionId, Place]]
) -> list[tuple[VersionId, Place]]:
    """Return one version for each registry version: the published one, else the one imported last."""
    ranked: dict[str, tuple[VersionId, Place]] = {}
    for id_, place in recorded:
        if repository.objects.has(id_):
            known = ranked.get(place.id)
            if known is None or places.rank(repository, id_) > places.rank(repository, known[0]):
                ranked[place.id] = (id_, place)
    return list(ranked.values())


class _Comparison:
    """Compares versions one by one; `unread` counts files that were not hashed."""

    def __init__(
        self, repository: Repository, registry: Registry, *, read_data: bool, progress: Progress | None
    ) -> None:
        self._repository = repository
        self._registry = registry
        self._read_data = read_data
        self._progress = progress
        self.unread = 0

    def compare(self, id_: VersionId, place: Place, *, exists: bool) -> VersionDrift:
        objects = self._repository.objects
        version = objects.version(id_)
        same = VersionDrift(id_, version.number, place, self._registry.page(place.id))
        remote = self._registry.version(place.id) if exists else None
        if remote is None:
            return replace(same, gone=True)
        by_hand = places.is_by_hand(version)
        fields = compare.changed_fields(objects.manifest(version.manifest), remote, by_hand=by_hand)
        if remote.name != place.name:
            fields = (FieldChange("name", place.name, remote.name), *fields)
        served = roles.expanded(objects.manifest(version.manifest), objects.tree(version.tree))
        files = self._changed_files(id_, remote, served, by_hand=by_hand)
        return replace(same, fields=fields, files=files)

    def _changed_files(
        self, id_: VersionId, remote: RemoteVersion, tree: Tree, *, by_hand: bool
    ) -> tuple[FileDrift, ...]:
        files = self._registry.files(remote)
        note = import_notes.read(self._repository.door, places.PICSELLIA, remote.id)
        recorded_ids = compare.recorded_ids(note)
        changes = list(compare.changed_files(tree, files, recorded_ids, by_hand=by_hand))
        changed_roles = {change.role for change in changes}
        for role, file in _by_role(tree, files, recorded_ids, by_hand=by_hand).items():
            entry = tree.by_role.get(role)
            if entry is not None and role not in changed_roles and self._is_changed(entry, file):
                changes.append(FileDrift(role, REPLACED, file.filename))
        if not by_hand:
            changes += self._marker_drift(id_, remote, files)
        return tuple(sorted(changes))

    def _is_changed(self, entry: TreeEntry, file: RemoteFile) -> bool:
        """Compare a file's bytes with an entry's, or only its size if it is not to be downloaded."""
        if entry.size > SMALL and not self._read_data:
            self.unread += 1
            return self._registry.size(file) not in (None, entry.size)
        hasher, size = Hasher(), 0

        def receive(data: bytes) -> None:
            nonlocal size
            size += len(data)
            if size > entry.size:
                raise _TooLongError
            hasher.update(data)
            if self._progress is not None:
                self._progress(len(data))

        try:
            self._registry.download(file, receive)
        except _TooLongError:
            return True
        return (hasher.digest(), size) != (entry.file, entry.size)

    def _marker_drift(self, id_: VersionId, remote: RemoteVersion, files: Sequence[RemoteFile]) -> Iterator[FileDrift]:
        """Yield a change if none of the files is the valid marker of a published version."""
        marker_files = [file for file in files if file.name == marker.NAME]
        for file in marker_files:
            data = bytearray()
            self._registry.download(file, data.extend, limit=marker.MAX_BYTES)
            try:
                decoded = Marker.decode(bytes(data))
            except errors.NotCanonical:
                continue
            if decoded.model_version == remote.id and decoded.id == id_:
                return
        yield FileDrift(marker.NAME, REPLACED if marker_files else MISSING)


def _by_role(
    tree: Tree, files: Sequence[RemoteFile], recorded_ids: Mapping[str, Any], *, by_hand: bool
) -> dict[str, RemoteFile]:
    """Return the registry's file of each role; for a version made by hand, by recorded ids if there are any."""
    if not by_hand:
        return {file.name: file for file in files if file.name != marker.NAME}
    by_id = {file.id: file for file in files}
    recorded = {role: by_id[id_] for role, id_ in recorded_ids.items() if id_ in by_id}
    return recorded or {file.name: file for file in files if file.name in tree.by_role}


class _TooLongError(Exception):
    """More bytes came than the file has."""
