"""Making a version on a registry complete: created if it is not there, each file that it lacks, the thumbnail, the marker.

    begun? ─► nothing else than ours in it? ─► each file: sent before, or read and the same, or sent now ─► marker

What was sent is on record here after each step, so that one who was stopped need not read it back. Nothing there is replaced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.registry import compare, fields, marker, published
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion
from mvc.registry.published import Candidate, State
from mvc.repository import places
from mvc.repository.repository import Repository
from mvc.storage.disk.temporary import Temporary
from mvc.storage.records import import_notes
from mvc.storage.records import publications as publishing
from mvc.storage.records.publications import Publishing
from mvc.transport import promises


@dataclass(frozen=True, slots=True)
class Subject:
    """A version here with all that is to be told of it."""

    id: VersionId
    version: Version
    manifest: Manifest
    tree: Tree

    @property
    def name(self) -> str:
        """What it is called there."""
        return published.version_name(self.version.number, self.id)

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(entry.size for entry in self.tree.entries)

    @property
    def thumbnail(self) -> TreeEntry | None:
        """The file that is its picture, if it is one of its files: by path or by role."""
        name = str(self.manifest.model.get("thumbnail", ""))
        return self.tree.by_path.get(name.removeprefix("./")) or self.tree.by_role.get(name)


def subject(repository: Repository, id_: VersionId) -> Subject:
    """The version `id_`; raises RoleReserved, Missing, Damaged."""
    version = repository.objects.version(id_)
    tree = repository.objects.tree(version.tree)
    if marker.NAME in tree.by_role:
        raise errors.RoleReserved(role=marker.NAME, version=id_[:10])
    return Subject(id_, version, repository.objects.manifest(version.manifest), tree)


@dataclass
class Filling:
    """The way to a model on a registry, which is made when it is first needed. `sent` counts bytes; `report` is told them."""

    repository: Repository
    registry: Registry
    called: str
    model: RemoteModel | None
    allow_memory: bool
    report: Callable[[int], None]
    sent: int = field(default=0, init=False)

    def fill(self, subject: Subject, found: Candidate | None) -> RemoteVersion:
        """Have `subject` be there, complete; `found` is what was begun. Raises PublicationChanged, and as a registry does."""
        self._bring(subject)
        there, files = (found.there, found.files) if found is not None else self._create(subject)
        self._check(subject, there, files)
        journal = Publishing(subject.id, self.registry.host, self.registry.organization, self.called)
        journal = self._record(publishing.resumed(self.repository.door, journal).made(there.id))
        for entry in subject.tree.entries:
            file = self._have(subject, there, entry, [each for each in files if each.name == entry.role], journal)
            if journal.files.get(entry.role) != file.id:
                journal = self._record(journal.sent(entry.role, file.id))
            self.report(entry.size)
        self._send_thumbnail(subject, there)
        self._mark(subject, there)
        self._note(subject, there)
        return there

    def finish(self, subject: Subject) -> None:
        """Forget how far it was; under the lock."""
        journal = Publishing(subject.id, self.registry.host, self.registry.organization, self.called)
        if self.repository.door.exists(journal.path):
            publishing.end(self.repository.door, journal)

    def changed(self, subject: Subject, reason: str) -> errors.PublicationChanged:
        """The error for what is there under that name and is not what was published."""
        there = f"{self.called} of {self.registry.organization}"
        return errors.PublicationChanged(name=subject.name, registry=there, reason=reason)

    # --- inside

    def _bring(self, subject: Subject) -> None:
        """Have all bytes here before anything is made there; raises Missing, Damaged, and as fetching does."""
        promises.ensure_version_present(self.repository, subject.id)
        for entry in promises.entries_of(self.repository, subject.id):
            if self.repository.recipes.best(entry.file) is None:
                raise errors.Missing(what="file", id=entry.file)

    def _create(self, subject: Subject) -> tuple[RemoteVersion, Sequence[RemoteFile]]:
        """A version there, and the files that it has: others may have been first."""
        if self.model is None:
            self.model = self.registry.create_model(self.called, str(subject.manifest.model.get("description", "")))
        requested = {"name": subject.name, **fields.request(subject.manifest)}
        there = self.registry.create_version(self.model, requested)
        return there, self.registry.files(there)

    def _check(self, subject: Subject, there: RemoteVersion, files: Sequence[RemoteFile]) -> None:
        """Raise PublicationChanged when what was begun there says something else: it may be somebody's own."""
        changes = fields.changes(fields.request(subject.manifest), there.raw)
        if changes:
            raise self.changed(subject, f"it says something else of {', '.join(change.key for change in changes)}")
        others = sorted({file.name for file in files} - set(subject.tree.by_role) - {marker.NAME})
        if others:
            raise self.changed(subject, f"it has besides {', '.join(others)}")

    def _have(
        self, subject: Subject, there: RemoteVersion, entry: TreeEntry, listed: Sequence[RemoteFile], done: Publishing
    ) -> RemoteFile:
        """A file there: the one that was sent before, or one that is the same, or sent now."""
        if not listed:
            try:
                return self._send(there, entry)
            except errors.RegistryConflict:  # somebody else publishes the same version
                listed = [file for file in self.registry.files(there) if file.name == entry.role]
        if len(listed) == 1:
            known = done.files.get(entry.role) == listed[0].id
            if known or published.file_of(self.registry, listed[0], entry.size) == entry.file:
                return listed[0]
        raise self.changed(subject, f"it has another file as {entry.role}")

    def _send(self, there: RemoteVersion, entry: TreeEntry) -> RemoteFile:
        with self._on_disk(entry.file) as path:
            filename = entry.path.rpartition("/")[2]
            file = self.registry.upload(there, entry.role, filename, path, allow_memory=self.allow_memory)
        self.sent += entry.size
        return file

    def _send_thumbnail(self, subject: Subject, there: RemoteVersion) -> None:
        entry = subject.thumbnail
        if entry is not None:
            with self._on_disk(entry.file) as path:
                self.registry.upload_thumbnail(there, entry.path.rpartition("/")[2], path)

    def _mark(self, subject: Subject, there: RemoteVersion) -> None:
        """Send the marker, which makes it complete; that somebody else's was first is as good."""
        toml = self.repository.extract.small(subject.version.model_toml)
        data = Marker(there.id, subject.version, subject.manifest, subject.tree, toml).encode()
        with self._written(lambda temporary: temporary.write(data)) as path:
            try:
                self.registry.upload(there, marker.NAME, marker.NAME, path, allow_memory=self.allow_memory)
            except errors.RegistryConflict:
                found = published.look(self.registry, there, subject.id)
                if found.state is not State.COMPLETE:
                    raise self.changed(subject, found.reason) from None
        self.sent += len(data)

    def _note(self, subject: Subject, there: RemoteVersion) -> None:
        """Keep which record there holds the file of each role: drift tells by it what was replaced. Raises PublicationChanged."""
        files = self.registry.files(there)
        wrong = published.listed(subject.tree, files)
        if wrong:
            raise self.changed(subject, wrong)
        records = {file.name: file.id for file in files if file.name in subject.tree.by_role}
        with self.repository.locked():
            answer = compare.noted(there, files, records)
            import_notes.write(self.repository.door, places.PICSELLIA, there.id, answer)

    def _record(self, journal: Publishing) -> Publishing:
        with self.repository.locked():
            publishing.record(self.repository.door, journal)
        return journal

    def _on_disk(self, file: FileId) -> contextlib.AbstractContextManager[Path]:
        """A stored file as a file, as long as the block runs: the SDK wants a path."""
        return self._written(lambda temporary: self.repository.extract.to_temporary(file, temporary))

    @contextlib.contextmanager
    def _written(self, write: Callable[[Temporary], None]) -> Iterator[Path]:
        temporary = self.repository.door.temporary()
        try:
            write(temporary)
            temporary.close()
            yield temporary.path
        finally:
            temporary.discard()
