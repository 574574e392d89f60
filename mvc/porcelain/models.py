"""`mvc models`: the models of a repository, and renaming one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.repository import apply
from mvc.repository.repository import Repository
from mvc.storage.journal import Journal


@dataclass(frozen=True, slots=True)
class Listed:
    """A model, its folder, and where it stands."""

    name: str
    folder: str
    branch: str | None
    version: VersionId | None
    number: int | None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "name": self.name,
            "folder": self.folder,
            "branch": self.branch,
            "id": self.version,
            "number": self.number,
        }


def models(repository: Repository) -> list[Listed]:
    """All models, sorted."""
    found = []
    for name in repository.heads.models():
        head, version = repository.head(name), repository.current(name)
        number = repository.objects.version(version).number if version else None
        found.append(Listed(name, head.folder, head.branch, version, number))
    return found


def rename(repository: Repository, old: str, new: str) -> None:
    """Give a model another key: its logs, its head and its model.toml follow, all or nothing.

    Raises NoModel, BadModelKey, ModelExists.
    """
    names.check_model_key(new)
    with repository.writing():
        repository.head(old)
        if new in repository.heads.models() or new in repository.refs.models():
            raise errors.ModelExists(model=new)
        apply.change(repository, Journal("models", old, rename=new), {}, None)
