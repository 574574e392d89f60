"""Merges in progress: the versions being merged into a model, until its conflicts are resolved; also for `revert`, `cherry-pick`.

    merges/helmets  {"base":"1f…","kind":"merge","message":"Merge night into main","model":"helmets","ours":"3a…",
                     "takes":{"parameters.lr":"theirs"},"theirs":"77…","v":1,"sum":"…"}

    command     base              theirs            the version that concludes it
    merge       the merge base    REV               has both parents; the record has no `picks`
    revert      REV               its parent        has one parent, and `ext.mvc.reverts`
    cherry-pick its parent        REV               has one parent, REV's author, and `ext.mvc.picked-from`

A record is valid only while the model's HEAD is at `ours`, so the commit that concludes the merge also ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any

from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import OMITTED, Component, Record

FOLDER = "merges"
MERGE, REVERT, CHERRY_PICK = "merge", "revert", "cherry-pick"
_SIDES = frozenset({"ours", "theirs"})
_PICKS = frozenset({REVERT, CHERRY_PICK})
_KEYS = {REVERT: "reverts", CHERRY_PICK: "picked-from"}


@dataclass(frozen=True, slots=True)
class MergeState(Record):
    """A merge of the changes from `base` to `theirs` into `ours`; `takes` has the side that resolves each field in conflict.

    `picks` is REVERT or CHERRY_PICK, None for a merge.
    """

    KIND = "merge"
    NOUN = "merge in progress"

    model: Component
    base: VersionId
    ours: VersionId
    theirs: VersionId
    message: str
    takes: Mapping[str, Annotated[str, _SIDES.__contains__]] = field(default_factory=dict)
    picks: Annotated[str, _PICKS.__contains__] | None = field(default=None, metadata=OMITTED)

    @property
    def verb(self) -> str:
        """The command that began it."""
        return self.picks or MERGE

    @property
    def revision(self) -> VersionId:
        """The version that the command named."""
        return self.base if self.picks == REVERT else self.theirs

    @property
    def parents(self) -> tuple[VersionId, ...]:
        """The parents of the version that concludes it."""
        return (self.ours, self.theirs) if self.picks is None else (self.ours,)

    @property
    def ext(self) -> dict[str, Any]:
        """The `ext` of the version that concludes it."""
        return {"mvc": {_KEYS[self.picks]: self.revision}} if self.picks is not None else {}


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
