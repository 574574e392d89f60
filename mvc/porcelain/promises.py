"""Files that are to be read now: those that remotes promised are fetched, all else costs one look at a folder."""

from __future__ import annotations

from collections.abc import Iterable

from mvc import lazy
from mvc.model.ids import FileId, VersionId
from mvc.repository.repository import Repository
from mvc.storage.absence import PROMISED
from mvc.storage.progress import Progress


def have(repository: Repository, files: Iterable[FileId], progress: Progress | None = None) -> None:
    """Have the bytes of `files` here. Not under the lock. Raises as `mvc.porcelain.bringing.bring`."""
    if repository.door.names(PROMISED):
        lazy.load("mvc.porcelain.bringing").bring(repository, files, progress)


def have_version(repository: Repository, id_: VersionId | None, progress: Progress | None = None) -> None:
    """Have the bytes of all files of a version here."""
    if id_ is not None and repository.door.names(PROMISED):
        version = repository.objects.version(id_)
        entries = repository.objects.tree(version.tree).entries
        have(repository, (version.model_toml, *(entry.file for entry in entries)), progress)
