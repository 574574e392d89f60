r"""Import notes: a registry's answer about a version when it was last read, kept in this repository alone.

notes/picsellia/0197…   {"answer":"{\"name\": \"night\", …}","kind":"note","v":1,"sum":"…"}

An answer is stored as JSON text, since canonical JSON does not allow all of its values. No id depends on it: without the
note, only a comparison is less exact.
"""

from __future__ import annotations

import json
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import Record

FOLDER = "notes"


@dataclass(frozen=True, slots=True)
class ImportNote(Record):
    """An answer, as JSON text."""

    KIND = "note"
    NOUN = "import note"

    answer: str


def path(registry: str, id_: str) -> str:
    """Return the name of the note about the version `id_` of a registry, below `.mvc`."""
    return f"{FOLDER}/{names.encode_component(registry)}/{names.encode_component(id_)}"


def write(door: StoreDoor, registry: str, id_: str, answer: Any) -> None:
    """Replace the note about a version."""
    if names.has_component(id_):
        text = json.dumps(answer, sort_keys=True, ensure_ascii=True, indent=1)
        door.replace(path(registry, id_), ImportNote(text).encode())


def read(door: StoreDoor, registry: str, id_: str) -> Any:
    """Return the answer about a version; None if the note is absent or damaged."""
    if not names.has_component(id_):
        return None
    try:
        return json.loads(ImportNote.decode(door.read(path(registry, id_))).answer)
    except (FileNotFoundError, errors.Damaged, ValueError, RecursionError):
        return None
