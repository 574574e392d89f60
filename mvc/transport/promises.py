"""Promised files of a version: fetched before a command reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.model import roles
from mvc.model.ids import VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.repository.repository import Repository
from mvc.repository.worktree import model_file
from mvc.storage.progress import Progress
from mvc.storage.records.promised import EXPIRED, PROMISED

if TYPE_CHECKING:
    from mvc.transport import promisor
else:
    promisor = lazy.Module("mvc.transport.promisor")


def ensure_present(repository: Repository, entries: Iterable[TreeEntry], progress: Progress | None = None) -> None:
    """Fetch the bytes of those `entries` that are promised. Raises as `mvc.transport.promisor.fetch_files`.

    The caller must not hold the exclusive lock.
    """
    if repository.door.names(PROMISED) or repository.door.names(EXPIRED):
        files = {entry.file: entry.path for entry in entries}
        promisor.fetch_files(repository, files, progress)


def ensure_version_present(repository: Repository, id_: VersionId | None, progress: Progress | None = None) -> None:
    """Fetch the promised bytes of a version, model.toml included; None for no version."""
    if id_ is not None:
        ensure_present(repository, entries_of(repository, id_), progress)


def entries_of(repository: Repository, id_: VersionId) -> list[TreeEntry]:
    """Return the files of a version, its model.toml first."""
    version = repository.objects.version(id_)
    toml = TreeEntry(model_file.NAME, model_file.NAME, 0, version.model_toml)
    return [toml, *repository.objects.tree(version.tree).entries]


def entries_by_role(repository: Repository, id_: VersionId) -> list[TreeEntry]:
    """Return an entry for each role of the files of a version, its model.toml first."""
    version = repository.objects.version(id_)
    toml, *entries = entries_of(repository, id_)
    served = roles.expanded(repository.objects.manifest(version.manifest), Tree(tuple(entries)))
    return [toml, *served.entries]
