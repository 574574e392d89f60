"""Unfinished imports: a record for each model whose versions are being imported, until refs name them.

    importing/helmets   {"kind":"importing","source":"runs","sum":"…","v":1}

A version whose parent is here, and no ref log of its model, is the sign of a lost log; during an import, and after one that
was killed, it is not. A repeated import removes the record at its end.
"""

from __future__ import annotations

from mvc.deferred import dataclass
from mvc.model import names
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import Record

FOLDER = "importing"


@dataclass(frozen=True, slots=True)
class Unfinished(Record):
    """The source of an import in progress."""

    KIND = "importing"
    NOUN = "record of an import"

    source: str


def begin(door: StoreDoor, model: str, source: str) -> None:
    """Record that versions of `model` are being imported, durably. The caller holds the lock."""
    door.replace(_path(model), Unfinished(source).encode())


def end(door: StoreDoor, model: str) -> None:
    """Remove the record."""
    door.remove(_path(model))


def exists(door: StoreDoor, model: str) -> bool:
    """Return whether an import of versions of `model` is in progress, or was interrupted."""
    return door.exists(_path(model))


def _path(model: str) -> str:
    return f"{FOLDER}/{names.encode_component(model)}"
