"""Import of one registry version: download its files, write its objects, record where it is on the registry.

download ─► tmp/ ─► size, hash ─► packs ┐        several downloads at a time, stored in the order of the files
version, manifest, tree ────────────────┴─► durable ─► lock ─► absent parents ─► place recorded (the commit point)
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.toml import secrets
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.registry import compare, handmade, marker, recorded_places
from mvc.registry.compare import REPLACED, FileDrift
from mvc.registry.contents import Contents
from mvc.registry.files import additions, archives, flat_files
from mvc.registry.files.additions import Snapshot
from mvc.registry.files.downloads import Downloads, Expected
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteContext, RemoteVersion
from mvc.repository import places
from mvc.repository.imports import model_folder, version_store
from mvc.repository.model import Model
from mvc.repository.parts import MAIN
from mvc.repository.repository import Actor, Repository
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.packs import gc
from mvc.storage.progress import Progress
from mvc.storage.records import promised
from mvc.storage.records.heads import Head
from mvc.storage.records.promised import ABSENT, Cause


@dataclass(frozen=True, slots=True)
class Import:
    """An imported version, and warnings about values that the import changed."""

    id: VersionId
    warnings: tuple[str, ...] = ()


class Importer:
    """Importer of versions of one model of a registry into the model `key`.

    `absent` are the parents that the imported versions lack.
    """

    def __init__(
        self,
        repository: Repository,
        registry: Registry,
        key: str,
        actor: Actor,
        progress: Progress | None,
        *,
        allow_unsafe: bool = False,
    ) -> None:
        """Roll an interrupted command forward; import nothing yet."""
        self._repository = repository
        self._registry = registry
        self._key = key
        self._actor = actor
        self._downloads = Downloads(repository, registry, progress, allow_unsafe)
        self.absent: list[VersionId] = []
        with repository.writing():
            self._generation = gc.generation(repository.door)

    @property
    def received(self) -> int:
        """The number of downloaded bytes."""
        return self._downloads.received

    def import_published(
        self, contents: Contents, published: Marker, *, record_place: bool = True
    ) -> Import | tuple[FileDrift, ...]:
        """Import the version of a marker; if files do not hash to their ids, return those instead.

        A file that is in the store is not trusted to be the registry's: its content there is noted, or read.
        `record_place` is False if the registry version has been edited since: its contents are then another version.
        """
        by_name = {file.name: file for file in contents.files}
        contents.trust(published)
        folders = archives.named(published.manifest, published.tree, published.archives)
        expected = [
            Expected(entry, by_name[published.names.get(entry.role, entry.role)], folders.get(entry.role))
            for entry in published.served.entries
        ]
        with self._storing(published.manifest, published.version.parents) as ingest:
            changes = []
            for one, content in self._downloads.contents(ingest, contents, expected):
                if content != one.entry.file:
                    changes.append(FileDrift(one.entry.role, REPLACED, one.file.filename))
            if changes:
                self._discard(ingest)
                return tuple(changes)
            ingest.add_bytes(published.model_toml)
            id_ = self._write_objects(published.version, published.manifest, published.tree)
            self._commit(ingest, contents.version if record_place else None, id_, published.version)
        contents.write(self._repository)
        return Import(id_, self._notes())

    def import_by_hand(
        self, contents: Contents, context: RemoteContext | None, parent: VersionId | None, number: int
    ) -> Import:
        """Import a version that was made on the registry, as a child of `parent`. Raises Unimportable."""
        remote = contents.version
        own = marker.without(contents.files)
        names = contents.names_of(None)
        bare = handmade.read(remote, context, {})  # raises before the download
        with self._storing(bare.manifest, (parent,) if parent else ()) as ingest:
            stored = self._downloads.stored(ingest, contents, own)
            placed = flat_files.place(compare.registry_files(own, [file.file for file in stored], names))
            tree = Tree.of([TreeEntry(p.path, p.role, s.size, s.file) for p, s in zip(placed, stored, strict=True)])
            made = handmade.read(remote, context, {file.role: file.path for file in placed})
            snapshot = Snapshot(made.model_toml, made.manifest, tree)
            id_ = self._commit_by_hand(ingest, remote, snapshot, (parent,) if parent is not None else (), number)
        contents.write(self._repository)
        renamed = [
            f"file {f.filename!a} imported as {p.path}"
            for p, f in zip(placed, own, strict=True)
            if p.path != f.filename
        ]
        leaks = [
            f"{leak.key} looks like a secret: {leak.kind}"
            for leak in secrets.find(made.manifest, handmade.message(remote))
        ]
        return Import(id_, (*made.warnings, *renamed, *leaks, *self._notes()))

    def import_additions(self, contents: Contents, published: VersionId) -> Import:
        """Import the files that were added to a published version, as a child of it. Raises Unimportable."""
        objects, remote = self._repository.objects, contents.version
        before = objects.version(published)
        manifest, tree = objects.manifest(before.manifest), objects.tree(before.tree)
        files = additions.added_files(contents, contents.served(manifest, tree))
        toml = self._repository.extract.small(before.model_toml)
        with self._storing(manifest, (published,)) as ingest:
            stored = self._downloads.stored(ingest, contents, files)
            try:
                snapshot = additions.extended(Snapshot(toml, manifest, tree), files, stored)
            except errors.MvcError as error:
                raise errors.Unimportable(version=remote.name, reason=error.message.rstrip(".")) from error
            id_ = self._commit_by_hand(ingest, remote, snapshot, (published,), before.number + 1)
        contents.write(self._repository)
        return Import(id_, self._notes())

    def _notes(self) -> tuple[str, ...]:
        """Return the notes on the files of a version, and forget them."""
        notes, self._downloads.notes = tuple(self._downloads.notes), []
        return notes

    def _commit_by_hand(
        self, ingest: Ingest, remote: RemoteVersion, snapshot: Snapshot, parents: tuple[VersionId, ...], number: int
    ) -> VersionId:
        """Commit a version that was made on the registry; return its id."""
        version = Version(
            parents=parents,
            number=number,
            author=handmade.author(self._registry.organization),
            time=handmade.made_at(remote),
            message=handmade.message(remote),
            manifest=snapshot.manifest.id(),
            tree=snapshot.tree.id(),
            model_toml=ingest.add_bytes(snapshot.model_toml),
        )
        id_ = self._write_objects(version, snapshot.manifest, snapshot.tree)
        self._commit(ingest, remote, id_, version)
        return id_

    def _storing(self, manifest: Manifest, parents: Sequence[VersionId]) -> AbstractContextManager[Ingest]:
        return version_store.ingest(Model(self._repository, self._key), manifest, parents)

    def _discard(self, ingest: Ingest) -> None:
        version_store.discard(self._repository, ingest)

    def _write_objects(self, version: Version, manifest: Manifest, tree: Tree) -> VersionId:
        objects = self._repository.objects
        objects.put_manifest(manifest)
        objects.put_tree(tree)
        return objects.put_version(version)

    def _commit(self, ingest: Ingest, remote: RemoteVersion | None, id_: VersionId, version: Version) -> None:
        """Make everything durable, then record the place of the version: the commit point."""
        repository = self._repository
        with version_store.durable(repository, ingest, self._generation):
            self._record_absent(version)
            if repository.heads.get(self._key) is None:
                repository.heads.set(self._key, Head(model_folder.of_new_model(repository, self._key), MAIN))
            if remote is not None:
                place = recorded_places.place_of(self._registry, remote)
                places.record(Model(repository, self._key), id_, place, self._actor.move("import"))

    def _record_absent(self, version: Version) -> None:
        objects = self._repository.objects
        missing = [id_ for id_ in objects.parents(version) if not objects.has(id_)]
        if missing:
            cause = Cause(places.PICSELLIA, str(self._actor.person), self._actor.at)
            promised.append(self._repository.door, ABSENT, missing, cause)
            objects.forget_absent()
        self.absent += [id_ for id_ in version.parents if not objects.has(id_)]
