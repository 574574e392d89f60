"""Folders that a registry has as one archive: their size, their bytes and hash, and their files again.

    exported/saved_model.pb ─┐
    exported/variables/…    ─┴─► zip, as a stream ─► model-latest: exported.zip
                                                       └─► members ─► each must hash to the id in the tree

An archive has no id before it is made: `ids` has those that are known, by role, or UNMADE.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from mvc.deferred import dataclass
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import zip_directory, zip_writer
from mvc.formats.syntax.zip_writer import Member
from mvc.model import roles
from mvc.model.ids import Buffer, FileId, Hasher
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.readiness import saved_model
from mvc.readiness.saved_model import Folder
from mvc.registry.files import role_names
from mvc.storage.chunks.extract import Extract

UNMADE = FileId("")
"""The id of an archive that was not made yet."""
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Archive:
    """A folder as one zip archive."""

    folder: Folder

    @cached_property
    def size(self) -> int:
        """The size of the archive in bytes."""
        return zip_writer.size(self._members)

    @property
    def contents(self) -> list[FileId]:
        """The ids of the files in it."""
        return [entry.file for entry in self.folder.files.values()]

    def parts_of(self, tree: Tree) -> list[TreeEntry]:
        """Return the entries of a tree that have the folder's role."""
        return [entry for entry in tree.entries if entry.role.startswith(f"{self.folder.role}/")]

    def entry(self, id_: FileId) -> TreeEntry:
        """Return the archive as a file of a version; it is `id_`."""
        return TreeEntry(f"{self.folder.path}.zip", self.folder.role, self.size, id_)

    def stream(self, extract: Extract) -> Iterator[Buffer]:
        """Yield the bytes of the archive; each file is decoded twice. Raises Missing, Damaged."""
        return zip_writer.stream(self._members, lambda member: extract.stream(self.folder.files[member.name].file))

    def id(self, extract: Extract) -> FileId:
        """Return the hash of the archive, by making it. Raises Missing, Damaged."""
        hasher = Hasher()
        for piece in self.stream(extract):
            hasher.update(piece)
        return FileId(hasher.digest())

    def parts(self, fd: int) -> Iterator[tuple[TreeEntry, Iterator[bytes]]]:
        """Yield each file with its bytes in the archive that is open as `fd`; raise HeaderError if it has other members."""
        source = Source.of(fd)
        members = zip_directory.members(source)
        if set(members) != set(self.folder.files):
            raise HeaderError("it has other members than the folder")
        for name, entry in self.folder.files.items():
            member = members[name]
            if not member.stored or member.size != entry.size:
                raise HeaderError(f"{name} is compressed, or has another size")
            yield entry, _blocks(fd, zip_directory.data_offset(source, member), member.size)

    @property
    def _members(self) -> list[Member]:
        return [Member(name, entry.size, entry.exec) for name, entry in self.folder.files.items()]


def expected(manifest: Manifest, tree: Tree) -> dict[str, Archive]:
    """Return the archives that a publish makes of a version's folders, by role."""
    return {role: Archive(folder) for role, folder in saved_model.folders(manifest, tree).items()}


def named(manifest: Manifest, tree: Tree, names: Iterable[str]) -> dict[str, Archive]:
    """Return the archives of these roles; a role that is not that of a folder has none."""
    folders = {role: saved_model.folder(manifest, tree, role) for role in names}
    return {role: Archive(folder) for role, folder in folders.items() if folder is not None}


def published_apart(manifest: Manifest, tree: Tree, listed: Collection[str]) -> set[str]:
    """Return the folders that a begun version has file by file, as earlier releases publish them."""
    names = role_names.assign(roles.expanded(manifest, tree).by_role, listed)
    present = {role for role, name in names.items() if name in listed}
    return {role.partition("/")[0] for role in present if "/" in role} - set(listed)


def served(manifest: Manifest, tree: Tree, ids: Mapping[str, FileId]) -> Tree:
    """Return the files of a version as a registry has them: one for each role, and one for each archive of `ids`."""
    files = roles.expanded(manifest, tree)
    if not ids:
        return files
    kept = [entry for entry in files.entries if entry.role.partition("/")[0] not in ids]
    made = [archive.entry(ids[role]) for role, archive in named(manifest, tree, ids).items()]
    return Tree.of([*kept, *made])


def _blocks(fd: int, offset: int, size: int) -> Iterator[bytes]:
    for start in range(offset, offset + size, _BLOCK):
        yield os.pread(fd, min(_BLOCK, offset + size - start), start)
