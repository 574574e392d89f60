"""`mvc import`: import versions of a registry; published ones keep their ids.

    registry versions ─► files ─► marker ─┬─ valid ─► the same version; its files must hash to their ids
                                          └─ none, or fields and files differ from it ─► made by hand: a new version
    each version: files ─► objects ─► durable ─► place recorded (the commit point); then branches

A version is imported completely or not at all; an import that is repeated does not import it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mvc import errors
from mvc.model import names, paths
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.plural import count
from mvc.registry import compare, handmade, imported_branches, lineage, marker, published, recorded_places
from mvc.registry.compare import Differences, FileDrift
from mvc.registry.contents import Contents, of_version
from mvc.registry.files import additions, listing
from mvc.registry.files.listing import Listed
from mvc.registry.imported_branches import BranchUpdate
from mvc.registry.importing import Import, Importer
from mvc.registry.lineage import Lineage
from mvc.registry.marker import Branch, Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion
from mvc.registry.published import read_marker
from mvc.registry.tags import imported as imported_tags
from mvc.registry.tags.imported import ImportedTag
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.disk.workers import Workers
from mvc.storage.progress import Progress
from mvc.storage.records.promised import State

SAME, BY_HAND, CHANGED, KNOWN, LEFT_OUT = "published", "by hand", "changed", "known", "left out"
"""The outcome for a version: published by mvc; made by hand; published and edited since; imported before; not imported."""
WITH_ADDITIONS = "with additions"
"""The outcome for files that were added to a published version, and imported as a child of it."""


@dataclass(frozen=True, slots=True)
class ImportedVersion(Document):
    """A registry version and its outcome, `how`; one that was left out has no `id`, and the reason as first of its `notes`.

    `added` are files that were added to a published version since, and that this one does not have.
    """

    number: int
    name: str
    how: str
    id: VersionId | None = None
    notes: tuple[str, ...] = ()
    added: tuple[FileDrift, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported(Document):
    """The outcome for each version, the updated branches, and the `absent` parents, which were never published.

    `model` is the key in this repository, None if nothing was imported; `created` if it is new. `received` is in bytes.
    `tags` are those that became aliases on request, and those that could not.
    """

    KEYS = keys("organization registry_model model created versions branches tags absent bytes_received=received")

    organization: str
    registry_model: str
    model: str | None
    created: bool
    versions: tuple[ImportedVersion, ...]
    branches: tuple[BranchUpdate, ...] = ()
    absent: tuple[VersionId, ...] = ()
    received: int = 0
    tags: tuple[ImportedTag, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True if no version was left out."""
        return all(version.how != LEFT_OUT for version in self.versions)


Recorded = Mapping[str, tuple[str, Mapping[VersionId, None]]]
"""By id of a registry version: the model in this repository, and the versions recorded to be there."""


@dataclass(frozen=True, slots=True)
class _Inspection:
    """A registry version, its files, and its marker if that is valid; `fault` is the reason if it is not."""

    version: RemoteVersion
    contents: Contents
    marker: Marker | None = None
    fault: str = ""

    @property
    def files(self) -> Sequence[RemoteFile]:
        """Its files."""
        return self.contents.files

    @property
    def is_published(self) -> bool:
        """True if it has a marker of its own; that of a version imported before is not read."""
        has_marker = bool(marker.among(self.files))
        return self.marker is not None or (has_marker and published.is_version_name(self.version.name))


@writes
def import_model(
    repository: Repository,
    registry: Registry,
    name: str,
    actor: Actor,
    *,
    version: str | None = None,
    model: str | None = None,
    tags: bool = False,
    import_additions: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Import the versions of the model `name` of `registry`, or only `version`, by its number or name there.

    `model` is the key of a new model; by default, that of the published versions, else the name on the registry. A version
    made by hand is imported with its ancestors. With `tags`, a tag of one version there becomes an alias; with
    `import_additions`, files that were added to a published version are imported as a child of it. Raises NotOnRegistry, and
    as the registry does; InTheWay if edited files of the current branch are in the way, after everything else was done.
    """
    registry_model = recorded_places.find_model(repository, registry, name)
    if registry_model is None:
        known = ", ".join(model.name for model in registry.models()) or "none"
        raise errors.NotOnRegistry(registry=registry.organization, what=f"model {name!r}", known=known)
    run = _Run(repository, registry, registry_model, actor, progress, tags, import_additions)
    return run.run(version, model)


@dataclass
class _Run:
    """One run of the verb."""

    repository: Repository
    registry: Registry
    registry_model: RemoteModel
    actor: Actor
    progress: Progress | None
    sets_aliases: bool = False
    takes_additions: bool = False
    done: dict[str, ImportedVersion] = field(default_factory=dict)
    numbers: dict[VersionId, int] = field(default_factory=dict)
    hints: dict[VersionId, Branch] = field(default_factory=dict)
    originals: dict[str, tuple[VersionId, ...]] = field(default_factory=dict)
    added: dict[str, tuple[VersionId, tuple[FileDrift, ...]]] = field(default_factory=dict)
    lineages: dict[str, Lineage] = field(default_factory=dict)
    reader: lineage.Reader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = lineage.Reader(self.registry)

    def run(self, selection: str | None, model: str | None) -> Imported:
        listed = sorted(self.registry.versions(self.registry_model), key=_registry_order)
        recorded = self._recorded()
        inspected = self._inspect_all(self._select(listed, selection), recorded)
        if selection is not None:
            inspected = self._with_ancestors(inspected)
        key = self._key(model, inspected, recorded)
        created = self.repository.heads.get(key) is None
        unborn = created or self.repository.current(key) is None  # also after an interrupted import
        importer = Importer(self.repository, self.registry, key, self.actor, self.progress)
        marked = [
            inspection
            for inspection in inspected
            if inspection.marker is not None and inspection.version.id not in self.done
        ]
        marked.sort(key=lambda inspection: (_marker_of(inspection).version.number, inspection.version.number))
        for inspection in marked:
            self._import_published(importer, inspection)
        for inspection in inspected:
            self._take_additions(importer, inspection)
        self._import_all_by_hand(importer, inspected, recorded)
        imported_tags.write_notes(self.repository, self.registry, (inspection.version for inspection in inspected))
        tags = self._set_aliases(key) if self.sets_aliases else ()
        branches = self._update_branches(key, check_out=unborn)
        versions = tuple(self.done[inspection.version.id] for inspection in inspected)
        if selection is not None and versions and versions[-1].how == LEFT_OUT:
            raise errors.Unimportable(version=versions[-1].name, reason=versions[-1].notes[0])
        return Imported(
            self.registry.organization,
            self.registry_model.name,
            key if self.numbers else None,
            created and bool(self.numbers),
            versions,
            branches,
            tuple(dict.fromkeys(importer.absent)),
            importer.received + sum(inspection.contents.received for inspection in inspected),
            tags,
        )

    def _set_aliases(self, key: str) -> tuple[ImportedTag, ...]:
        ids = {version: done.id for version, done in self.done.items() if done.id is not None}
        model = Model(self.repository, key)
        return imported_tags.set_aliases(model, self.registry, self.registry_model, ids, self.actor) if ids else ()

    def _update_branches(self, key: str, *, check_out: bool) -> tuple[BranchUpdate, ...]:
        if not self.numbers:
            return ()
        return imported_branches.update_branches(
            Model(self.repository, key),
            self.numbers,
            self.actor,
            hints=self.hints,
            check_out=check_out,
            progress=self.progress,
        )

    def _with_ancestors(self, inspected: Sequence[_Inspection]) -> list[_Inspection]:
        """Return the last version, after those before it that were made by hand and the bases of their experiments."""
        by_hand = [inspection for inspection in inspected if _is_by_hand(inspection)]
        bases = {
            self._lineage(inspection.version).base for inspection in by_hand if inspection.version.id not in self.done
        }
        before = [one for one in inspected[:-1] if _is_by_hand(one) or one.version.id in bases]
        return [*before, *inspected[-1:]]

    # --- inspecting

    def _recorded(self) -> Recorded:
        """Return the versions with a recorded place that are complete in this repository."""
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
        if self._read_marker(first.version, self._contents(first)).marker is not None:
            return [selected[0]]
        return listed[: listed.index(selected[0]) + 1]

    def _inspect_all(self, selected: Sequence[RemoteVersion], recorded: Recorded) -> list[_Inspection]:
        """Inspect the versions that still exist, several at a time."""
        rows = listing.rows(self.registry, [version for version in selected if version.id in recorded])
        read = self._read(selected, rows)
        edited = [version for version in selected if version.id in read and self._is_edited(read[version.id], recorded)]
        for version in edited:  # a row of a listing is not the last word
            del read[version.id]
        read |= self._read(edited, {})
        inspected = [self._inspect(read[version.id], recorded) for version in selected if version.id in read]
        with Workers(listing.REQUESTS) as workers:
            return list(workers.ahead(self._with_marker, inspected, 4 * listing.REQUESTS))

    def _read(self, selected: Sequence[RemoteVersion], rows: Mapping[str, RemoteVersion]) -> dict[str, Listed]:
        """Read versions. One that only a single answer denies would be missing in the history."""
        read = listing.read(self.registry, [version.id for version in selected], rows)
        gone = {version.id for version in selected} - read.keys()
        listed = self.registry.versions(self.registry_model) if gone else ()
        contradicted = [version.name for version in listed if version.id in gone]
        if contradicted:
            reason = f"it lists the version {contradicted[0]!r}, but does not return its data"
            raise errors.RegistryFault(registry=self.registry.organization, reason=reason)
        return read

    def _is_edited(self, listed: Listed, recorded: Recorded) -> bool:
        """Return whether a row of a listing has other fields than each version that is recorded to be there."""
        objects, versions = self.repository.objects, recorded.get(listed.version.id, ("", {}))[1]
        local = map(objects.version, versions if listed.is_row else ())
        changed = [
            compare.changed_fields(objects.manifest(one.manifest), listed.version, by_hand=places.is_by_hand(one))
            for one in local
        ]
        return bool(changed) and all(changed)

    def _inspect(self, listed: Listed, recorded: Recorded) -> _Inspection:
        """Return a version without its marker; one that is known and unchanged is done."""
        version, contents = listed.version, self._contents(listed)
        local = recorded.get(version.id, ("", {}))[1]
        if local:
            self._record_names(version, recorded[version.id][0], [*local])
        unchanged = self._unchanged(contents, local)
        if unchanged is not None:
            self._record(version, KNOWN, unchanged)
            contents.write(self.repository)
        return _Inspection(version, contents)

    def _with_marker(self, inspection: _Inspection) -> _Inspection:
        """Return a version that is not done with its marker."""
        if inspection.version.id in self.done:
            return inspection
        return self._read_marker(inspection.version, inspection.contents)

    def _unchanged(self, contents: Contents, local: Mapping[VersionId, None]) -> VersionId | None:
        """Return the version that a registry version still is, that with most of its files; None for none.

        Only files whose content is not noted are read.
        """
        compared = {id_: additions.differences(self.repository, contents, id_, local) for id_ in local}
        unchanged = [id_ for id_, differences in compared.items() if not differences.is_changed]
        if not unchanged:
            return None
        id_ = min(reversed(unchanged), key=lambda one: len(compared[one].added))
        if compared[id_].added:
            published = next(one for one in unchanged if not places.is_by_hand(self.repository.objects.version(one)))
            self.added[contents.version.id] = published, compared[id_].added
        return id_

    def _record_names(self, version: RemoteVersion, key: str, ids: Sequence[VersionId]) -> None:
        """Record the place of known versions again if the registry version or its model was renamed."""
        model, place = Model(self.repository, key), recorded_places.place_of(self.registry, version)
        for id_ in ids:
            if place not in places.places(model, id_):
                with self.repository.locked():
                    places.record(model, id_, place, self.actor.move("import"))

    def _contents(self, listed: Listed) -> Contents:
        return of_version(self.repository, self.registry, listed.version, listed.files, self.progress)

    def _read_marker(self, version: RemoteVersion, contents: Contents) -> _Inspection:
        """Return the version with its own marker, if it has one."""
        fault = ""
        for file in marker.among(contents.files):
            decoded, fault = read_marker(self.registry, file)
            if decoded is None:  # a single answer may have been truncated
                decoded, fault = read_marker(self.registry, file)
            if decoded is not None and decoded.model_version == version.id:
                contents.marker = file.id, decoded.id
                return _Inspection(version, contents, decoded)
            fault = fault or "its marker is a copy of another version's marker"
        return _Inspection(version, contents, None, fault)

    def _key(self, model: str | None, inspected: Sequence[_Inspection], recorded: Recorded) -> str:
        """Return the model that has versions of this registry model; else as given, as published, or named as there."""
        local = {recorded[inspection.version.id][0] for inspection in inspected if inspection.version.id in recorded}
        published_keys = {inspection.marker.manifest.name for inspection in inspected if inspection.marker is not None}
        if len(local) == 1:
            return next(iter(local))
        if model is not None:
            names.check_model_key(model)
            return model
        fallback = handmade.model_key(self.registry_model.name)
        key = next(iter(published_keys)) if len(published_keys) == 1 else fallback
        try:
            names.check_model_key(key)
        except errors.BadModelKey:
            return fallback
        return key

    # --- importing

    def _import_published(self, importer: Importer, inspection: _Inspection) -> None:
        """Import a version with its marker; if it was edited since, also its current state as a child."""
        version_marker = _marker_of(inspection)
        if version_marker.branch is not None:
            self.hints[version_marker.id] = version_marker.branch
        reason = _invalid_names(version_marker) or self._numbering_fault(version_marker)
        if reason:
            self._record(inspection.version, LEFT_OUT, None, reason)
            return
        version, id_ = inspection.version, version_marker.id
        fields = compare.changed_fields(version_marker.manifest, version, by_hand=False)
        files = compare.changed_roles(version_marker.served, inspection.files, version_marker.names)
        differences = Differences(fields, files)
        if not differences.changed_files:
            result = importer.import_published(inspection.contents, version_marker, record_place=not fields)
            differences = replace(differences, files=(*files, *(() if isinstance(result, Import) else result)))
        if not differences.is_changed:
            self._record(version, SAME, id_)
            self.added |= {version.id: (id_, differences.added)} if differences.added else {}
            return
        if not differences.changed_files:  # the published version itself was imported too
            self.numbers[id_] = version.number
            self.originals[version.id] = (id_,)
        number, note = version_marker.version.number, f"edited since it was published: {differences}"
        self._import_by_hand(importer, inspection, id_, number, note)

    def _take_additions(self, importer: Importer, inspection: _Inspection) -> None:
        """Import files that were added to a published version as a child of it; without the option, note how to."""
        version = inspection.version
        published, added = self.added.get(version.id, (None, ()))
        if published is None:
            return
        summary = (
            f"{count(len(added), 'file was', 'files were')} added since it was published: {additions.listed(added)}"
        )
        if not self.takes_additions:
            command = additions.import_command(self.registry.organization, self.registry_model.name)
            note = f"{summary}; `{command}` imports {'it' if len(added) == 1 else 'them'} as a child version"
            self.done[version.id] = replace(self.done[version.id], notes=(note,), added=added)
            return
        try:
            result = importer.import_additions(inspection.contents, published)
        except errors.Unimportable as error:
            self._record(version, LEFT_OUT, None, f"{summary}; {error.fields['reason']}")
            return
        self.originals[version.id] = (published,)
        self._record(version, WITH_ADDITIONS, result.id, summary)

    def _import_all_by_hand(self, importer: Importer, inspected: Sequence[_Inspection], recorded: Recorded) -> None:
        """Import the versions without a marker, each as a child of its experiment's base, else of the previous by number."""
        previous: tuple[VersionId, int] | None = None
        for inspection in sorted(inspected, key=lambda inspection: _registry_order(inspection.version)):
            local = {} if inspection.is_published else recorded.get(inspection.version.id, ("", {}))[1]
            first = self._first_by_hand(local)
            if inspection.version.id not in self.done:
                if published.is_version_name(inspection.version.name) and first is None:
                    self._record(inspection.version, LEFT_OUT, None, _incomplete(inspection.fault))
                    continue
                if first is not None:
                    self._import_by_hand(importer, inspection, *first, "edited since it was imported")
                else:
                    parent, number = self._base(inspection, recorded) or previous or (None, 0)
                    first = self._import_by_hand(importer, inspection, parent, number, inspection.fault)
            if first is not None and self._follows(first[0], previous):
                previous = first

    def _follows(self, id_: VersionId, previous: tuple[VersionId, int] | None) -> bool:
        """Return whether a version is the child of the previous one, and not of the base of its experiment."""
        parents = self.repository.objects.version(id_).parents
        return parents == ((previous[0],) if previous is not None else ())

    def _base(self, inspection: _Inspection, recorded: Recorded) -> tuple[VersionId, int] | None:
        """Return the version that the experiment of a registry version began with, and its number; None if it is not here."""
        base = self._lineage(inspection.version).base
        if base is None:
            return None
        imported = self.done[base].id if base in self.done else None
        ids = [*recorded.get(base, ("", {}))[1], *self.originals.get(base, ()), *([imported] if imported else ())]
        present = [id_ for id_ in ids if self.repository.objects.has(id_)]
        if not present:
            return None
        id_ = max(present, key=lambda one: places.rank(self.repository, one))
        return id_, self.repository.objects.version(id_).number

    def _lineage(self, version: RemoteVersion) -> Lineage:
        if version.id not in self.lineages:
            self.lineages[version.id] = self.reader.of(version)
        return self.lineages[version.id]

    def _first_by_hand(self, ids: Mapping[VersionId, None]) -> tuple[VersionId, int] | None:
        """Return the first version that was imported of one made by hand, and its number; None for none."""
        objects = self.repository.objects
        by_hand = [(objects.version(id_).number, id_) for id_ in ids if places.is_by_hand(objects.version(id_))]
        roots = [(number, id_) for number, id_ in by_hand if not set(objects.version(id_).parents) & set(ids)]
        return (min(roots)[1], min(roots)[0]) if roots else None

    def _import_by_hand(
        self, importer: Importer, inspection: _Inspection, parent: VersionId | None, number: int, note: str
    ) -> tuple[VersionId, int] | None:
        origin = self._lineage(inspection.version)
        inspection.contents.names = self.reader.names(origin)
        notes = (note, origin.fault)
        try:
            result = importer.import_by_hand(inspection.contents, origin.context, parent, number + 1)
        except errors.Unimportable as error:
            self._record(inspection.version, LEFT_OUT, None, str(error.fields["reason"]))
            return None
        how = CHANGED if inspection.marker is not None else BY_HAND
        self._record(inspection.version, how, result.id, *filter(None, notes), *result.warnings)
        return result.id, number + 1

    def _record(self, version: RemoteVersion, how: str, id_: VersionId | None, *notes: str) -> None:
        self.done[version.id] = ImportedVersion(version.number, version.name, how, id_, notes)
        if id_ is not None:
            self.numbers[id_] = version.number

    def _numbering_fault(self, version_marker: Marker) -> str:
        """Return the reason if its number does not follow that of a parent in this repository."""
        objects, parents = self.repository.objects, version_marker.version.parents
        before = 0 if not parents else objects.version(parents[0]).number if objects.has(parents[0]) else None
        follows = before in (None, version_marker.version.number - 1)
        return "" if follows else "its number does not follow its parent's"


def _registry_order(version: RemoteVersion) -> tuple[int, str]:
    return version.number, version.id


def _is_by_hand(inspection: _Inspection) -> bool:
    return not inspection.is_published and not published.is_version_name(inspection.version.name)


def _marker_of(inspection: _Inspection) -> Marker:
    assert inspection.marker is not None  # noqa: S101 - called for versions with a marker
    return inspection.marker


def _incomplete(fault: str) -> str:
    reason = f"its publish is incomplete{f', or {fault}' if fault else ''}"
    return f"{reason}; run `mvc publish` for that version to complete it"


def _invalid_names(version_marker: Marker) -> str:
    """Return the reason if a path or the model's key is not valid on every system."""
    listed = [entry.path for entry in version_marker.tree.entries]
    try:
        for path in listed:
            paths.check_path(path)
        names.check_model_key(version_marker.manifest.name)
    except errors.MvcError as error:
        return error.message.rstrip(".")
    collisions = paths.collisions(listed)
    return f"{collisions[0][0]} and {collisions[0][1]} are the same path on some systems" if collisions else ""
