"""Heads: for each model, the folder it lives in and the branch or version its files stand at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from mvc import errors
from mvc.model import names, paths
from mvc.model.ids import VersionId, is_id
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import sealed

FOLDER = "heads"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a model stands: on `branch`, or detached at `version`; exactly one of them is set.

    `folder` is the path from the repository's root to the folder of its `model.toml`, with `/`; "" is the root.
    """

    folder: str
    branch: str | None = None
    version: VersionId | None = None

    def at(self) -> VersionId:
        """The version of a detached head."""
        assert self.version is not None  # noqa: S101 - one of the two is set
        return self.version

    def to_json(self) -> dict[str, Any]:
        """The record, without its checksum."""
        where = {"branch": self.branch} if self.branch is not None else {"version": self.version}
        return {"kind": "head", "v": 1, "folder": self.folder, **where}

    @classmethod
    def from_json(cls, record: dict[str, Any], *, what: str) -> Self:
        """The head in a record; raises Damaged."""
        branch, version, folder = record.get("branch"), record.get("version"), record.get("folder")
        right = (isinstance(branch, str) and version is None) or (branch is None and is_id(version))
        if not right or not isinstance(folder, str) or record.get("v") != 1 or len(record) != 4:
            raise errors.Damaged(what=what, reason="its fields are not those of a head")
        _check_folder(folder, what)
        return cls(folder, branch, version)


def _check_folder(folder: str, what: str) -> None:
    """Raise Damaged for a folder outside the repository, or one of version control."""
    try:
        if folder:
            paths.check_inside(folder)
    except errors.Refused as error:
        raise errors.Damaged(what=what, reason=error.message.rstrip(".")) from error


class Heads:
    """The heads of all models."""

    def __init__(self, door: StoreDoor) -> None:
        """Read and write below `door`."""
        self._door = door

    def path(self, model: str) -> str:
        """Where the head of `model` lies, below `.mvc`."""
        return f"{FOLDER}/{names.encode_component(model)}"

    def models(self) -> list[str]:
        """The models of this repository, sorted."""
        return sorted(names.decode_component(name) for name in self._door.names(FOLDER))

    def get(self, model: str) -> Head | None:
        """The head of `model`, None when there is none; raises Damaged."""
        if not names.has_component(model):
            return None
        what = f"the head of {model}"
        try:
            record = sealed.unseal(self._door.read(self.path(model)), what=what, kind="head")
        except FileNotFoundError:
            return None
        return Head.from_json(record, what=what)

    def set(self, model: str, head: Head) -> None:
        """Move the head of `model`, durably."""
        self._door.replace(self.path(model), sealed.seal(head.to_json()))

    def remove(self, model: str) -> None:
        """Have `model` stand nowhere; done already is fine."""
        self._door.remove(self.path(model))
