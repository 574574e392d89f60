"""`mvc notes`: texts and values that people add to a version after the fact.

A note is not part of a version's identity. Notes are only appended: removing one adds an entry that withdraws it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import version as versions
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.toml import secrets
from mvc.model.toml.keys import parse_assignment
from mvc.model.toml.schema import dotted
from mvc.model.version import Timestamp
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.storage.records.annotations import log as logs
from mvc.storage.records.annotations import remarks
from mvc.storage.records.annotations.remarks import Note, Value

_SECTION = "parameters"
"""The section of model.toml whose values have the types that the values of notes may have."""


@dataclass(frozen=True, slots=True)
class ListedNote(Document):
    """A note on a version: its number among the notes of that version, its author, time, text and values by key.

    `version_number` is the version's number, None if that version is not here; `removed` is True for a removed note.
    """

    KEYS = keys("version version_number number time by text values removed")

    version: VersionId
    version_number: int | None
    number: int
    time: Timestamp
    by: str
    text: str
    values: Mapping[str, Value]
    removed: bool = False

    @classmethod
    def of(cls, note: Note, version_number: int | None, *, removed: bool = False) -> ListedNote:
        """Return an entry of a log."""
        return cls(
            note.version, version_number, note.seq, note.at, note.by, note.text, dict(note.values), removed=removed
        )


@writes
def add(
    model: Model,
    id_: VersionId,
    actor: Actor,
    *,
    text: str = "",
    values: Mapping[str, Any] | None = None,
    allow_secret: bool = False,
) -> ListedNote:
    """Add a note of `text`, `values` or both to a version. Raises BadNote, BadMessage, SecretInNote."""
    text, found = text.strip(), _checked(values or {})
    if text:
        versions.check_message(text)
    leaked = () if allow_secret else (*secrets.in_value(text, ("text",)), *secrets.in_value(found, ()))
    if leaked:
        raise errors.SecretInNote(findings="; ".join(f"{leak.key}: {leak.kind} {leak.masked}" for leak in leaked))
    return _append(model, Note(id_, 1, str(actor.person), actor.at, actor.nonce(), text=text, values=found))


@writes
def remove(model: Model, id_: VersionId, numbers: Sequence[int] | None, actor: Actor) -> list[ListedNote]:
    """Remove notes of a version by their numbers, None for all; their text stays in the history. Raises NoSuchNote.

    A damaged one is replaced by its removal.
    """
    at = _number(model, id_)
    with model.repository.locked():
        removed = model.repository.remarks.withdraw(
            *(model.key, id_, numbers),
            lambda: Note(id_, 1, str(actor.person), actor.at, actor.nonce()),
            lambda number: errors.NoSuchNote(version=history.label(model.repository, id_), number=number, id=id_[:10]),
        )
    return [ListedNote.of(note, at, removed=True) for note in removed]


def show(model: Model, id_: VersionId, *, removed: bool = False) -> list[ListedNote]:
    """Return the notes of a version, oldest first; with `removed`, also those. Damaged ones are left out."""
    number = _number(model, id_)
    entries = model.repository.remarks.entries(model.key, id_)
    current = {note.nonce for note in logs.current(entries)}
    return [
        ListedNote.of(note, number, removed=note.nonce not in current)
        for note in entries
        if note.withdraws is None and (removed or note.nonce in current)
    ]


def log(model: Model, *, removed: bool = False) -> list[ListedNote]:
    """Return the notes of all versions of `model`, newest first; with `removed`, also those. Raises NoModel."""
    model.check()
    found = [
        (note.time.seconds, note)
        for id_ in sorted(model.noted())
        for note in reversed(show(model, id_, removed=removed))
    ]
    return [note for _, note in sorted(found, key=itemgetter(0), reverse=True)]


def is_withdrawn(model: Model, id_: VersionId) -> bool:
    """Return whether a note withdraws the version from use. Raises Damaged if none does, but a damaged one may."""
    if id_ not in model.noted():
        return False
    logs = model.repository.remarks
    if remarks.withdrawal(logs.current(model.key, id_)) is not None:
        return True
    for error in logs.faults(model.key, id_).values():
        raise error
    return False


def parsed(assignments: Iterable[str]) -> dict[str, Any]:
    """Return the values of `KEY=VALUE`, typed as parameters are: `incident=4711`, `rain.mAP50=0.41`, `withdrawn=true`.

    Raises BadKey, BadValue and the like.
    """
    found = (parse_assignment(f"{_SECTION}.{text}") for text in assignments)
    return {dotted(key[1:]): value for key, value in found}


def _checked(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return values of a note; raise BadNote for one that is neither a text, a finite number nor true or false."""
    for key, value in values.items():
        if not key or type(value) not in (str, int, float, bool):
            raise errors.BadNote(reason=f"{key or 'a value without a key'} must be a text, a number, true or false")
        if isinstance(value, float) and not math.isfinite(value):
            raise errors.BadNote(reason=f"{key} is {value}, which is not a number")
    return dict(values)


def _append(model: Model, note: Note) -> ListedNote:
    number = model.repository.objects.version(note.version).number
    with model.repository.locked():
        return ListedNote.of(model.repository.remarks.add(model.key, note), number)


def _number(model: Model, id_: VersionId) -> int | None:
    try:
        return model.repository.objects.version(id_).number
    except errors.Missing:
        return None
