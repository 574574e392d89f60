"""`mvc du`: what versions take on disk, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mvc.model.ids import FileId, VersionId
from mvc.repository import history
from mvc.repository.repository import Repository

_Piece = tuple[str, int]
"""A chunk, or an inline file, and the bytes it takes in the store."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one version, in bytes: its files' sizes, what they take in the store, and what of that no other version needs."""

    id: VersionId
    number: int
    total: int
    stored: int
    unique: int

    @property
    def shared(self) -> int:
        """What other versions need too."""
        return self.stored - self.unique

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "id": self.id,
            "number": self.number,
            "total": self.total,
            "stored": self.stored,
            "unique": self.unique,
            "shared": self.shared,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Each version asked for; of all versions of the model together, the files' sizes and what they take; of the whole
    store, the bytes on disk."""

    versions: tuple[Usage, ...]
    total: int
    stored: int
    on_disk: int

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "versions": [usage.to_json() for usage in self.versions],
            "total": self.total,
            "stored": self.stored,
            "on_disk": self.on_disk,
        }


def du(repository: Repository, model: str, wanted: Sequence[VersionId] = ()) -> Report:
    """What `wanted`, or else all versions of `model`, take. Raises Damaged."""
    every = [id_ for id_, _ in history.walk(repository.objects, history.tips(repository, model))]
    sizes = _Sizes(repository)
    held = {id_: sizes.of_version(id_) for id_ in dict.fromkeys([*every, *wanted])}
    users: dict[str, int] = {}
    for pieces in held.values():
        for piece in pieces:
            users[piece] = users.get(piece, 0) + 1
    usages = tuple(_usage(repository, id_, held[id_], users) for id_ in (wanted or every))
    together = {piece: size for pieces in held.values() for piece, size in pieces.items()}
    totals = [sum(entry.size for entry in _tree(repository, id_)) for id_ in every]
    return Report(usages, sum(totals), sum(together.values()), _on_disk(repository))


def _tree(repository: Repository, id_: VersionId) -> Sequence[Any]:
    return repository.objects.tree(repository.objects.version(id_).tree).entries


def _usage(repository: Repository, id_: VersionId, pieces: dict[str, int], users: dict[str, int]) -> Usage:
    unique = sum(size for piece, size in pieces.items() if users[piece] == 1)
    total = sum(entry.size for entry in _tree(repository, id_))
    return Usage(id_, repository.objects.version(id_).number, total, sum(pieces.values()), unique)


class _Sizes:
    """What files take in the store, each looked up once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._known: dict[FileId, list[_Piece]] = {}

    def of_version(self, id_: VersionId) -> dict[str, int]:
        return {piece: size for entry in _tree(self._repository, id_) for piece, size in self._of(entry.file)}

    def _of(self, file: FileId) -> list[_Piece]:
        if file not in self._known:
            self._known[file] = list(self._look(file))
        return self._known[file]

    def _look(self, file: FileId) -> list[_Piece]:
        recipe = self._repository.recipes.best(file)
        if recipe is None:
            return []
        if recipe.inline is not None:
            return [(file, recipe.size)]
        return [(chunk, self._repository.chunks.find(chunk)[0].entry.stored) for chunk, _ in recipe.chunks]


def _on_disk(repository: Repository) -> int:
    return sum(repository.door.size_of(folder) for folder in ("objects", "recipes", "packs", "meta", "refs"))
