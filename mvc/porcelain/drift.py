"""`mvc drift REGISTRY`: compare published and imported versions with what the registry has now.

    recorded places ─► fields, files, marker ─► edited, replaced, added, gone
    tags that mvc set there ──────────────────► removed, moved
    all versions there ─ recorded ones ───────► created there since

A file whose record was read before is compared by role and record; any other is downloaded and hashed. With `read_data`, all
are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys, rows
from mvc.model.ids import FileId, VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.registry import compare, marker, recorded_places
from mvc.registry.compare import ADDED, MISSING, REPLACED, FileDrift
from mvc.registry.contents import Contents, of_version
from mvc.registry.fields import FieldChange
from mvc.registry.files import additions, listing
from mvc.registry.files.listing import Listed
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion
from mvc.registry.tags import compare as tags
from mvc.registry.tags.compare import TagDrift
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import Place

GONE, CHANGED, FILES_ADDED = "gone", "changed", "files added"
"""The states of a registry version that differs."""


@dataclass(frozen=True, slots=True)
class VersionDrift(Document):
    """A version whose registry version differs; `gone` if the registry no longer has it.

    `state` is `gone`, `changed`, or `files added` if nothing else differs: the version itself is there then.
    """

    KEYS = keys("id number", {"registry": keys("*place page")}, "state gone fields files tags")

    id: VersionId
    number: int
    place: Place
    page: str
    gone: bool = False
    fields: tuple[FieldChange, ...] = ()
    files: tuple[FileDrift, ...] = ()
    tags: tuple[TagDrift, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if nothing differs."""
        return not (self.gone or self.fields or self.files or self.tags)

    @property
    def added(self) -> tuple[FileDrift, ...]:
        """The files that were added."""
        return tuple(file for file in self.files if file.change == ADDED)

    @property
    def state(self) -> str:
        """The state of the registry version."""
        changed = self.fields or self.tags or len(self.added) < len(self.files)
        return GONE if self.gone else CHANGED if changed else FILES_ADDED


@dataclass(frozen=True, slots=True)
class Rename(Document):
    """A model of the registry whose name is not the recorded one."""

    recorded: str
    live: str


@dataclass(frozen=True, slots=True)
class RegistryDrift(Document):
    """The versions that differ, those created on the registry since, models renamed there, and how many were compared.

    `unread` counts files that were compared by their record, which was read before.
    """

    KEYS = keys(
        "organization model renamed versions",
        {"since": rows("since", "model=model.name number name id")},
        "compared unread",
    )

    organization: str
    model: str
    versions: tuple[VersionDrift, ...]
    since: tuple[RemoteVersion, ...]
    compared: int
    unread: int = 0
    renamed: tuple[Rename, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if nothing differs, nothing was renamed, and nothing was created since."""
        return not (self.versions or self.since or self.renamed)


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
    recorded = recorded_places.on_registry(Model(repository, model), registry)
    if not recorded:
        raise errors.NothingPublished(model=model, registry=registry.organization)
    models = _models(registry, [place for _, place in recorded])
    listed = [registry.versions(model) for model in models.values()]
    remote = {version.id: version for versions in listed for version in versions}
    representatives = _representatives(repository, recorded)
    ids = [place.id for _, place in representatives if place.id in remote]
    read = listing.read(registry, ids, _rows(registry, listed, set(ids)))
    comparison = _Comparison(repository, registry, tuple(remote.values()), read_data=read_data, progress=progress)
    by_place = recorded_places.ids_by_version(recorded)
    compared = [
        comparison.compare(id_, place, by_place[place.id], read.get(place.id)) for id_, place in representatives
    ]
    known = {place.id for _, place in recorded}
    since = [version for id_, version in remote.items() if id_ not in known]
    since.sort(key=lambda version: (version.model.name, version.number))
    drifted = [version for version in compared if not version.is_empty]
    drifted.sort(key=lambda version: version.place.number)
    return RegistryDrift(
        registry.organization,
        model,
        tuple(drifted),
        tuple(since),
        len(compared),
        comparison.unread,
        _renames([place for _, place in recorded if place.id in remote], models),
    )


def _rows(registry: Registry, listed: Sequence[Sequence[RemoteVersion]], ids: set[str]) -> dict[str, RemoteVersion]:
    """Return the rows of these versions, of each listing that has all their fields."""
    found = [listing.rows(registry, [version for version in versions if version.id in ids]) for versions in listed]
    return {id_: version for rows in found for id_, version in rows.items()}


def _models(registry: Registry, recorded: Sequence[Place]) -> dict[str, RemoteModel]:
    """Return the registry models, by id, that have a recorded place and were not deleted."""
    ids = {place.model_id for place in recorded}
    return {model.id: model for model in registry.models() if model.id in ids}


def _renames(recorded: Sequence[Place], models: Mapping[str, RemoteModel]) -> tuple[Rename, ...]:
    """Return the models whose name is not that of a recorded place."""
    pairs = {(place.model, models[place.model_id].name) for place in recorded if place.model_id in models}
    return tuple(Rename(old, new) for old, new in sorted(pairs) if old != new)


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
    """Compares versions one by one."""

    def __init__(
        self,
        repository: Repository,
        registry: Registry,
        listed: Sequence[RemoteVersion],
        *,
        read_data: bool,
        progress: Progress | None,
    ) -> None:
        self._repository = repository
        self._registry = registry
        self._listed = listed
        self._read_data = read_data
        self._progress = progress
        self._unread: set[str] = set()

    @property
    def unread(self) -> int:
        """The number of files that were compared by their record."""
        return len(self._unread)

    def compare(
        self, id_: VersionId, place: Place, recorded: Sequence[VersionId], listed: Listed | None
    ) -> VersionDrift:
        """Compare a version with its registry version, None if that is gone; others may be `recorded` there too."""
        objects = self._repository.objects
        version = objects.version(id_)
        same = VersionDrift(id_, version.number, place, self._registry.page(place.id))
        remote = listed.version if listed is not None else None
        manifest, by_hand = objects.manifest(version.manifest), places.is_by_hand(version)
        if listed is not None and listed.is_row and compare.changed_fields(manifest, listed.version, by_hand=by_hand):
            remote = self._registry.version(place.id)  # a row of a listing is not the last word
        if listed is None or remote is None:
            return replace(same, gone=True)
        fields = compare.changed_fields(manifest, remote, by_hand=by_hand)
        if remote.name != place.name:
            fields = (FieldChange("name", place.name, remote.name), *fields)
        changed_tags = tags.changes(self._repository, self._registry, remote, self._listed)
        contents = of_version(self._repository, self._registry, remote, listed.files, self._progress)
        served = contents.served(manifest, objects.tree(version.tree), by_hand=by_hand)
        files = self._changed_files(contents, served, by_hand=by_hand)
        if not by_hand:
            changed = tuple(file for file in files if file.change != ADDED)
            added = additions.untaken(self._repository, contents, id_, recorded) if len(changed) < len(files) else ()
            files = (*changed, *added, *self._marker_drift(id_, contents))
        with contextlib.suppress(errors.ReadOnlyStore, errors.NotWritable, errors.DiskFailed):
            contents.write(self._repository)
        return replace(same, fields=fields, files=tuple(sorted(files)), tags=changed_tags)

    def _changed_files(self, contents: Contents, tree: Tree, *, by_hand: bool) -> tuple[FileDrift, ...]:
        by_content = {entry.file: entry for entry in tree.entries}

        def content(file: RemoteFile, entry: TreeEntry | None) -> FileId:
            noted = contents.content(file)
            if noted is None:
                return contents.read(file, entry)
            local = by_content.get(noted)
            return noted if local is None else self._content_now(contents, file, local)

        names = contents.names_of(None if by_hand else tree)
        return compare.changed_files(tree, contents.files, content, by_hand=by_hand, names=names)

    def _content_now(self, contents: Contents, file: RemoteFile, local: TreeEntry) -> FileId:
        """Return the content of a file that was an entry's when its record was read."""
        if self._read_data:
            return contents.read(file, local)
        self._unread.add(file.id)
        return local.file

    def _marker_drift(self, id_: VersionId, contents: Contents) -> Iterator[FileDrift]:
        """Yield a change if none of the files is the valid marker of a published version; note the one that is."""
        if contents.has_marker(id_) and not self._read_data:
            return
        marker_files = marker.among(contents.files)
        for file in marker_files:
            data = bytearray()
            self._registry.download(file, data.extend, limit=marker.MAX_BYTES)
            try:
                decoded = Marker.decode(bytes(data))
            except errors.NotCanonical:
                continue
            if decoded.model_version == contents.version.id and decoded.id == id_:
                contents.marker = file.id, id_
                return
        yield FileDrift(marker.NAME, REPLACED if marker_files else MISSING)
