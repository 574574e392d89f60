"""Delta bases of a new version: files of its first parent, of its `model.parent`, of its other parents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.repository import lineage
from mvc.repository.model import Model
from mvc.storage.chunks.bases import Bases, Candidate
from mvc.storage.chunks.recipes import Recipe

if TYPE_CHECKING:
    from mvc.repository.repository import Repository


def bases(model: Model, manifest: Manifest, parents: Sequence[VersionId]) -> Bases:
    """Return the delta bases for a version of `model` with these parents; unreadable files are left out."""

    def versions() -> Iterator[VersionId]:
        yield from parents[:1]
        yield from origin(model, manifest)
        yield from parents[1:]

    def recipe(file: FileId) -> Recipe | None:
        try:
            return model.repository.recipes.best(file)
        except errors.Damaged:
            return None

    return Bases(_candidates(model.repository, versions()), recipe)


def origin(model: Model, manifest: Manifest) -> list[VersionId]:
    """Return the version that `model.parent` names, if this repository has it."""
    parent = manifest.model.get("parent")
    found = lineage.resolve(model, str(parent)) if parent else None
    return [] if found is None else [found]


def _candidates(repository: Repository, versions: Iterable[VersionId]) -> Iterator[Candidate]:
    for id_ in versions:
        try:
            entries = repository.objects.tree(repository.objects.version(id_).tree).entries
        except (errors.Damaged, errors.Missing):
            continue
        yield from (Candidate(entry.role, entry.file, entry.size) for entry in entries)
