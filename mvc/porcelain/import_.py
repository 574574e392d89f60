"""`mvc import`: import versions of a registry; published ones keep their ids.

    registry versions ─► files ─► marker ─┬─ valid ─► the same version; its files must hash to their ids
                                          └─ none, or fields and files differ from it ─► made by hand: a new version
    each version: files ─► objects ─► durable ─► place recorded (the commit point); then branches

A version is imported completely or not at all; an import that is repeated does not import it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names, paths
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.plural import count
from mvc.registry import compare, handmade, imported_branches, lineage, published, recorded_places
from mvc.registry.compare import Differences, FileDrift
from mvc.registry.files import additions
from mvc.registry.imported_branches import BranchUpdate
from mvc.registry.importing import Import, Importer
from mvc.registry.inspection import Inspection, Inspector, Recorded, registry_order
from mvc.registry.lineage import Lineage
from mvc.registry.marker import Branch, Marker
from mvc.registry.protocol import Registry, RemoteModel, RemoteVersion
from mvc.registry.tags import imported as imported_tags
from mvc.registry.tags.imported import ImportedTag
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.progress import Progress

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
    allow_unsafe: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Import the versions of the model `name` of `registry`, or only `version`, by its number or name there.

    `model` is the key of a new model; by default, that of the published versions, else the name on the registry. A version
    made by hand is imported with its ancestors. With `tags`, a tag of one version there becomes an alias; with
    `import_additions`, files that were added to a published version are imported as a child of it. `allow_unsafe` stores files
    whatever a loader would run. Raises NotOnRegistry, ImportUnsafe, and as the registry does; InTheWay if edited files of the current branch are in the way, after everything else was done.
    """
    registry_model = recorded_places.find_model(repository, registry, name)
    if registry_model is None:
        known = ", ".join(model.name for model in registry.models()) or "none"
        raise errors.NotOnRegistry(registry=registry.organization, what=f"model {name!r}", known=known)
    run = _Run(repository, registry, registry_model, actor, progress, tags, import_additions, allow_unsafe)
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
    allow_unsafe: bool = False
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
        inspector = Inspector(self.repository, self.registry, self.registry_model, self.actor, self.progress)
        inspected, recorded = inspector.inspect(selection), inspector.recorded
        self._record_known(inspected)
        if selection is not None:
            inspected = self._with_ancestors(inspected)
        key = self._key(model, inspected, recorded)
        created = self.repository.heads.get(key) is None
        unborn = created or self.repository.current(key) is None  # also after an interrupted import
        importer = Importer(
            self.repository, self.registry, key, self.actor, self.progress, allow_unsafe=self.allow_unsafe
        )
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

    def _record_known(self, inspected: Sequence[Inspection]) -> None:
        for inspection in inspected:
            if inspection.known is not None:
                self._record(inspection.version, KNOWN, inspection.known)
            if inspection.original is not None:
                self.added[inspection.version.id] = inspection.original, inspection.added

    def _with_ancestors(self, inspected: Sequence[Inspection]) -> list[Inspection]:
        """Return the last version, after those before it that were made by hand and the bases of their experiments."""
        by_hand = [inspection for inspection in inspected if inspection.is_by_hand]
        bases = {
            self._lineage(inspection.version).base for inspection in by_hand if inspection.version.id not in self.done
        }
        before = [one for one in inspected[:-1] if one.is_by_hand or one.version.id in bases]
        return [*before, *inspected[-1:]]

    def _key(self, model: str | None, inspected: Sequence[Inspection], recorded: Recorded) -> str:
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

    def _import_published(self, importer: Importer, inspection: Inspection) -> None:
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
        differences, notes = Differences(fields, files), tuple[str, ...]()
        if not differences.changed_files:
            result = importer.import_published(inspection.contents, version_marker, record_place=not fields)
            if isinstance(result, Import):
                notes = result.warnings
            else:
                differences = replace(differences, files=(*files, *result))
        if not differences.is_changed:
            self._record(version, SAME, id_, *notes)
            self.added |= {version.id: (id_, differences.added)} if differences.added else {}
            return
        if not differences.changed_files:  # the published version itself was imported too
            self.numbers[id_] = version.number
            self.originals[version.id] = (id_,)
        number, note = version_marker.version.number, f"edited since it was published: {differences}"
        self._import_by_hand(importer, inspection, id_, number, note)

    def _take_additions(self, importer: Importer, inspection: Inspection) -> None:
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
            done = self.done[version.id]
            self.done[version.id] = replace(done, notes=(note, *done.notes), added=added)
            return
        try:
            result = importer.import_additions(inspection.contents, published)
        except errors.Unimportable as error:
            self._record(version, LEFT_OUT, None, f"{summary}; {error.fields['reason']}")
            return
        self.originals[version.id] = (published,)
        self._record(version, WITH_ADDITIONS, result.id, summary, *result.warnings)

    def _import_all_by_hand(self, importer: Importer, inspected: Sequence[Inspection], recorded: Recorded) -> None:
        """Import the versions without a marker, each as a child of its experiment's base, else of the previous by number."""
        previous: tuple[VersionId, int] | None = None
        for inspection in sorted(inspected, key=lambda inspection: registry_order(inspection.version)):
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

    def _base(self, inspection: Inspection, recorded: Recorded) -> tuple[VersionId, int] | None:
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
        self, importer: Importer, inspection: Inspection, parent: VersionId | None, number: int, note: str
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


def _marker_of(inspection: Inspection) -> Marker:
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
