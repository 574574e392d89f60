"""Dropped versions: records of `expired/` that name versions, whose bytes `mvc prune` removes on purpose.

    expired/0000000002   {"files":["60…"],"versions":["9f…","4c…"],"reason":"prune --keep-last 5",…}   the commit point
    pruned               {"seq":2}                                                                     their bytes are gone

A file is dropped while every version that uses it is in a record with that file, so a new version that uses it keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc.deferred import dataclass
from mvc.model.ids import FileId, VersionId, digest
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import promised
from mvc.storage.records.promised import Cause, Expired
from mvc.storage.records.record import Record

PRUNED = "pruned"
"""The name of the record of the last prune that ended, below `.mvc`."""


@dataclass(frozen=True, slots=True)
class Pruned(Record):
    """The number of the newest record whose bytes are gone."""

    KIND = "pruned"
    NOUN = "record of the last prune"

    seq: int


def append(door: StoreDoor, files: Iterable[FileId], versions: Iterable[VersionId], cause: Cause) -> int:
    """Append a record of dropped versions, and return its number: the commit point. Raises RefMoved."""
    return promised.append(door, promised.EXPIRED, files, cause, more={"versions": tuple(sorted(versions))}).seq


def repeat(door: StoreDoor, record: Expired, files: Iterable[FileId]) -> None:
    """Append a record of a remote, with those of its `files` that are not here. Raises RefMoved."""
    more = {"versions": record.versions, "revived": record.revived, "source": digest(record.encode())}
    promised.append(door, promised.EXPIRED, files, Cause(record.reason, record.by, record.at), more=more)


def pruned(door: StoreDoor) -> int:
    """Return the number of the newest record whose bytes are gone, 0 for none. Raises Damaged."""
    try:
        return Pruned.decode(door.read(PRUNED), what=PRUNED).seq
    except FileNotFoundError:
        return 0


def record_pruned(door: StoreDoor, seq: int) -> None:
    """Record that the bytes of all records up to `seq` are gone. The caller holds the lock."""
    if seq > pruned(door):
        door.make_packs_durable()  # an interrupted collection may have removed packs without an fsync of their folders
        door.replace(PRUNED, Pruned(seq).encode())
