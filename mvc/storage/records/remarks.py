"""Notes: texts and values that people add to a version after the fact; not part of its identity.

    remarks/<model>/<version id>/0000000001   {"by":"Ana <…>","nonce":"5d…","text":"bad in rain","values":{"incident":4711},…}
    remarks/<model>/<version id>/0000000002   {"by":"Ben <…>","nonce":"77…","text":"","withdraws":"5d…",…}

A log of numbered entries, each created once; a note is removed by an entry that withdraws it. A remote has the same logs,
and merging two of them is the union of their entries by nonce. The order of notes is that of their times, and within a
second that of the entries `known` to their authors, so it is the same in every repository.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Annotated

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.ids import VersionId, is_id
from mvc.model.version import Timestamp
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import OMITTED, Record
from mvc.storage.records.reflog import REMARKS, Nonce, RefLogs, RefName

FOLDER = REMARKS
"""The folder below `.mvc`, and the kind of these logs on a remote: `refs/<model>/remarks/<version id>/…`."""
WITHDRAWN = "withdrawn"
"""The key whose value `true` withdraws a version from use."""
MAX_BYTES = 32 * 1024
"""Bytes of an entry, at most."""
MAX_NOTES = 10_000
"""Entries of one version, at most."""

Value = str | int | float | bool
Notes = Sequence["Note"]


@dataclass(frozen=True, slots=True)
class Note(Record):
    """An entry: a note, or with `withdraws` the removal of the note with that nonce.

    `known` is the number of entries that were in the log of its author.
    """

    KIND = "remark"
    NOUN = "note"

    version: VersionId
    seq: Annotated[int, (0).__lt__]
    by: str
    at: Timestamp
    nonce: Nonce
    known: Annotated[int, (-1).__lt__] = 0
    text: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    withdraws: Nonce | None = field(default=None, metadata=OMITTED)

    def check(self) -> None:
        """Raise ValueError for an empty note, or one that is too long."""
        if self.fault is not None:
            raise ValueError

    @property
    def order(self) -> tuple[int, int, str]:
        """The key of its place among notes."""
        return self.at.seconds, self.known, self.nonce

    @property
    def fault(self) -> str | None:
        """The reason why the note is invalid; None for a valid one."""
        if not self.text and not self.values and self.withdraws is None:
            return "it has neither a text nor a value"
        return f"it has more than {MAX_BYTES >> 10} KiB" if len(self.encode()) > MAX_BYTES else None


def current(entries: Iterable[Note]) -> list[Note]:
    """Return the notes among the entries of a version that are not removed, oldest first."""
    entries = sorted(entries, key=lambda entry: entry.order)
    removed = {entry.withdraws for entry in entries}
    return [entry for entry in entries if entry.withdraws is None and entry.nonce not in removed]


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


def ref(model: str, version: VersionId) -> RefName:
    """Return the name of the log on a remote."""
    return RefName(model, FOLDER, version)


def folder(model: str, version: VersionId | None = None) -> str:
    """Return the folder of a version's log, or of all logs of a model, below `.mvc`."""
    top = f"{FOLDER}/{names.encode_component(model)}"
    return top if version is None else f"{top}/{version}"


class Remarks:
    """The notes in a repository."""

    def __init__(self, door: StoreDoor) -> None:
        """Read and write below `door`."""
        self._door = door

    def versions(self, model: str) -> list[VersionId]:
        """Return the versions of `model` that have a log."""
        return [VersionId(name) for name in self._door.names(folder(model)) if is_id(name)]

    def numbers(self, model: str, version: VersionId) -> list[int]:
        """Return the numbers of the entries, ascending."""
        return RefLogs.numbered(self._door.names(folder(model, version)))

    def entry(self, model: str, version: VersionId, seq: int) -> Note:
        """Return one entry; raise Damaged, Missing."""
        name = f"{folder(model, version)}/{seq:010d}"
        try:
            note = Note.decode(self._door.read(name), what=f"note {seq} of version {version[:10]}")
        except FileNotFoundError:
            raise errors.Missing(what="note", id=name) from None
        if (note.version, note.seq) != (version, seq):
            raise errors.Damaged(what=name, reason=f"it is note {note.seq} of version {note.version[:10]}")
        return note

    def entries(self, model: str, version: VersionId) -> list[Note]:
        """Return every entry of a version, removals included, in the order of their times; raise Damaged."""
        found = [self.entry(model, version, seq) for seq in self.numbers(model, version)]
        return sorted(found, key=lambda note: note.order)

    def notes(self, model: str, version: VersionId) -> list[Note]:
        """Return the notes of a version that are not removed, oldest first; raise Damaged."""
        return current(self.entries(model, version))

    def append(self, model: str, note: Note) -> Note:
        """Create the entry under the lowest free number, and return it as stored."""
        taken = set(self.numbers(model, note.version))
        for seq in range(1, MAX_NOTES + 1):
            if seq not in taken:
                stored = replace(note, seq=seq)
                if self._door.create(f"{folder(model, note.version)}/{seq:010d}", stored.encode()):
                    return stored
        raise errors.BadNote(reason=f"the version has {MAX_NOTES:,} notes already")

    def merge(self, model: str, version: VersionId, others: Iterable[Note]) -> int:
        """Add the entries that are missing here; return how many notes are new. The caller holds the lock."""
        known = {entry.nonce for entry in self.entries(model, version)}
        missing = {note.nonce: note for note in others if note.nonce not in known}
        for note in missing.values():
            self.append(model, note)
        return sum(note.withdraws is None for note in missing.values())

    def rename(self, old: str, new: str) -> None:
        """Move the logs of the model `old` to `new`; again after an interruption. The caller holds the lock."""
        if not self._door.exists(FOLDER):
            return
        if self._door.exists(folder(old)) and not self._door.exists(folder(new)):
            self._door.rename_folder(folder(old), folder(new))
        self._door.make_durable(FOLDER)  # a command that was killed may have renamed it before the fsync
        self._door.barrier()
        for version in self.versions(old):
            self.merge(new, version, self.entries(old, version))
            self.remove(old, version)

    def remove(self, model: str, version: VersionId) -> None:
        """Delete the log of a version that no longer exists. The caller holds the lock."""
        log = folder(model, version)
        self._door.remove_all([f"{log}/{name}" for name in self._door.names(log)])
