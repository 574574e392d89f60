"""The folder of a download: which files it has already, and how the others get there.

    file ─► in the folder? ─ the same bytes ─► kept        another file ─► refused, or replaced by force
                           └ absent ─► chunks ─► decoded, hashed ─► durable in the store's tmp ─► renamed

The store is a folder in the target, so that a rename is atomic. Files are never written through a link.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.model.document import Document, keys
from mvc.model.paths import escape_name
from mvc.model.tree import TreeEntry
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.repository.repository import Repository
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.disk import hashing
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.treedoor import TreeDoor
from mvc.storage.progress import Progress
from mvc.transport import promisor

STATE = ".download.mvc-tmp"
"""The folder in the target of what was fetched so far; its suffix keeps it from being tracked."""
_SHOWN = 20
"""The most files that an error lists."""


@dataclass(frozen=True, slots=True)
class DownloadedFile(Document):
    """A file of a version, and its path in the folder; `written` is False if the folder had it already."""

    KEYS = keys("*entry target written")

    entry: TreeEntry
    target: str
    written: bool


def by_path(files: Iterable[TreeEntry]) -> dict[str, TreeEntry]:
    """Return the files by the paths that they have in the version."""
    return {entry.path: entry for entry in files}


def by_role(files: Sequence[TreeEntry]) -> dict[str, TreeEntry]:
    """Return the files by their role with their suffix, `model-latest.pt`: a path that is the same in every version.

    Raises CollidingPaths, UnsafePath, UnportablePath for roles that cannot be names of files in one folder.
    """
    named = [(_role_name(entry), entry) for entry in files]
    taken: dict[str, TreeEntry] = {}
    for name, entry in named:
        paths.check_path(name)
        if name in taken:
            raise errors.SameNames(name=escape_name(name), first=taken[name].role, second=entry.role)
        taken[name] = entry
    for first, second in paths.collisions(taken):
        raise errors.CollidingPaths(first=first, second=second)
    if any(paths.fold(name.partition("/")[0]) == STATE for name in taken):
        raise errors.UnsafePath(path=STATE, reason="it is where a download keeps what it has fetched")
    return taken


def _role_name(entry: TreeEntry) -> str:
    suffix = PurePosixPath(entry.path).suffix
    return entry.role if entry.role.endswith(suffix) else entry.role + suffix


class Target:
    """A folder, and the `files` that it is to have, by their paths in it."""

    def __init__(self, folder: Path, repository: Repository, files: Mapping[str, TreeEntry], *, force: bool) -> None:
        """Compare the folder with `files`. Raises FilesDiffer for other files at their paths, unless `force`."""
        self._folder = folder
        self._repository = repository
        self._entries = files
        self._files = tuple(entry._replace(path=path) for path, entry in files.items())
        self._force = force
        self._tree = TreeDoor(folder, repository.door)
        self._before = {entry.path: self._tree.stat(entry.path) for entry in self._files}
        self._present = {entry.path for entry in self._files if self._has(entry, self._before[entry.path])}
        self._check_free([entry for entry in self._files if entry.path not in self._present])

    def fetch(self, remote: Remote, progress: Progress | None = None) -> int:
        """Fetch the chunks of the absent files that are not stored; return the bytes received.

        Raises MissingThere, Damaged, and errors of the remote.
        """
        recipes = [self._recipes(entry) for entry in self._absent()]
        try:
            return self._fetch(remote, recipes, progress)
        except errors.MissingThere:  # garbage collection may have moved it since the listing
            return self._fetch(remote, recipes, progress)

    def write(self, progress: Progress | None = None) -> tuple[DownloadedFile, ...]:
        """Write the absent files, each verified and durable before it gets its name; return all files."""
        absent = list(self._absent())
        if progress is not None and absent:
            progress.expect(sum(entry.size for entry in absent), "Writing files")
        for entry in absent:
            self._write(entry, progress)
        for entry in self._files:
            if entry.path in self._present:
                self._set_mode(entry)
        self._tree.sync()
        return tuple(DownloadedFile(entry, path, path not in self._present) for path, entry in self._entries.items())

    def _absent(self) -> Iterator[TreeEntry]:
        return (entry for entry in self._files if entry.path not in self._present)

    def _has(self, entry: TreeEntry, stat: Stat | None) -> bool:
        if stat is None or not stat.is_file or stat.size != entry.size:
            return False
        fd = self._tree.open(entry.path)
        try:
            return hashing.file_id(fd) == entry.file
        finally:
            os.close(fd)

    def _check_free(self, entries: Iterable[TreeEntry]) -> None:
        """Raise FilesDiffer if a file would be replaced without `force`, NotWritable if it cannot be created."""
        others = []
        for entry in entries:
            self._check_folders(entry.path)
            stat = self._before[entry.path]
            if stat is not None and not (stat.is_file or stat.is_link):
                raise errors.NotWritable(path=self._folder / entry.path, reason="it is not a regular file")
            if stat is not None and not self._force:
                others.append(entry.path)
        if others:
            listed = "".join(f"  {escape_name(path)}\n" for path in others[:_SHOWN]).rstrip("\n")
            if len(others) > _SHOWN:
                listed += f"\n  … {len(others) - _SHOWN} more"
            raise errors.FilesDiffer(count=len(others), folder=self._folder, listed=listed)

    def _check_folders(self, path: str) -> None:
        above = path.rpartition("/")[0]
        while above:
            stat = self._tree.stat(above)
            if stat is not None and not stat.is_folder:
                raise errors.NotWritable(path=self._folder / above, reason="it is not a folder")
            above = above.rpartition("/")[0]

    def _fetch(self, remote: Remote, recipes: Sequence[Sequence[Recipe]], progress: Progress | None) -> int:
        inventory = Inventory(self._repository, remote.backend, remote.jobs)
        chunks = promisor.chunks_of(self._repository, recipes, inventory)
        return promisor.fetch_chunks(self._repository, remote, chunks, progress, inventory)

    def _recipes(self, entry: TreeEntry) -> list[Recipe]:
        """Return the recipes of a file, in the order in which readers prefer them. Raises Missing, Damaged."""
        recipes = sorted(self._repository.recipes.for_file(entry.file), key=Recipe.preference)
        recipes = [each for each in recipes if each.size == entry.size]
        if not recipes:
            raise errors.Missing(what=f"the recipe of {escape_name(entry.path)}, file", id=entry.file)
        return recipes

    def _write(self, entry: TreeEntry, progress: Progress | None) -> None:
        temporary = self._repository.door.temporary()
        try:
            self._repository.extract.to_temporary(entry.file, temporary, progress)
            temporary.close(0o777 if entry.exec else 0o666)
            if not self._force and self._tree.stat(entry.path) is not None and self._before[entry.path] is None:
                raise errors.FilesDiffer(count=1, folder=self._folder, listed=f"  {escape_name(entry.path)}")
            self._tree.place(temporary.path, entry.path)
        finally:
            temporary.discard()

    def _set_mode(self, entry: TreeEntry) -> None:
        stat = self._before[entry.path]
        if stat is not None and stat.executable != entry.exec:
            self._tree.chmod(entry.path, executable=entry.exec)
