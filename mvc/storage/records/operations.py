"""Operations: a record of each command that changes refs, HEAD or files, written before its first change.

    operations/0000000007   {"command":"mvc commit -m two","kind":"operation","refs":[["heads","main",4,"9f…"]],…}

A record is written first and believed last: it names the ref entries that are about to be created, and counts only as far
as these exist. So an interrupted command leaves nothing to repair, and the commit point is the ref entry, as before. A
damaged record is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, is_id
from mvc.model.version import Timestamp
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import MoveStep
from mvc.storage.records.merges import MergeState
from mvc.storage.records.record import ADDED, OMITTED, Component, InsidePath, Record

FOLDER = "operations"
DISCARDED = ""
"""The content of a file that was not kept, as the user requested."""
_NUMBER = re.compile(r"[0-9]{10}\Z")
_GAP = 1_000_000
"""More than the numbers that are ever missing between two records."""


def _is_content(id_: str) -> bool:
    return id_ == DISCARDED or is_id(id_)


class PlannedEntry(NamedTuple):
    """A ref entry that the command is about to create: it exists if entry `seq` has this `nonce`."""

    kind: str
    name: Component
    seq: int
    nonce: str


class FileChange(NamedTuple):
    """A change of the file at `path`, from the repository's root: its content before and after, None for no file."""

    path: InsidePath
    old: Annotated[str, _is_content] | None
    old_executable: bool
    new: FileId | None
    new_executable: bool


@dataclass(frozen=True, slots=True)
class Operation(Record):
    """One command, or a part of it: the operation number `part_of` then has the first part.

    `model` is None for a command on the whole repository. `head` and `merge` are those before; `head_after` is set if HEAD moves, `sparse` has the list before if it changes, and
    `texts` the bytes of each model.toml before; `stash` is the number of entries in the stash log before. `kept` are the
    files that are stored only for this record. An undo names in `undoes` the operations that it reverses; for `redo`, these
    are undos. Paths of `files` are those after `moves`.
    """

    KIND = "operation"
    NOUN = "operation"

    verb: str
    command: str
    by: str
    at: Timestamp
    model: Component | None = field(default=None, metadata=OMITTED)
    head: Head | None = field(default=None, metadata=OMITTED)
    head_after: Head | None = field(default=None, metadata=OMITTED)
    merge: MergeState | None = field(default=None, metadata=OMITTED)
    rename: Component | None = field(default=None, metadata=OMITTED)
    part_of: int | None = field(default=None, metadata=OMITTED)
    sparse: tuple[InsidePath, ...] | None = field(default=None, metadata=OMITTED)
    stash: int | None = field(default=None, metadata=OMITTED)
    refs: tuple[PlannedEntry, ...] = field(default=(), metadata=ADDED)
    files: tuple[FileChange, ...] = field(default=(), metadata=ADDED)
    texts: Mapping[InsidePath, str] = field(default_factory=dict, metadata=ADDED)
    kept: tuple[FileId, ...] = field(default=(), metadata=ADDED)
    undoes: tuple[int, ...] = field(default=(), metadata=ADDED)
    redo: bool = field(default=False, metadata=ADDED)
    moves: tuple[MoveStep, ...] | None = field(default=None, metadata=OMITTED)


def path(number: int) -> str:
    """Return the name of a record, below `.mvc`."""
    return f"{FOLDER}/{number:010d}"


def numbers(door: StoreDoor) -> list[int]:
    """Return the numbers of the records, ascending, without a last one far beyond the others: it would hide the next ones."""
    found = sorted(int(name) for name in door.names(FOLDER) if _NUMBER.match(name))
    while len(found) > 1 and found[-1] - found[-2] > _GAP:
        del found[-1]
    return found


def read(door: StoreDoor, number: int) -> Operation:
    """Return a record; raise Damaged, FileNotFoundError."""
    return Operation.decode(door.read(path(number)), what=f"operation {number}")


def sound(door: StoreDoor) -> dict[int, Operation]:
    """Return the records that can be read, by number, ascending."""
    found = {}
    for number in numbers(door):
        try:
            found[number] = read(door, number)
        except (errors.MvcError, FileNotFoundError):  # believed last: a damaged record counts for nothing
            continue
    return found


def append(door: StoreDoor, operation: Operation) -> int:
    """Write the next record durably; return its number."""
    data = operation.encode()
    number = max(numbers(door), default=0) + 1
    while not door.create(path(number), data):
        number += 1
    return number


def all_expired(door: StoreDoor, since: int) -> bool:
    """Return whether there are records, and all were made before `since`, in seconds since 1970."""
    records = sound(door)
    return bool(records) and all(record.at.seconds <= since for record in records.values())


def expire(door: StoreDoor, since: int) -> None:
    """Remove the records made before `since`, in seconds since 1970, except the newest, as numbers are not used again."""
    records = sound(door)
    door.remove_all([path(number) for number in [*records][:-1] if records[number].at.seconds <= since])
