"""The record of an unfinished clone: its source, so that the same command can resume it.

    clone  {"kind":"clone","model":null,"url":"s3://models/vision","v":1,"sum":"…"}

It is created with `.mvc` itself and removed last. While it is there, only the same `clone` and `fsck` open the repository.
"""

from __future__ import annotations

from dataclasses import field

from mvc.deferred import dataclass
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import OMITTED, Record

NAME = "clone"


@dataclass(frozen=True, slots=True)
class CloneSource(Record):
    """The URL of a clone, its model (None: all), and the branch, tag or version to check out (None: main)."""

    KIND = "clone"
    NOUN = "record of an unfinished clone"

    url: str
    model: str | None = None
    revision: str | None = field(default=None, metadata=OMITTED)


def unfinished(door: StoreDoor) -> CloneSource | None:
    """Return the source of an unfinished clone, None for any other repository; raise Damaged."""
    try:
        return CloneSource.decode(door.read(NAME))
    except FileNotFoundError:
        return None


def end(door: StoreDoor) -> None:
    """Remove the record durably: the clone is complete."""
    door.remove(NAME)
