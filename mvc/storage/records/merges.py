"""Merges under way: what a model's files are the merge of, until somebody has decided its conflicts.

    merges/helmets  {"base":"1f…","kind":"merge","message":"Merge night into main","model":"helmets","ours":"3a…",
                     "takes":{"parameters.lr":"theirs"},"theirs":"77…","v":1,"sum":"…"}

A record counts only while the model stands at `ours`: the version that ends the merge ends it in the same step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from mvc import errors
from mvc.model import names
from mvc.model.ids import VersionId, is_id
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import sealed

FOLDER = "merges"
_FIELDS = {"kind", "v", "model", "base", "ours", "theirs", "message", "takes"}
_SIDES = {"ours", "theirs"}


@dataclass(frozen=True, slots=True)
class MergeState:
    """A merge of `theirs` into `ours`, both made from `base`; `takes` says of fields in conflict whose side is taken."""

    model: str
    base: VersionId
    ours: VersionId
    theirs: VersionId
    message: str
    takes: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The record, without its checksum."""
        return {
            "kind": "merge",
            "v": 1,
            "model": self.model,
            "base": self.base,
            "ours": self.ours,
            "theirs": self.theirs,
            "message": self.message,
            "takes": dict(self.takes),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The merge in a record; raises Damaged."""
        ids = all(is_id(record.get(name)) for name in ("base", "ours", "theirs"))
        texts = all(isinstance(record.get(name), str) for name in ("model", "message"))
        takes = record.get("takes")
        if not (ids and texts and isinstance(takes, dict) and set(record) == _FIELDS and record["v"] == 1):
            raise errors.Damaged(what="a merge under way", reason="its fields are not those of a merge")
        if not names.has_component(record["model"]):
            raise errors.Damaged(what="a merge under way", reason="its model has a name that no model can have")
        if not all(isinstance(side, str) and side in _SIDES for side in takes.values()):
            raise errors.Damaged(what="a merge under way", reason="it takes a side that there is not")
        return cls(record["model"], record["base"], record["ours"], record["theirs"], record["message"], takes)


def path(model: str) -> str:
    """Where the merge of `model` lies, below `.mvc`."""
    return f"{FOLDER}/{names.encode_component(model)}"


def recorded(door: StoreDoor, model: str) -> MergeState | None:
    """The record of `model`, None when there is none; raises Damaged."""
    what = f"the merge of {model}"
    try:
        return MergeState.from_json(sealed.unseal(door.read(path(model)), what=what, kind="merge"))
    except FileNotFoundError:
        return None


def models(door: StoreDoor) -> list[str]:
    """The models that have a record, sorted; raises Damaged."""
    return sorted(names.decode_component(name) for name in door.names(FOLDER))


def record(door: StoreDoor, state: MergeState) -> None:
    """Have `state` be the merge of its model, durably."""
    door.replace(path(state.model), sealed.seal(state.to_json()))


def end(door: StoreDoor, model: str) -> None:
    """Have no merge of `model`; done already is fine."""
    door.remove(path(model))
