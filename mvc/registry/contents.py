"""Contents of a registry version's files: known from an earlier upload or download, else downloaded and hashed.

    record id ─► in the import note? in the version's own marker? ─ yes ─► the noted content
                                                       └─ no ─► download ─► hash

A registry keeps no hashes, but a replaced file has a new record. So the content of a record is noted once its bytes were
read, or sent, and only then. A valid marker is noted likewise, and not read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from mvc.deferred import dataclass
from mvc.model import roles
from mvc.model.ids import FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.registry import compare, marker, published
from mvc.registry.compare import Differences, FileDrift
from mvc.registry.files import archives, hashed, role_names
from mvc.registry.files.archives import Archive
from mvc.registry.files.hashed import OTHER
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteVersion
from mvc.repository import places
from mvc.repository.repository import Repository
from mvc.storage.progress import Progress
from mvc.storage.records import import_notes


@dataclass
class Contents:
    """The contents of one registry version's `files`: `noted` has them by record id. `received` counts bytes read.

    `names` are those of its experiment and dataset versions, to be noted too; `role_names` and `archives` are as its own marker
    has them, None if that was not read; `marker` is the record of that marker, and the version of it. `hash_archive` makes an
    archive of local files.
    """

    registry: Registry
    version: RemoteVersion
    files: Sequence[RemoteFile]
    noted: dict[str, FileId]
    progress: Progress | None = None
    names: dict[str, Any] = field(default_factory=dict)
    role_names: Mapping[str, str] | None = None
    archives: Mapping[str, FileId] | None = None
    hash_archive: Callable[[Archive], FileId] | None = None
    marker: tuple[str, str] | None = None
    received: int = 0
    _before: tuple[Any, ...] = field(init=False)
    _marker_read: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Remember what was noted before."""
        self._before = self._noteworthy()

    @property
    def is_news(self) -> bool:
        """True if there is something to note."""
        return self._noteworthy() != self._before

    def has_marker(self, id_: VersionId) -> bool:
        """Return whether one of the files is noted as the marker of the version `id_`."""
        return any(self.marker == (file.id, id_) for file in self.files)

    def has_noted(self, manifest: Manifest, tree: Tree) -> bool:
        """Return whether the files of a published version are all there, by what is noted of their records."""
        served = self.served(manifest, tree)
        names = self.names_of(served)

        def noted(file: RemoteFile, _: TreeEntry | None) -> FileId:
            return self.noted.get(file.id, OTHER)

        return not Differences(
            files=compare.changed_files(served, self.files, noted, by_hand=False, names=names)
        ).changed_files

    def trust(self, own: Marker, record: str = "") -> None:
        """Take names, and contents that the publisher noted, from the version's own marker; they do not replace noted contents.

        `record` is the id of the marker's record, to be noted.
        """
        self._marker_read = True
        self.marker = (record, own.id) if record else self.marker
        self.role_names, self.archives = own.names, own.archives
        self.noted = {**own.contents, **self.noted}

    def names_of(self, tree: Tree | None) -> Mapping[str, str]:
        """Return the names that differ from their roles: as noted, else as the own marker has them.

        Without a readable marker, a published `tree` has those that a publish gives it.
        """
        if self.role_names is None and (tree is None or not all(map(role_names.is_legal, tree.by_role))):
            self._read_marker()
        if self.role_names is not None or tree is None:
            return self.role_names or {}
        return role_names.differing(role_names.assign(tree.by_role, [file.name for file in self.files]))

    def served(self, manifest: Manifest, tree: Tree, *, by_hand: bool = False) -> Tree:
        """Return the files that a version has there: one for each role, and the archives that the own marker names.

        Without a readable marker, a published version has the archives that a publish makes.
        """
        if by_hand:
            return archives.served(manifest, tree, {})
        expected = archives.expected(manifest, tree)
        if self.archives is None and (expected or self._has_named(manifest.files)):
            self._read_marker()
        if self.archives is not None or self.hash_archive is None:
            return archives.served(manifest, tree, self.archives or {})
        apart = archives.published_apart(manifest, tree, [file.name for file in self.files])
        made = {role: self.hash_archive(archive) for role, archive in expected.items() if role not in apart}
        return archives.served(manifest, tree, made)

    def _has_named(self, files: Mapping[str, str]) -> bool:
        """Return whether a folder's role is that of one file there."""
        return any(roles.is_glob(files.get(file.name, "")) for file in self.files)

    def content(self, file: RemoteFile) -> FileId | None:
        """Return the noted content of a file; None if none is noted."""
        if file.id not in self.noted:
            self._read_marker()
        return self.noted.get(file.id)

    def of(self, file: RemoteFile, entry: TreeEntry | None = None) -> FileId:
        """Return the content of a file; of one that is not noted, by reading it: OTHER if it is longer than `entry`."""
        return self.content(file) or self.read(file, entry)

    def read(self, file: RemoteFile, entry: TreeEntry | None = None) -> FileId:
        """Read a file and return its content; one that differs from `entry` is read again, in case of damage on the way."""
        content = self._hash(file, entry)
        if entry is not None and content != entry.file:
            content = self._hash(file, entry)
        if content != OTHER:
            self.noted[file.id] = content
        return content

    def changes(self, tree: Tree, *, by_hand: bool) -> tuple[FileDrift, ...]:
        """Compare the files with a tree, as `compare.changed_files`."""
        names = self.names_of(None if by_hand else tree)
        return compare.changed_files(tree, self.files, self.of, by_hand=by_hand, names=names)

    def differences(self, manifest: Manifest, tree: Tree, *, by_hand: bool) -> Differences:
        """Compare the fields with a manifest, and the files with a tree that has each role."""
        changed = compare.changed_fields(manifest, self.version, by_hand=by_hand)
        return Differences(changed, self.changes(tree, by_hand=by_hand), by_hand)

    def note(self) -> dict[str, Any]:
        """Return what an import note keeps of the version: its answer without addresses, and the contents by record id."""
        listed = {file.id for file in self.files}
        return {
            "version": dict(self.version.raw),
            "files": [{"id": file.id, "name": file.name, "filename": file.filename} for file in self.files],
            "contents": {id_: content for id_, content in self.noted.items() if id_ in listed},
            **({"names": self.names} if self.names else {}),
            **({"roles": dict(self.role_names)} if self.role_names is not None else {}),
            **({"archives": dict(self.archives)} if self.archives is not None else {}),
            **({"marker": {"record": self.marker[0], "version": self.marker[1]}} if self.marker else {}),
        }

    def write(self, repository: Repository) -> None:
        """Write the import note, if there is something to note."""
        if self.is_news:
            with repository.locked():
                import_notes.write(repository.door, places.PICSELLIA, self.version.id, self.note())
            self._before = self._noteworthy()

    def _read_marker(self) -> None:
        if self._marker_read:
            return
        self._marker_read = True
        for file in marker.among(self.files):
            own = published.read_marker(self.registry, file)[0]
            if own is not None and own.model_version == self.version.id:
                self.trust(own, file.id)

    def _noteworthy(self) -> tuple[Any, ...]:
        return dict(self.noted), self.names, self.role_names, self.archives, self.marker

    def _hash(self, file: RemoteFile, entry: TreeEntry | None) -> FileId:
        content, size = hashed.download(self.registry, file, entry, self.progress)
        self.received += size
        return content


def of_version(
    repository: Repository,
    registry: Registry,
    version: RemoteVersion,
    files: Sequence[RemoteFile],
    progress: Progress | None = None,
) -> Contents:
    """Return the contents of a registry version, as far as the repository has noted them."""
    answer = import_notes.read(repository.door, places.PICSELLIA, version.id)
    return Contents(
        registry,
        version,
        files,
        _noted(answer),
        progress,
        noted_names(answer),
        _noted_texts(answer, "roles"),
        _noted_texts(answer, "archives"),
        lambda archive: archive.id(repository.extract),
        _noted_marker(answer),
    )


def noted_names(answer: Any) -> dict[str, Any]:
    """Return the names of the experiment and dataset versions that an import note has."""
    names = answer.get("names") if isinstance(answer, dict) else None
    return names if isinstance(names, dict) else {}


def _noted_texts(answer: Any, key: str) -> dict[str, Any] | None:
    noted = answer.get(key) if isinstance(answer, dict) else None
    return noted if isinstance(noted, dict) and all(isinstance(text, str) for text in noted.values()) else None


def _noted(answer: Any) -> dict[str, FileId]:
    noted = answer.get("contents") if isinstance(answer, dict) else None
    pairs = noted.items() if isinstance(noted, dict) else ()
    return {id_: FileId(content) for id_, content in pairs if isinstance(content, str)}


def _noted_marker(answer: Any) -> tuple[str, str] | None:
    noted = answer.get("marker") if isinstance(answer, dict) else None
    pair = (noted.get("record"), noted.get("version")) if isinstance(noted, dict) else (None, None)
    return (str(pair[0]), str(pair[1])) if all(pair) else None
