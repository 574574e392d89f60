"""Notes on versions and messages of tags, as `mvc notes`, `log` and `show` print them.

note 1 by Ana, 2026-02-05: bad in rain
    incident = 4711
tag 2026.1: approved by QA
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import cell
from mvc.cli.app.terminal import date, escape, style
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository import history
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.porcelain.notes import ListedNote
    from mvc.storage.records.annotations import remarks
    from mvc.storage.records.annotations.remarks import Note
else:
    remarks = lazy.Module("mvc.storage.records.annotations.remarks")


def lines(notes: Iterable[Note]) -> Iterator[str]:
    """Yield the lines of notes."""
    for note in notes:
        yield from note_lines(note.seq, note.at, note)


def note_lines(number: int, time: Timestamp, note: Note | ListedNote, *, removed: bool = False) -> Iterator[str]:
    """Yield the lines of a note."""
    head = f"note {number} by {escape(note.by.partition(' <')[0])}, {date(time)}{' (removed)' if removed else ''}"
    first, *more = note.text.split("\n")
    yield f"{style(head, dim=True)}: {escape(first)}" if first else style(head, dim=True)
    yield from (f"    {escape(line)}".rstrip() for line in more)
    yield from (f"    {escape(key)} = {cell(value)}" for key, value in note.values.items())


def tag_lines(messages: Mapping[str, str]) -> Iterator[str]:
    """Yield the message of each tag."""
    for name, message in messages.items():
        first, *more = message.split("\n")
        yield f"{style(f'tag {escape(name)}', dim=True)}: {escape(first)}"
        yield from (f"    {escape(line)}".rstrip() for line in more)


def mark(notes: tuple[Note, ...]) -> str:
    """Return `[withdrawn]` for a version that a note withdraws, else nothing."""
    return style("[withdrawn]", fg="red") if notes and remarks.withdrawal(notes) is not None else ""


def warn(invocation: Invocation, model: Model, id_: VersionId | None) -> None:
    """Print a warning if a note withdraws the version."""
    if id_ is None or id_ not in model.noted():
        return
    note = remarks.withdrawal(model.repository.remarks.current(model.key, id_))
    if note is not None:
        invocation.note(warning(history.label(model.repository, id_), note))


def warning(label: str, note: Note) -> str:
    """Return a warning about a version that a note withdraws."""
    reason = f": {note.text.partition(chr(10))[0]}" if note.text else ""
    return f"warning: {label} was withdrawn by {note.by.partition(' <')[0]} on {date(note.at)}{reason}"
