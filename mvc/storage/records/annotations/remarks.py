"""Notes: texts and values that people add to a version after the fact.

remarks/<model>/<version id>/0000000001   {"by":"Ana <…>","nonce":"5d…","text":"bad in rain","values":{"incident":4711},…}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from mvc import errors
from mvc.deferred import dataclass
from mvc.storage.records.annotations.log import Annotation
from mvc.storage.records.reflog import REMARKS

WITHDRAWN = "withdrawn"
"""The key whose value `true` withdraws a version from use."""

Value = str | int | float | bool
Notes = Sequence["Note"]


@dataclass(frozen=True, slots=True)
class Note(Annotation):
    """A text, values by key, or both."""

    KIND = "remark"
    NOUN = "note"
    FOLDER = REMARKS
    MAX_BYTES = 32 * 1024

    text: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def content_fault(self) -> str | None:
        """Return the reason why the note is invalid; None for a valid one."""
        return None if self.text or self.values else "it has neither a text nor a value"

    @classmethod
    def refusal(cls, reason: str) -> errors.MvcError:
        """Return the error for a note that cannot be added."""
        return errors.BadNote(reason=reason)


def values(notes: Iterable[Note]) -> dict[str, Value]:
    """Return the values of notes by key; the newest of a key counts."""
    return {key: value for note in notes for key, value in note.values.items()}


def withdrawal(notes: Notes) -> Note | None:
    """Return the note that withdraws the version from use; None if it is in use."""
    deciding = [note for note in notes if WITHDRAWN in note.values]
    return deciding[-1] if deciding and deciding[-1].values[WITHDRAWN] is True else None


def searched(notes: Iterable[Note]) -> Iterator[str]:
    """Yield what a search looks at: texts, and values as `incident = 4711`."""
    for note in notes:
        yield note.text
        yield from (f"{key} = {value}" for key, value in note.values.items())
