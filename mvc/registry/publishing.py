"""Publication of one version: create it on the registry, upload the missing files, the thumbnail, then the marker.

    begun ─► no unknown files? ─► the files, several at a time: uploaded before, equal, or uploaded now ─► marker

The journal records every upload as it ends, so an interrupted publish resumes without reading files back. The marker is
uploaded last, alone. Nothing on the registry is replaced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import roles
from mvc.model.ids import Buffer, FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.registry import experiment_export, fields, marker, published
from mvc.registry.compare import Differences, FileDrift
from mvc.registry.contents import Contents, of_version
from mvc.registry.experiment_export import CannotExportError, Plan
from mvc.registry.files import archives, flat_files, role_names
from mvc.registry.files.archives import Archive
from mvc.registry.marker import Branch, Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion
from mvc.registry.published import Candidate, State
from mvc.repository.repository import Repository
from mvc.storage.disk.temporary import Temporary
from mvc.storage.records.unfinished import publications
from mvc.storage.records.unfinished.publications import Publishing
from mvc.transport import promises, transfers


@dataclass(frozen=True)
class LocalVersion:
    """A version of this repository with the objects that are published.

    `files` are as a registry has them: one for each role, and an archive in place of some folders.
    """

    id: VersionId
    version: Version
    manifest: Manifest
    tree: Tree
    files: Tree

    @property
    def name(self) -> str:
        """The version's name on a registry."""
        return published.version_name(self.version.number, self.id)

    @property
    def size(self) -> int:
        """The size of the files, in bytes; a file counts once for each role."""
        return sum(entry.size for entry in self.files.entries)

    @cached_property
    def archives(self) -> Mapping[str, Archive]:
        """The archives among its files, by role."""
        expected = archives.expected(self.manifest, self.tree)
        return {role: archive for role, archive in expected.items() if role in self.files.by_role}

    @cached_property
    def filenames(self) -> Mapping[str, str]:
        """The file names on a registry by role, each once: its users download them into one folder."""
        return flat_files.filenames(self.files.entries)

    @property
    def thumbnail(self) -> TreeEntry | None:
        """The file that model.toml names as thumbnail, by path or by role; None if the version has no such file."""
        name = str(self.manifest.model.get("thumbnail", ""))
        roles_of_files = roles.expanded(self.manifest, self.tree).by_role
        return self.tree.by_path.get(name.removeprefix("./")) or roles_of_files.get(name)


def local_version(repository: Repository, id_: VersionId) -> LocalVersion:
    """Return the version `id_`. Raises Missing, Damaged."""
    version = repository.objects.version(id_)
    tree = repository.objects.tree(version.tree)
    manifest = repository.objects.manifest(version.manifest)
    unmade = dict.fromkeys(archives.expected(manifest, tree), archives.UNMADE)
    return LocalVersion(id_, version, manifest, tree, archives.served(manifest, tree, unmade))


class _Sent(NamedTuple):
    """A file that the registry has, and the bytes that were uploaded now."""

    file: RemoteFile
    size: int


@dataclass
class Publisher:
    """Publisher of versions to one model of a registry, which it creates on first use.

    `branches` are hints for those who import the versions. `sent` counts uploaded bytes; `notes` are warnings about the version published last; `report` is called with the size of each file that the registry has.
    """

    repository: Repository
    registry: Registry
    model_name: str
    model: RemoteModel | None
    allow_memory: bool
    report: Callable[[int], None]
    require_context: bool = False
    branches: Mapping[VersionId, Branch] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list, init=False)
    sent: int = field(default=0, init=False)

    def complete(self, local: LocalVersion, begun: Candidate | None) -> RemoteVersion:
        """Create or resume the publication of `local`, up to the marker.

        Raises PublicationChanged, NoConnector before anything is created, and errors of the registry.
        """
        self.registry.check_storage()
        self._fetch_files(local)
        remote, files = (begun.version, begun.files) if begun is not None else self._create(local)
        contents = of_version(self.repository, self.registry, remote, files)
        local = replace(local, files=contents.served(local.manifest, local.tree))
        names = role_names.assign(local.files.by_role, [file.name for file in files])
        self._check(local, remote, files, names)
        contents.role_names = role_names.differing(names)
        contents.archives = {role: local.files.by_role[role].file for role in local.archives}
        records = self._upload_files(local, contents, names)
        self._upload_thumbnail(local, remote)
        self._upload_marker(local, contents, records)
        self._check_complete(local, contents)
        return remote

    def end_journal(self, local: LocalVersion) -> None:
        """Remove the journal of a publication. The caller holds the lock."""
        journal = self._journal(local)
        if self.repository.door.exists(journal.path):
            publications.end(self.repository.door, journal)

    def changed(self, local: LocalVersion, reason: str) -> errors.PublicationChanged:
        """Return the error for a registry version of that name with other contents."""
        registry = f"{self.model_name} of {self.registry.organization}"
        return errors.PublicationChanged(name=local.name, registry=registry, reason=reason)

    # --- inside

    def _journal(self, local: LocalVersion) -> Publishing:
        return Publishing(local.id, self.registry.host, self.registry.organization, self.model_name)

    def _fetch_files(self, local: LocalVersion) -> None:
        """Fetch promised files before anything is created on the registry. Raises Missing, Damaged, and errors of fetch."""
        promises.ensure_version_present(self.repository, local.id)
        for entry in promises.entries_of(self.repository, local.id):
            if self.repository.recipes.best(entry.file) is None:
                raise errors.Missing(what="file", id=entry.file)

    def _create(self, local: LocalVersion) -> tuple[RemoteVersion, Sequence[RemoteFile]]:
        """Create a registry version and return it with its files, as somebody else may have created it first."""
        if self.model is None:
            description = str(local.manifest.model.get("description", ""))
            self.model = self.registry.create_model(self.model_name, description)
        remote = self._export(local, self.model)
        if remote is None:
            remote = self.registry.create_version(self.model, {"name": local.name, **fields.request(local.manifest)})
        return remote, self.registry.files(remote)

    def plan_export(self, local: LocalVersion) -> Plan | None:
        """Return the plan to export the experiment of a version; None without one, with a note if it cannot be exported.

        Raises NoContext if a context is required.
        """
        id_ = experiment_export.experiment_of(local.manifest)
        self.notes = []
        if id_ is None:
            if self.require_context:
                raise errors.NoContext(name=local.name, reason="it names no source.experiment.id")
            return None
        try:
            made = {role: archive.id(self.repository.extract) for role, archive in local.archives.items()}
            files = archives.served(local.manifest, local.tree, made)
            return experiment_export.plan(self.registry, id_, local.manifest, files)
        except CannotExportError as error:
            if self.require_context:
                raise errors.NoContext(name=local.name, reason=str(error)) from error
            self.notes.append(f"published without a context: {error}")
            return None

    def _export(self, local: LocalVersion, model: RemoteModel) -> RemoteVersion | None:
        """Return the version that the experiment of `local` was exported as, completed; None for none."""
        planned = self.plan_export(local)
        if planned is None:
            return None
        journal = publications.resumed(self.repository.door, self._journal(local))
        exported_after = journal.exported_after
        if exported_after is None:
            exported_after = max((version.number for version in self.registry.versions(model)), default=-1)
            self._record(replace(journal, exported_after=exported_after))
        exported = self.registry.export(planned.experiment, model, exported_after)
        try:
            return experiment_export.complete(self.registry, exported, planned, local.manifest, local.name)
        except CannotExportError as error:
            self.notes.append(f"published without a context: {error}; delete #{exported.number} there")
            return None

    def _check(
        self, local: LocalVersion, remote: RemoteVersion, files: Sequence[RemoteFile], names: Mapping[str, str]
    ) -> None:
        """Raise PublicationChanged if a begun version has other fields or files: somebody else may have made it."""
        changes = fields.changes(fields.request(local.manifest), remote.raw)
        if changes:
            raise self.changed(local, f"edited fields: {', '.join(change.key for change in changes)}")
        unknown = sorted({file.name for file in marker.without(files)} - set(names.values()))
        if unknown:
            raise self.changed(local, f"unknown files: {', '.join(unknown)}")

    def _upload_files(self, local: LocalVersion, contents: Contents, names: Mapping[str, str]) -> dict[str, str]:
        """Upload the files that are missing, and return the records of all by role; the journal has each that ended."""
        resumed = publications.resumed(self.repository.door, self._journal(local)).made(contents.version.id)
        journal, records = self._record(resumed), dict[str, str]()

        def begin(entry: TreeEntry) -> Callable[[], _Sent]:
            name = names[entry.role]
            namesakes = [file for file in contents.files if file.name == name]
            if namesakes:
                return lambda: _Sent(self._equal(local, contents, entry, namesakes, resumed.files.get(entry.role)), 0)
            return self._begin_upload(local, contents, entry, name)

        with contextlib.closing(transfers.results(begin, local.files.entries, lambda entry: entry.size)) as results:
            for entry, sent in results:
                contents.noted[sent.file.id], records[entry.role] = entry.file, sent.file.id
                if journal.files.get(entry.role) != sent.file.id:
                    journal = self._record(journal.sent(entry.role, sent.file.id))
                self.sent += sent.size
                self.report(entry.size)
        return records

    def _begin_upload(
        self, local: LocalVersion, contents: Contents, entry: TreeEntry, name: str
    ) -> Callable[[], _Sent]:
        """Decode a file, and return its upload."""
        archive, filename = local.archives.get(entry.role), local.filenames[entry.role]
        temporary = self._decoded(entry.file) if archive is None else self._archived(archive)

        def upload() -> _Sent:
            try:
                file = self.registry.upload(
                    contents.version, name, filename, temporary.path, allow_memory=self.allow_memory
                )
                return _Sent(file, entry.size)
            except errors.RegistryConflict:  # somebody else publishes the same version
                listed = self.registry.files(contents.version)
                namesakes = [file for file in listed if file.name == name]
                return _Sent(self._equal(local, contents, entry, namesakes, None), 0)
            finally:
                temporary.discard()

        return upload

    def _equal(
        self,
        local: LocalVersion,
        contents: Contents,
        entry: TreeEntry,
        namesakes: Sequence[RemoteFile],
        ours: str | None,
    ) -> RemoteFile:
        """Return the registry's file of an entry: `ours`, uploaded before, or an equal one. Raises PublicationChanged."""
        if len(namesakes) == 1 and (ours == namesakes[0].id or contents.read(namesakes[0], entry) == entry.file):
            return namesakes[0]
        raise self.changed(local, f"another file as {entry.role}")

    def _upload_thumbnail(self, local: LocalVersion, remote: RemoteVersion) -> None:
        entry = local.thumbnail
        if entry is not None:
            with self._discarded(self._decoded(entry.file)) as path:
                self.registry.upload_thumbnail(remote, entry.path.rpartition("/")[2], path)

    def _upload_marker(self, local: LocalVersion, contents: Contents, records: Mapping[str, str]) -> None:
        """Upload the marker, which completes the version; accept a valid one that somebody else uploaded."""
        toml, branch = self.repository.extract.small(local.version.model_toml), self.branches.get(local.id)
        remote, names, made = contents.version, contents.role_names or {}, contents.archives or {}
        own = Marker(remote.id, local.version, local.manifest, local.tree, toml, records, branch, names, made)
        data = own.encode()
        with self._discarded(self._written(lambda temporary: temporary.write(data))) as path:
            try:
                file = self.registry.upload(remote, marker.NAME, marker.FILENAME, path, allow_memory=self.allow_memory)
                contents.trust(own, file.id)
            except errors.RegistryConflict:
                candidate = published.inspect(self.registry, remote, local.id)
                if candidate.state is not State.COMPLETE:
                    raise self.changed(local, candidate.reason) from None
        self.sent += len(data)

    def _check_complete(self, local: LocalVersion, contents: Contents) -> None:
        """Note the contents of the files; one that was replaced meanwhile is read. Raises PublicationChanged."""
        contents.files = self.registry.files(contents.version)
        self.check_files(local, contents)

    def check_files(self, local: LocalVersion, contents: Contents, *, write: bool = True) -> tuple[FileDrift, ...]:
        """Note the contents of a complete version's files; return those that were added.

        Raises PublicationChanged for one that is missing, or is not the local one.
        """
        served = contents.served(local.manifest, local.tree)
        files = Differences(files=contents.changes(served, by_hand=False))
        if write:
            contents.write(self.repository)
        if files.changed_files:
            raise self.changed(local, ", ".join(map(str, files.changed_files)))
        return files.added

    def _record(self, journal: Publishing) -> Publishing:
        with self.repository.locked():
            publications.record(self.repository.door, journal)
        return journal

    def _decoded(self, file: FileId) -> Temporary:
        """Return a temporary file with a stored file's bytes: the SDK uploads from a path."""
        return self._written(lambda temporary: self.repository.extract.to_temporary(file, temporary))

    def _archived(self, archive: Archive) -> Temporary:
        """Return a temporary file with an archive's bytes."""
        return self._written(lambda temporary: _copy(archive.stream(self.repository.extract), temporary))

    def _written(self, write: Callable[[Temporary], None]) -> Temporary:
        temporary = self.repository.door.temporary()
        try:
            write(temporary)
            temporary.close()
        except BaseException:
            temporary.discard()
            raise
        return temporary

    @contextlib.contextmanager
    def _discarded(self, temporary: Temporary) -> Iterator[Path]:
        """Yield the path of a temporary file, and remove it afterwards."""
        try:
            yield temporary.path
        finally:
            temporary.discard()


def _copy(pieces: Iterable[Buffer], temporary: Temporary) -> None:
    for piece in pieces:
        temporary.write(piece)
