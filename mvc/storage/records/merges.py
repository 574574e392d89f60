"""Merges in progress: the versions being merged into a model, until its conflicts are resolved.

    merges/helmets  {"base":"1f…","kind":"merge","message":"Merge night into main","model":"helmets","ours":"3a…",
                     "takes":{"parameters.lr":"theirs"},"theirs":"77…","v":1,"sum":"…"}

A record is valid only while the model's HEAD is at `ours`, so the commit that concludes the merge also ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from mvc.model import names
from mvc.model.ids import VersionId
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import Component, Record

FOLDER = "merges"
_SIDES = frozenset({"ours", "theirs"})


@dataclass(frozen=True, slots=True)
class MergeState(Record):
    """A merge of `theirs` into `ours`, both descendants of `base`; `takes` has the side that resolves each field in conflict."""

    KIND = "merge"
    NOUN = "merge in progress"

    model: Component
    base: VersionId
    ours: VersionId
    theirs: VersionId
    message: str
    takes: Mapping[str, Annotated[str, _SIDES.__contains__]] = field(default_factory=dict)


def path(model: str) -> str:
    """Return the name of the record of `model`, below `.mvc`."""
    return f"{FOLDER}/{names.encode_component(model)}"


def recorded(door: StoreDoor, model: str) -> MergeState | None:
    """Return the record of `model`, None when there is none; raise Damaged."""
    try:
        return MergeState.decode(door.read(path(model)), what=f"the merge of {model}")
    except FileNotFoundError:
        return None


def models(door: StoreDoor) -> list[str]:
    """Return the models that have a record, sorted; raise Damaged."""
    return sorted(names.decode_component(name) for name in door.names(FOLDER))


def record(door: StoreDoor, state: MergeState) -> None:
    """Record the merge of a model, durably."""
    door.replace(path(state.model), state.encode())


def end(door: StoreDoor, model: str) -> None:
    """Remove the record of `model`, if there is one."""
    door.remove(path(model))
