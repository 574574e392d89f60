"""Which stored files a new version's may rest on: those of its first parent, of the model it was made from, of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.repository import revisions
from mvc.storage.chunks.bases import Bases, Candidate
from mvc.storage.chunks.recipes import Recipe

if TYPE_CHECKING:
    from mvc.repository.repository import Repository


def bases(repository: Repository, model: str, manifest: Manifest, parents: Sequence[VersionId]) -> Bases:
    """The bases for a version of `model` with these parents; what cannot be read is none."""
    versions = [*parents[:1], *_origin(repository, model, manifest), *parents[1:]]

    def recipe(file: FileId) -> Recipe | None:
        try:
            return repository.recipes.best(file)
        except errors.Damaged:
            return None

    return Bases(_candidates(repository, versions), recipe)


def _origin(repository: Repository, model: str, manifest: Manifest) -> list[VersionId]:
    """The version that `model.parent` names, where it is one that is here."""
    parent = manifest.model.get("parent")
    try:
        return [revisions.resolve(repository, model, str(parent))] if parent else []
    except errors.MvcError:
        return []


def _candidates(repository: Repository, versions: Iterable[VersionId]) -> Iterator[Candidate]:
    for id_ in versions:
        try:
            entries = repository.objects.tree(repository.objects.version(id_).tree).entries
        except (errors.Damaged, errors.Missing):
            continue
        yield from (Candidate(entry.role, entry.file) for entry in entries)
