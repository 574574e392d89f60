r"""Notes: what a registry answered of a version when it was last imported, kept here alone and part of no identity.

notes/picsellia/0197…   {"answer":"{\"name\": \"night\", …}","kind":"note","v":1,"sum":"…"}

An answer is kept as JSON text of its own, since it may hold what canonical JSON does not. A note that is lost, or damaged,
costs a comparison, and nothing else.
"""

from __future__ import annotations

import json
from typing import Any

from mvc import errors
from mvc.model import names
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import sealed

FOLDER = "notes"


def path(registry: str, id_: str) -> str:
    """Where the note of the version `id_` of a registry lies, below `.mvc`."""
    return f"{FOLDER}/{names.encode_component(registry)}/{names.encode_component(id_)}"


def write(door: StoreDoor, registry: str, id_: str, answer: Any) -> None:
    """Keep an answer in the place of an earlier one."""
    if names.has_component(id_):
        text = json.dumps(answer, sort_keys=True, ensure_ascii=True, indent=1)
        door.replace(path(registry, id_), sealed.seal({"kind": "note", "v": 1, "answer": text}))


def read(door: StoreDoor, registry: str, id_: str) -> Any:
    """What was answered; None where no whole note is here."""
    if not names.has_component(id_):
        return None
    try:
        record = sealed.unseal(door.read(path(registry, id_)), what=f"note {id_}", kind="note")
        return json.loads(record["answer"])
    except (FileNotFoundError, errors.Damaged, KeyError, ValueError, RecursionError):
        return None
