"""One version of a registry becomes one here: its files are fetched and stored, its objects written, and told where it is.

download ─► tmp/ ─► size, hash ─► packs ┐
version, manifest, tree ────────────────┴─► durable ─► lock ─► what is absent ─► told where it is
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import FileId, Hasher, VersionId
from mvc.model.manifest import Manifest
from mvc.model.toml import secrets
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.registry import compare, flat_files, handmade, marker
from mvc.registry.compare import REPLACED, FileDrift
from mvc.registry.flat_files import Listed
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteVersion
from mvc.repository import delta_bases, places
from mvc.repository.model import Model
from mvc.repository.parts import MAIN, MODEL_TOML
from mvc.repository.repository import Actor, Repository
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.packs import gc
from mvc.storage.progress import Progress
from mvc.storage.records import config, import_notes, promised
from mvc.storage.records.heads import Head
from mvc.storage.records.promised import ABSENT, Cause, State
from mvc.storage.records.reflog import Place


@dataclass(frozen=True, slots=True)
class Taken:
    """The version here, and what could not be taken as it was."""

    id: VersionId
    warnings: tuple[str, ...] = ()


class _Stored(NamedTuple):
    """A file that was fetched: its id and its bytes."""

    file: FileId
    size: int


class Taking:
    """Takes versions of one model of a registry, one after the other, into the model `key`."""

    def __init__(
        self, repository: Repository, registry: Registry, key: str, actor: Actor, progress: Progress | None
    ) -> None:
        """With nothing taken yet; an interrupted command is ended first."""
        self._repository = repository
        self._registry = registry
        self._key = key
        self._actor = actor
        self._progress = progress
        self.received = 0
        self.absent: list[VersionId] = []
        with repository.writing():
            self._generation = gc.generation(repository.door)

    def published(
        self, version: RemoteVersion, files: Sequence[RemoteFile], found: Marker, *, tell: bool = True
    ) -> Taken | tuple[FileDrift, ...]:
        """The version that a marker tells of; or, when files do not hash to their ids, which ones.

        `tell` it to be there, unless what is there now is another.
        """
        by_role = {file.name: file for file in files}
        with self._storing(found.manifest, found.version.parents) as ingest:
            other = []
            for entry in found.tree.entries:
                if self._repository.promised.state(entry.file) is not State.COMPLETE:
                    stored = self._fetch_known(ingest, by_role[entry.role], entry)
                    other += [FileDrift(entry.role, REPLACED)] if stored != (entry.file, entry.size) else []
            if other:
                self._give_up(ingest)
                return tuple(other)
            ingest.add_bytes(found.model_toml)
            id_ = self._put(found.version, found.manifest, found.tree)
            self._publish(ingest, version if tell else None, id_, found.version)
        if tell:
            self._note(version, files, {file.name: file.id for file in files})
        return Taken(id_)

    def by_hand(
        self, version: RemoteVersion, files: Sequence[RemoteFile], parent: VersionId | None, number: int
    ) -> Taken:
        """A version that somebody made there, as a child of `parent`; raises Unimportable."""
        own = [file for file in files if file.name != marker.NAME]
        # that there is none must be said twice: an answer that got lost would make another version of it
        context = self._registry.context(version) or self._registry.context(version)
        bare = handmade.read(version, context, {})  # refused before anything is fetched
        with self._storing(bare.manifest, (parent,) if parent else ()) as ingest:
            stored = [self._fetch(ingest, file, flat_files.base_name(file.filename), file.name) for file in own]
            placed = flat_files.place([Listed(f.name, f.filename, s.file) for f, s in zip(own, stored, strict=True)])
            entries = [TreeEntry(p.path, p.role, s.size, s.file) for p, s in zip(placed, stored, strict=True)]
            made = handmade.read(version, context, {each.role: each.path for each in placed})
            tree = Tree.of(entries)
            new = Version(
                parents=(parent,) if parent is not None else (),
                number=number,
                author=handmade.author(self._registry.organization),
                time=handmade.made_at(version),
                message=handmade.message(version),
                manifest=made.manifest.id(),
                tree=tree.id(),
                model_toml=ingest.add_bytes(made.model_toml),
            )
            id_ = self._put(new, made.manifest, tree)
            self._publish(ingest, version, id_, new)
        self._note(version, files, {p.role: f.id for p, f in zip(placed, own, strict=True)})
        renamed = [
            f"{f.filename!a} is called {p.path}" for p, f in zip(placed, own, strict=True) if p.path != f.filename
        ]
        leaked = [f"{leak.key} looks like a secret: {leak.kind}" for leak in secrets.find(made.manifest, new.message)]
        return Taken(id_, (*made.warnings, *renamed, *leaked))

    @contextlib.contextmanager
    def _storing(self, manifest: Manifest, parents: Sequence[VersionId]) -> Iterator[Ingest]:
        """A way to store files, against those of `parents` that are here; nothing is left of what then goes wrong."""
        repository = self._repository
        here = [id_ for id_ in parents if repository.objects.has(id_)]
        ingest = repository.ingest(None, delta_bases.bases(Model(repository, self._key), manifest, here))
        try:
            yield ingest
        except BaseException:
            self._give_up(ingest)
            raise

    def _give_up(self, ingest: Ingest) -> None:
        ingest.discard()
        self._repository.door.discard_staged()

    def _fetch_known(self, ingest: Ingest, file: RemoteFile, entry: TreeEntry) -> _Stored:
        """A file whose bytes are known; when others come, they are asked for once more: that may have been the way here."""
        stored = self._fetch(ingest, file, entry.path, entry.role, limit=entry.size)
        if stored == (entry.file, entry.size):
            return stored
        return self._fetch(ingest, file, entry.path, entry.role, limit=entry.size)

    def _fetch(self, ingest: Ingest, file: RemoteFile, path: str, role: str, limit: int | None = None) -> _Stored:
        """Store a file's bytes, by way of a temporary file; of one longer than `limit` only that it is another."""
        temporary = self._repository.door.temporary()
        hasher, size = Hasher(), 0

        def take(data: bytes) -> None:
            nonlocal size
            size += len(data)
            if limit is not None and size > limit:
                raise _TooLongError
            hasher.update(data)
            temporary.write(data)
            if self._progress is not None:
                self._progress(len(data))

        try:
            self._registry.download(file, take)
            temporary.close()
            self.received += size
            fd = os.open(temporary.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                stored = ingest.add(fd, path, role)
            finally:
                os.close(fd)
        except _TooLongError:
            return _Stored(FileId(""), size)
        finally:
            temporary.discard()
        if (stored.file, stored.size) != (hasher.digest(), size):
            raise errors.DiskFailed(path=temporary.path, reason="it does not hold what was written to it")
        return _Stored(stored.file, size)

    def _put(self, version: Version, manifest: Manifest, tree: Tree) -> VersionId:
        objects = self._repository.objects
        objects.put_manifest(manifest)
        objects.put_tree(tree)
        return objects.put_version(version)

    def _publish(self, ingest: Ingest, there: RemoteVersion | None, id_: VersionId, version: Version) -> None:
        """Make all durable, then tell that the version is `there`: the commit point."""
        repository = self._repository
        ingest.close()
        with repository.locked():
            if gc.generation(repository.door) != self._generation:
                raise errors.CollectedMeanwhile
            config.require(repository.door, ingest.features)
            repository.door.barrier()
            self._record_absent(version)
            if repository.heads.get(self._key) is None:
                repository.heads.set(self._key, Head(folder_for(repository, self._key), MAIN))
            if there is not None:
                places.record(Model(repository, self._key), id_, self._place(there), self._actor.move("import"))

    def _record_absent(self, version: Version) -> None:
        objects = self._repository.objects
        gone = [id_ for id_ in objects.parents(version) if not objects.has(id_)]
        if gone:
            who = str(self._actor.person)
            promised.append(self._repository.door, ABSENT, gone, Cause(places.PICSELLIA, who, self._actor.at))
            objects.forget_absent()
        self.absent += [id_ for id_ in version.parents if not objects.has(id_)]

    def _place(self, there: RemoteVersion) -> Place:
        registry, model = self._registry, there.model
        return Place(registry.host, registry.organization, model.name, model.id, there.number, there.name, there.id)

    def _note(self, version: RemoteVersion, files: Sequence[RemoteFile], records: dict[str, str]) -> None:
        with self._repository.locked():
            answer = compare.noted(version, files, records)
            import_notes.write(self._repository.door, places.PICSELLIA, version.id, answer)


def folder_for(repository: Repository, key: str) -> str:
    """Where a model that is new here goes: the repository's root if that is free, else a folder of its name."""
    return key if repository.heads.models() or (repository.root / MODEL_TOML).exists() else ""


class _TooLongError(Exception):
    """More bytes came than the file has."""
