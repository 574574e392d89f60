"""`mvc ls`: the files of a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc.model.ids import VersionId
from mvc.model.tree import TreeEntry
from mvc.repository.repository import Repository
from mvc.storage.absence import State


@dataclass(frozen=True, slots=True)
class Listed:
    """The files of a version; `states` says where the bytes of each are, by path (empty when nobody asked)."""

    model: str
    id: VersionId
    number: int
    entries: tuple[TreeEntry, ...]
    states: dict[str, State]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "model": self.model,
            "id": self.id,
            "number": self.number,
            "files": [{**entry.to_json(), **self._state(entry.path)} for entry in self.entries],
        }

    def _state(self, path: str) -> dict[str, str]:
        return {"state": self.states[path].value} if path in self.states else {}


def ls(repository: Repository, model: str, id_: VersionId, *, states: bool = False) -> Listed:
    """The files of version `id_`, by path; with `states`, where the bytes of each are. Raises Missing, Damaged."""
    version = repository.objects.version(id_)
    entries = repository.objects.tree(version.tree).entries
    found = {entry.path: repository.absences.state(entry.file) for entry in entries} if states else {}
    return Listed(model, id_, version.number, entries, found)
