"""Stashes: one log of each model, of numbered entries that are created once; the newest stash is the last one added.

    stashes/helmets/0000000001   {"kind":"stash","version":"9f…","drops":null,"reason":"WIP on main: v3 60ab… Night", …}
    stashes/helmets/0000000002   {"kind":"stash","version":null,"drops":1,"reason":"stash: pop", …}

An entry adds the stash of a version, or drops that of an earlier entry. Each has the checksum of its predecessor (`prev`).
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.ids import VersionId, digest
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import INLINE, Id, Record
from mvc.storage.records.reflog import Move, RefLogs

FOLDER = "stashes"


def _is_number(seq: int) -> bool:
    return seq > 0


@dataclass(frozen=True, slots=True)
class StashEntry(Record):
    """The addition of the stash `version`, or the drop of the one that entry number `drops` added."""

    KIND = "stash"
    NOUN = "stash entry"

    seq: int
    prev: Id | None
    version: VersionId | None
    drops: Annotated[int, _is_number] | None
    move: Move = field(metadata=INLINE)

    def check(self) -> None:
        """Raise ValueError unless it adds one stash or drops an earlier one."""
        if (self.version is None) == (self.drops is None) or (self.drops is not None and self.drops >= self.seq):
            raise ValueError


def folder(model: str) -> str:
    """Return the folder of the log of `model`, below `.mvc`."""
    return f"{FOLDER}/{names.encode_component(model)}"


def models(door: StoreDoor) -> list[str]:
    """Return the models that have a log, sorted; raise Damaged."""
    return sorted(names.decode_component(name) for name in door.names(FOLDER))


def read(door: StoreDoor, model: str) -> list[StashEntry]:
    """Return all entries, oldest first; raise Damaged if one is damaged or missing from the middle."""
    return [entry for entry, _ in _log(door, model)]


def standing(entries: list[StashEntry]) -> list[StashEntry]:
    """Return the entries of the stashes that exist, newest first: number 0 is the first of them."""
    dropped = {entry.drops for entry in entries}
    return [entry for entry in reversed(entries) if entry.version is not None and entry.seq not in dropped]


def exist(door: StoreDoor) -> bool:
    """Return whether any model has a stash; raise Damaged."""
    return any(standing(read(door, model)) for model in models(door))


def append(
    door: StoreDoor, model: str, move: Move, *, version: VersionId | None = None, drops: int | None = None
) -> None:
    """Append an entry, durably; raise RefMoved if another command appended first."""
    log = _log(door, model)
    seq, prev = (log[-1][0].seq + 1, log[-1][1]) if log else (1, None)
    entry = StashEntry(seq, prev, version, drops, move)
    if not door.create(_path(model, seq), entry.encode()):
        raise errors.RefMoved(ref=FOLDER, by="another command", reason=f"entry {seq}")


def _log(door: StoreDoor, model: str) -> list[tuple[StashEntry, str]]:
    """Return each entry with the checksum of its bytes."""
    found: list[tuple[StashEntry, str]] = []
    for number in RefLogs.numbered(door.names(folder(model))):
        path = _path(model, number)
        data = door.read(path)
        entry = StashEntry.decode(data, what=path)
        before = found[-1][1] if found else None
        if entry.seq != number or number != len(found) + 1 or entry.prev != before:
            raise errors.Damaged(what=path, reason="it does not continue the previous entry")
        found.append((entry, digest(data)))
    return found


def _path(model: str, seq: int) -> str:
    return f"{folder(model)}/{seq:010d}"
