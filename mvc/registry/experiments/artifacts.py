"""The artifacts of an experiment as files of a version: downloaded to temporary files, or known from its base version.

    artifact ─┬─ the stored object of a file of the base: an entry of the base's tree, not downloaded
              ├─ that of an archive: the entries of its folder
              └─ any other ─► tmp/ ─► size, hash ─► a file by role, several at a time

An artifact may be stored again under its name, so its content is read each time. The copied marker of the base is left
out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import PurePosixPath

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths, roles
from mvc.model.ids import FileId, Hasher, VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.registry import marker
from mvc.registry.contents import of_version
from mvc.registry.experiments.protocol import RemoteExperiment
from mvc.registry.files import archives, flat_files, role_names
from mvc.registry.files.flat_files import RegistryFile
from mvc.registry.protocol import Registry, RemoteFile
from mvc.repository import places
from mvc.repository.record.plan import Given, NamedFile
from mvc.repository.repository import Repository
from mvc.storage.disk.temporary import Temporary
from mvc.storage.progress import Progress
from mvc.transport import transfers


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Files by role, their contents, and the bytes received; `copies` are the roles that are only copies from the base."""

    files: Mapping[str, Given]
    contents: Mapping[str, FileId]
    copies: frozenset[str] = frozenset()
    received: int = 0
    notes: Sequence[str] = ()


@contextlib.contextmanager
def downloaded(
    repository: Repository,
    registry: Registry,
    experiment: RemoteExperiment,
    base: VersionId | None,
    progress: Progress | None = None,
) -> Iterator[Artifacts]:
    """Yield the artifacts of an experiment whose base version is `base`; temporary files are removed afterwards.

    Raises RegistryUnreachable for a truncated file, and as the registry does.
    """
    listed = marker.without(registry.artifacts(experiment.id))
    download = _Download(repository, registry, progress)
    try:
        copies, folders = _copies(repository, registry, experiment, base)
        parts = {part.role: part for file in listed for part in folders.get(file.object_name, ())}
        listed = [file for file in listed if file.object_name not in folders]
        known = {file.id: entry for file in listed if (entry := copies.get(file.object_name)) is not None}
        read = {id_: entry.file for id_, entry in known.items()}
        read |= download.contents([file for file in listed if file.id not in known])
        roles_there = _roles(repository, base, listed)
        rows = [RegistryFile(roles_there[file.id], file.filename, read[file.id]) for file in listed]
        placed = {file.id: place for file, place in zip(listed, flat_files.place(rows), strict=True)}
        files: dict[str, Given] = {**parts, **{placed[id_].role: entry for id_, entry in known.items()}}
        contents = {role: part.file for role, part in parts.items()}
        contents |= {placed[file.id].role: read[file.id] for file in listed}
        for file in listed:
            if file.id not in known:
                path = _path(placed[file.id].role, file, placed[file.id].path)
                files[placed[file.id].role] = NamedFile(download.files[file.id].path, path, label=path)
        yield Artifacts(
            files,
            contents,
            frozenset([*parts, *(placed[id_].role for id_ in known)]),
            download.received,
            [
                f"artifact {f.name!a} imported as {placed[f.id].role}"
                for f in listed
                if roles_there[f.id] != placed[f.id].role
            ],
        )
    finally:
        download.discard()


def _path(role: str, file: RemoteFile, placed: str) -> str:
    """Return the path for a new role: the role with the file's suffix, unless no system can hold it."""
    path = f"{role}{PurePosixPath(flat_files.base_name(file.filename)).suffix}"
    try:
        paths.check_path(path)
    except (errors.UnsafePath, errors.UnportablePath):
        return placed
    return path


def _copies(
    repository: Repository, registry: Registry, experiment: RemoteExperiment, base: VersionId | None
) -> tuple[dict[str, TreeEntry], dict[str, Sequence[TreeEntry]]]:
    """Return the entries of the base version by the stored object that the registry has of each, and those in archives."""
    remote = registry.version(experiment.base) if experiment.base is not None and base is not None else None
    if remote is None or base is None:
        return {}, {}
    contents = of_version(repository, registry, remote, registry.files(remote))
    version = repository.objects.version(base)
    manifest, tree = repository.objects.manifest(version.manifest), repository.objects.tree(version.tree)
    served = contents.served(manifest, tree, by_hand=places.is_by_hand(version))
    named = role_names.named(served, contents.names_of(served))
    entries = {name: served.by_role[role] for name, role in named.items()}
    same = [
        file for file in contents.files if file.name in entries and contents.content(file) == entries[file.name].file
    ]
    made = archives.named(manifest, tree, [named[file.name] for file in same])
    folders: dict[str, Sequence[TreeEntry]] = {
        file.object_name: made[named[file.name]].parts_of(tree) for file in same if named[file.name] in made
    }
    return {file.object_name: entries[file.name] for file in same if file.object_name not in folders}, folders


def _roles(repository: Repository, base: VersionId | None, files: Sequence[RemoteFile]) -> dict[str, str]:
    """Return the role of each artifact, by its id: that of the base which is published under its name, else its name."""
    served = _served(repository, base) if base is not None else Tree()
    named = {name: role for role, name in role_names.assign(served.by_role, [file.name for file in files]).items()}
    return {file.id: named.get(file.name, file.name) for file in files}


def _served(repository: Repository, id_: VersionId) -> Tree:
    """Return the files of a version, one for each role."""
    version = repository.objects.version(id_)
    return roles.expanded(repository.objects.manifest(version.manifest), repository.objects.tree(version.tree))


@dataclass
class _Download:
    """Downloads to temporary files, by record id, several at a time."""

    repository: Repository
    registry: Registry
    progress: Progress | None
    files: dict[str, Temporary] = field(default_factory=dict)
    received: int = 0

    def contents(self, files: Sequence[RemoteFile]) -> dict[str, FileId]:
        """Download files, and return the content of each by its record id."""
        contents: dict[str, FileId] = {}
        with contextlib.closing(transfers.results(self._begin, files, lambda _: 0)) as results:
            for file, (content, size) in results:
                contents[file.id] = content
                self.received += size
        return contents

    def _begin(self, file: RemoteFile) -> Callable[[], tuple[FileId, int]]:
        """Create a temporary file, and return the download to it."""
        temporary = self.files[file.id] = self.repository.door.temporary()

        def download() -> tuple[FileId, int]:
            hasher = Hasher()

            def receive(data: bytes) -> None:
                hasher.update(data)
                temporary.write(data)
                if self.progress is not None:
                    self.progress(len(data))

            size = self.registry.download(file, receive)
            temporary.close()
            return FileId(hasher.digest()), size

        return download

    def discard(self) -> None:
        """Remove the temporary files."""
        for temporary in self.files.values():
            temporary.discard()
