"""Candidates: versions that a ref is about to be at, stored ones and those that are not made yet."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from mvc.deferred import dataclass
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.formats.weight_format import WeightFormat
from mvc.model.compare.diff import Snapshot
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.repository import contents as file_contents
from mvc.repository import history
from mvc.repository.contents import Contents
from mvc.storage.records.promised import State

if TYPE_CHECKING:
    from mvc.repository.repository import Repository
    from mvc.scan.verdict import Report

NEW = "the new version"
"""How messages call a version that is not made yet."""
ABSENT = WeightFormat("absent")
"""The format of a file whose bytes are not here, and of which no recipe says it."""


@dataclass(frozen=True)
class Candidate:
    """A version by its values and files; `id` is None for one that is not made yet, whose parents are `parents`.

    `called` is how messages call it. `contents` reads the files; those of `tree` without an id are in the working tree.
    Of one that is `offered` by another store, files whose bytes are not here have a format only if they are named like weights.
    """

    repository: Repository
    called: str
    id: VersionId | None
    parents: tuple[VersionId, ...]
    manifest: Manifest
    tree: Tree
    contents: Contents
    offered: bool = False

    @cached_property
    def formats(self) -> dict[str, str]:
        """The format of each weight file, by its path; a file beside a header that lists its tensors has that one's."""
        found: dict[str, str] = {}
        beside: dict[str, str] = {}
        for entry in self.tree.entries:
            known = self._format(entry)
            folder = entry.path.rpartition("/")[0]
            beside.update({f"{folder}/{name}" if folder else name: known.name for name in known.beside})
            if known.name:
                found[entry.path] = known.name
        return {path: beside.get(path, name) for path, name in found.items()}

    @cached_property
    def reports(self) -> dict[str, Report | None]:
        """The answer of the scan for each file, by its path; None for one whose bytes are not here. Raises Missing, Damaged."""
        stored_files = file_contents.stored(self.repository)
        reports = {
            entry.path: (stored_files if entry.file and self.id is None else self.contents).scan(entry)
            for entry in self.tree.entries
        }
        self.repository.scans.save()
        return reports

    def _is_elsewhere(self, entry: TreeEntry) -> bool:
        """Return whether only the other store has a file, which a download did not record as promised."""
        return self.offered and self.repository.promised.state(entry.file) is State.MISSING

    def _format(self, entry: TreeEntry) -> WeightFormat:
        known = None if self._is_elsewhere(entry) else self.contents.weight_format(entry)
        if known is None:
            recipe = self.repository.recipes.best_known(entry.file) if entry.file else None
            name = recipe.segmenter.get("format") if recipe is not None else None
            if name is None and self.offered and not entry.path.lower().endswith(WEIGHT_SUFFIXES):
                return WeightFormat("")
            return WeightFormat(str(name)) if name is not None else ABSENT
        return known


def stored(repository: Repository, id_: VersionId) -> Candidate:
    """Return a stored version; one that is about to be stored is made durable first. Raises Missing, Damaged."""
    if not repository.objects.has(id_):
        repository.door.barrier()
    version = repository.objects.version(id_)
    manifest, tree = repository.objects.manifest(version.manifest), repository.objects.tree(version.tree)
    called = history.label(repository, id_)
    return Candidate(repository, called, id_, version.parents, manifest, tree, file_contents.stored(repository))


def offered(repository: Repository, id_: VersionId) -> Candidate:
    """Return a version that another store has a name for; nothing of its files is fetched. Raises Missing, Damaged."""
    return replace(stored(repository, id_), offered=True)


def planned(repository: Repository, snapshot: Snapshot, parents: tuple[VersionId, ...]) -> Candidate:
    """Return a version that a merge or the like is about to make of stored files."""
    contents = file_contents.stored(repository)
    return Candidate(repository, NEW, None, parents, snapshot.manifest, snapshot.tree, contents)


def working(
    repository: Repository, folder: str, manifest: Manifest, tree: Tree, parents: tuple[VersionId, ...]
) -> Candidate:
    """Return the version that a commit is about to make of the working tree, whose files are not read yet."""
    return Candidate(repository, NEW, None, parents, manifest, tree, file_contents.working(repository, folder))
