"""The versions of a registry before an import: their files, their own marker, and which of them are known and unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.registry import compare, marker, published, recorded_places
from mvc.registry.compare import FileDrift
from mvc.registry.contents import Contents, of_version
from mvc.registry.files import additions, listing
from mvc.registry.files.listing import Listed
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.disk.workers import Workers
from mvc.storage.progress import Progress
from mvc.storage.records.promised import State

Recorded = Mapping[str, tuple[str, Mapping[VersionId, None]]]
"""By id of a registry version: the model in this repository, and the versions recorded to be there."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A registry version, its files, and its marker if that is valid; `fault` is the reason if it is not.

    `known` is the version in this repository that it still is; its marker is then not read. `added` are the files that were
    added to the published version `original` since.
    """

    version: RemoteVersion
    contents: Contents
    marker: Marker | None = None
    fault: str = ""
    known: VersionId | None = None
    original: VersionId | None = None
    added: tuple[FileDrift, ...] = ()

    @property
    def files(self) -> Sequence[RemoteFile]:
        """Its files."""
        return self.contents.files

    @property
    def is_published(self) -> bool:
        """True if it has a marker of its own; that of a version imported before is not read."""
        has_marker = bool(marker.among(self.files))
        return self.marker is not None or (has_marker and published.is_version_name(self.version.name))

    @property
    def is_by_hand(self) -> bool:
        """True if it was made on the registry, and is not an incomplete publish."""
        return not self.is_published and not published.is_version_name(self.version.name)


@dataclass
class Inspector:
    """Reads the versions of one model of a registry, several at a time."""

    repository: Repository
    registry: Registry
    registry_model: RemoteModel
    actor: Actor
    progress: Progress | None

    def inspect(self, selection: str | None) -> list[Inspection]:
        """Return the selected version after those that its id may depend on; all by default. Raises NotOnRegistry."""
        listed = sorted(self.registry.versions(self.registry_model), key=registry_order)
        return self._inspect_all(self._select(listed, selection))

    @cached_property
    def recorded(self) -> Recorded:
        """The versions with a recorded place that are complete in this repository."""
        recorded: dict[str, tuple[str, dict[VersionId, None]]] = {}
        for model in self.repository.refs.models():
            for id_, place in places.every(Model(self.repository, model)):
                if place.host == self.registry.host and self._is_complete(id_):
                    recorded.setdefault(place.id, (model, {}))[1][id_] = None
        return recorded

    def _is_complete(self, id_: VersionId) -> bool:
        repository = self.repository
        if not repository.objects.has(id_):
            return False
        tree = repository.objects.tree(repository.objects.version(id_).tree)
        return all(repository.promised.state(entry.file) is not State.MISSING for entry in tree.entries)

    def _select(self, listed: list[RemoteVersion], selection: str | None) -> list[RemoteVersion]:
        """Return the selected version, after those before it if it was made by hand: its id depends on them."""
        if selection is None:
            return listed
        number = selection.removeprefix("#")
        by_number = [version for version in listed if str(version.number) == number]
        selected = by_number or [version for version in listed if version.name == selection]
        if not selected:
            known = ", ".join(f"#{version.number} {version.name}" for version in listed[-10:]) or "none"
            raise errors.NotOnRegistry(registry=self.registry_model.name, what=f"version {selection!r}", known=known)
        first = Listed(selected[0], tuple(self.registry.files(selected[0])))
        if self._read_marker(Inspection(first.version, self._contents(first))).marker is not None:
            return [selected[0]]
        return listed[: listed.index(selected[0]) + 1]

    def _inspect_all(self, selected: Sequence[RemoteVersion]) -> list[Inspection]:
        """Inspect the versions that still exist, several at a time."""
        rows = listing.rows(self.registry, [version for version in selected if version.id in self.recorded])
        read = self._read(selected, rows)
        edited = [version for version in selected if version.id in read and self._is_edited(read[version.id])]
        for version in edited:  # a row of a listing is not the last word
            del read[version.id]
        read |= self._read(edited, {})
        inspected = [self._inspect(read[version.id]) for version in selected if version.id in read]
        with Workers(listing.REQUESTS) as workers:
            return list(workers.ahead(self._read_marker, inspected, 4 * listing.REQUESTS))

    def _read(self, selected: Sequence[RemoteVersion], rows: Mapping[str, RemoteVersion]) -> dict[str, Listed]:
        """Read versions. One that only a single answer denies would be missing in the history."""
        read = listing.read(self.registry, [version.id for version in selected], rows)
        missing = {version.id for version in selected} - read.keys()
        listed = self.registry.versions(self.registry_model) if missing else ()
        contradicted = [version.name for version in listed if version.id in missing]
        if contradicted:
            reason = f"it lists the version {contradicted[0]!r}, but does not return its data"
            raise errors.RegistryFault(registry=self.registry.organization, reason=reason)
        return read

    def _is_edited(self, listed: Listed) -> bool:
        """Return whether a row of a listing has other fields than each version that is recorded to be there."""
        objects, versions = self.repository.objects, self.recorded.get(listed.version.id, ("", {}))[1]
        local = map(objects.version, versions if listed.is_row else ())
        changed = [
            compare.changed_fields(objects.manifest(one.manifest), listed.version, by_hand=places.is_by_hand(one))
            for one in local
        ]
        return bool(changed) and all(changed)

    def _inspect(self, listed: Listed) -> Inspection:
        """Return a version without its marker, and whether it is known and unchanged."""
        version, contents = listed.version, self._contents(listed)
        key, local = self.recorded.get(version.id, ("", {}))
        if local:
            self._record_names(version, key, [*local])
        inspection = self._compared(contents, local)
        if inspection.known is not None:
            contents.write(self.repository)
        return inspection

    def _compared(self, contents: Contents, local: Mapping[VersionId, None]) -> Inspection:
        """Return a version with the one that it still is, of several that with most of its files.

        Only files whose content is not noted are read.
        """
        compared = {id_: additions.differences(self.repository, contents, id_, local) for id_ in local}
        unchanged = [id_ for id_, differences in compared.items() if not differences.is_changed]
        inspection = Inspection(contents.version, contents)
        if not unchanged:
            return inspection
        known = min(reversed(unchanged), key=lambda one: len(compared[one].added))
        if not compared[known].added:
            return replace(inspection, known=known)
        original = next(one for one in unchanged if not places.is_by_hand(self.repository.objects.version(one)))
        return replace(inspection, known=known, original=original, added=compared[known].added)

    def _record_names(self, version: RemoteVersion, key: str, ids: Sequence[VersionId]) -> None:
        """Record the place of known versions again if the registry version or its model was renamed."""
        model, place = Model(self.repository, key), recorded_places.place_of(self.registry, version)
        for id_ in ids:
            if place not in places.places(model, id_):
                with self.repository.locked():
                    places.record(model, id_, place, self.actor.move("import"))

    def _contents(self, listed: Listed) -> Contents:
        return of_version(self.repository, self.registry, listed.version, listed.files, self.progress)

    def _read_marker(self, inspection: Inspection) -> Inspection:
        """Return a version that is not known with its own marker, if it has one."""
        if inspection.known is not None:
            return inspection
        fault, contents = "", inspection.contents
        for file in marker.among(contents.files):
            decoded, fault = published.read_marker(self.registry, file)
            if decoded is None:  # a single answer may have been truncated
                decoded, fault = published.read_marker(self.registry, file)
            if decoded is not None and decoded.model_version == inspection.version.id:
                contents.marker = file.id, decoded.id
                return replace(inspection, marker=decoded)
            fault = fault or "its marker is a copy of another version's marker"
        return replace(inspection, fault=fault)


def registry_order(version: RemoteVersion) -> tuple[int, str]:
    """Return the place of a version among those of its model: by number, then by id."""
    return version.number, version.id
