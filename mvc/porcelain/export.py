"""`mvc export`: the files of a version in a plain folder, each verified while it is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mvc import errors
from mvc.model import paths
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.tree import Tree
from mvc.repository.model import Model
from mvc.repository.worktree import model_file
from mvc.storage.disk.exportdoor import ExportDoor, outside_store
from mvc.transport import promises


@dataclass(frozen=True, slots=True)
class Exported(Document):
    """The folder written, the number of files, and their bytes."""

    KEYS = keys("version directory files bytes_total=bytes")

    version: VersionId
    directory: Path
    files: int
    bytes: int


def export(
    model: Model,
    id_: VersionId,
    directory: Path,
    *,
    progress: Callable[[int], None] | None = None,
) -> Exported:
    """Write the files of version `id_` and its model.toml to `directory`, which must be absent or empty.

    The folder is built under a temporary name and renamed last, so it is complete or absent. Raises InsideStore,
    NotEmpty, Damaged, UnportablePath, NotWritable, DiskFailed.
    """
    repository = model.repository
    version = repository.objects.version(id_)
    tree = repository.objects.tree(version.tree)
    check_target(tree, directory)
    promises.ensure_version_present(repository, id_)
    with ExportDoor(directory) as door:
        for entry in tree.entries:
            with door.file(entry.path, executable=entry.exec) as temporary:
                repository.extract.to_temporary(entry.file, temporary, progress=progress)
        with door.file(model_file.NAME, executable=False) as temporary:
            temporary.write(model_file.of_version(repository, version, model.key))
        door.finish()
    return Exported(id_, directory, len(tree.entries), sum(entry.size for entry in tree.entries))


def check_target(tree: Tree, directory: Path) -> None:
    """Raise unless `directory` is absent or empty, outside of a store, and can have every file of `tree`.

    Raises InsideStore, NotEmpty, UnportablePath, UnsafePath, CollidingPaths.
    """
    outside_store(directory)
    for entry in tree.entries:
        paths.check_path(entry.path)
    for first, second in paths.collisions(entry.path for entry in tree.entries):
        raise errors.CollidingPaths(first=first, second=second)
    if os.path.lexists(directory) and (not directory.is_dir() or any(directory.iterdir())):
        raise errors.NotEmpty(path=directory)
