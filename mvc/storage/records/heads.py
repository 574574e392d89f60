"""Heads: the folder of each model, and its current branch or detached version."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import OMITTED, Record, is_inside

FOLDER = "heads"


def _is_folder(path: str) -> bool:
    """Return whether `path` is a folder in the repository, and not one of version control."""
    return not path or is_inside(path)


@dataclass(frozen=True, slots=True)
class Head(Record):
    """The HEAD of a model: on `branch`, or detached at `version`; exactly one of them is set.

    `folder` is the path from the repository's root to the folder of its `model.toml`, with `/`; "" is the root.
    """

    KIND = "head"
    NOUN = "head"

    folder: Annotated[str, _is_folder]
    branch: str | None = field(default=None, metadata=OMITTED)
    version: VersionId | None = field(default=None, metadata=OMITTED)

    def check(self) -> None:
        """Raise ValueError unless exactly one of branch and version is set."""
        if (self.branch is None) == (self.version is None):
            raise ValueError

    def at(self) -> VersionId:
        """Return the version of a detached head."""
        assert self.version is not None  # noqa: S101 - one of the two is set
        return self.version


class Heads:
    """The heads of all models."""

    def __init__(self, door: StoreDoor) -> None:
        """Read and write below `door`."""
        self._door = door
        self.instead: dict[str, Head] = {}
        """Heads that are read as they were, by model."""

    def path(self, model: str) -> str:
        """Return the name of the head of `model`, below `.mvc`."""
        return f"{FOLDER}/{names.encode_component(model)}"

    def models(self) -> list[str]:
        """Return the models of this repository, sorted."""
        return sorted(names.decode_component(name) for name in self._door.names(FOLDER))

    def get(self, model: str) -> Head | None:
        """Return the head of `model`, None when there is none; raise Damaged."""
        if not names.has_component(model):
            return None
        if model in self.instead:
            return self.instead[model]
        try:
            return Head.decode(self._door.read(self.path(model)), what=f"the head of {model}")
        except FileNotFoundError:
            return None

    def set(self, model: str, head: Head) -> None:
        """Move the head of `model`, durably."""
        self._door.replace(self.path(model), head.encode())

    def remove(self, model: str) -> None:
        """Remove the head of `model`, if it exists."""
        self._door.remove(self.path(model))
