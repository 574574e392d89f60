"""Promised files, expired files and absent versions: records that say why data is missing.

    promised/0000000001   {"files":["9f…"],"kind":"promised","reason":"origin","seq":1,…}                by a remote
    expired/0000000001    {"files":["60…"],"kind":"expired","reason":"prune --keep-last 10","seq":1,…}   removed on purpose
    absent/0000000001     {"kind":"absent","reason":"picsellia","seq":1,"versions":["77…"],…}            never published

All are logs like those of refs: numbered records, created once, each with the checksum of its predecessor. Everything else
that is missing is damage.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.version import Timestamp
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import OMITTED, Id, Record

if TYPE_CHECKING:
    from mvc.model.tree import TreeEntry
    from mvc.storage.chunks.recipes import Recipes

PROMISED = "promised"
EXPIRED = "expired"
ABSENT = "absent"


class State(enum.Enum):
    """The state of a file's bytes."""

    COMPLETE = "complete"
    PROMISED = "promised"
    EXPIRED = "expired"
    MISSING = "missing"


class Cause(NamedTuple):
    """The reason for an absence (promisor remote, command that removed files, or registry), and who recorded it."""

    reason: str
    by: str
    at: Timestamp


@dataclass(frozen=True, slots=True)
class Absence(Record):
    """Ids of files or versions that are absent for one reason."""

    NOUN = "record of what is absent"

    seq: int
    prev: Id | None
    reason: str
    by: str
    at: Timestamp

    @property
    def ids(self) -> Sequence[str]:
        """Return the ids of the files, or of the versions."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _PromisedFiles(Absence):
    KIND = PROMISED
    files: tuple[FileId, ...]

    @property
    def ids(self) -> Sequence[str]:
        return self.files


@dataclass(frozen=True, slots=True)
class Expired(Absence):
    """Files that were removed on purpose, and the versions that they were dropped with (`mvc.storage.records.expired`).

    `revived` versions have their bytes again. `source` is the id of the record of a remote that this one repeats.
    """

    KIND = EXPIRED
    files: tuple[FileId, ...]
    versions: tuple[VersionId, ...] | None = field(default=None, metadata=OMITTED)
    revived: tuple[VersionId, ...] | None = field(default=None, metadata=OMITTED)
    source: Id | None = field(default=None, metadata=OMITTED)

    @property
    def ids(self) -> Sequence[str]:
        """The ids of the files."""
        return self.files


@dataclass(frozen=True, slots=True)
class _AbsentVersions(Absence):
    KIND = ABSENT
    versions: tuple[VersionId, ...]

    @property
    def ids(self) -> Sequence[str]:
        return self.versions


class Dropped:
    """The versions and files that records name as dropped."""

    def __init__(self, records: Iterable[Expired]) -> None:
        """Read `records`, oldest first."""
        self.versions: dict[VersionId, set[int]] = {}
        self.files: dict[FileId, dict[int, Expired]] = {}
        self.seq = 0
        for record in records:
            for id_ in record.revived or ():
                self.versions.pop(id_, None)
            for id_ in record.versions or ():
                self.versions.setdefault(id_, set()).add(record.seq)
            for file in record.files if record.versions else ():
                self.files.setdefault(file, {})[record.seq] = record
            self.seq = record.seq if record.versions and not record.source else self.seq

    def record(self, id_: VersionId, file: FileId) -> Expired | None:
        """Return the newest record by which version `id_` dropped `file`; None if it did not."""
        numbers = self.versions.get(id_, set()) & self.files.get(file, {}).keys()
        return self.files[file][max(numbers)] if numbers else None


_LOGS = {kind.KIND: kind for kind in (_PromisedFiles, Expired, _AbsentVersions)}
FOLDERS = tuple(_LOGS)


class Promised:
    """The promised and the expired files of a repository."""

    def __init__(
        self, door: StoreDoor, recipes: Recipes, uses: Callable[[], Iterable[tuple[VersionId, FileId]]] = tuple
    ) -> None:
        """Read below `door`; `recipes` knows the complete files, `uses` gives every version with each of its files."""
        self._door = door
        self._recipes = recipes
        self._uses = uses
        self._dropped: set[FileId] | None = None
        self._recorded: dict[str, dict[FileId, Absence]] = {}
        self._promisors: dict[FileId, dict[str, None]] | None = None

    def state(self, file: FileId) -> State:
        """Return the state of a file; a complete file is present, despite any record. Raises Damaged."""
        try:
            is_absent = self._may_be_recorded(file) and self._recipes.is_absent(file)
            if not is_absent and self._recipes.best(file) is not None:
                return State.COMPLETE
        except errors.Damaged:
            return State.MISSING
        return self.recorded(file) or State.MISSING

    def presumed_state(self, entry: TreeEntry) -> State:
        """Return the state of a file by its recipe and its records; chunks are looked up only where a record names it.

        Chunks that another file has lost are damage, which `mvc fsck` finds. Raises Damaged.
        """
        if not self.is_presumed(entry.file, entry.size):
            return self.state(entry.file)
        return State.COMPLETE if self._recipes.any_for(entry.file) else State.MISSING

    def is_presumed(self, file: FileId, size: int) -> bool:
        """Return whether a file that versions here have is presumed complete: no record says otherwise, or it is small.

        In a clone each file has a record, also once its bytes were fetched.
        """
        return not self._may_be_recorded(file) or self._recipes.has_inline(file, size)

    def _may_be_recorded(self, file: FileId) -> bool:
        """Return whether a file has a record; True for damaged records, which count only for files that are not complete."""
        try:
            return self.recorded(file) is not None
        except errors.Damaged:
            return True

    def recorded(self, file: FileId) -> State | None:
        """Return the recorded state of a file, None without a record; raise Damaged."""
        if self.record(PROMISED, file):
            return State.EXPIRED if self._is_dropped(file) else State.PROMISED
        return State.EXPIRED if self.record(EXPIRED, file) else None

    def record(self, folder: str, file: FileId) -> Absence | None:
        """Return the newest record of a file in the log PROMISED or EXPIRED; raise Damaged."""
        if folder not in self._recorded:
            records = read_log(self._door, folder)
            self._recorded[folder] = {FileId(each): record for record in records for each in record.ids}
        return self._recorded[folder].get(file)

    def _is_dropped(self, file: FileId) -> bool:
        """Return whether every version that uses a file dropped it."""
        if self._dropped is None:
            recorded = dropped(self._door)
            self._dropped = set(recorded.files)
            if self._dropped:
                self._dropped -= {each for id_, each in self._uses() if not recorded.record(id_, each)}
        return file in self._dropped

    def promisors(self, file: FileId) -> tuple[str, ...]:
        """Return the promisor remotes of a file, the latest first; raise Damaged."""
        return tuple(self._by_file().get(file, ()))

    def all_promised(self) -> list[FileId]:
        """Return all files that remotes have promised; raise Damaged."""
        return list(self._by_file())

    def _by_file(self) -> dict[FileId, dict[str, None]]:
        if self._promisors is None:
            self._promisors = {}
            for record in reversed(read_log(self._door, PROMISED)):
                for each in record.ids:
                    self._promisors.setdefault(FileId(each), {})[record.reason] = None
        return self._promisors

    def add(self, folder: str, files: Iterable[FileId], *, reason: str, by: str, at: Timestamp) -> Absence:
        """Record that `files` are absent; raise RefMoved if another command appended first."""
        record = append(self._door, folder, files, Cause(reason, by, at))
        self._recorded.pop(folder, None)
        self._promisors = self._dropped = None
        return record


def dropped(door: StoreDoor) -> Dropped:
    """Return what the records of dropped versions name; raise Damaged."""
    return Dropped(expiries(door))


def expiries(door: StoreDoor) -> list[Expired]:
    """Return the records of expired files, oldest first; raise Damaged."""
    return [record for record in read_log(door, EXPIRED) if isinstance(record, Expired)]


def append(
    door: StoreDoor, folder: str, ids: Iterable[str], cause: Cause, *, more: Mapping[str, object] = MappingProxyType({})
) -> Absence:
    """Append a record, with the fields of `more`, to the log `folder`; raise RefMoved if another command was first."""
    records = read_log(door, folder)
    seq = records[-1].seq + 1 if records else 1
    prev = digest(door.read(_path(folder, seq - 1))) if records else None
    record: Absence = _LOGS[folder](seq, prev, *cause, tuple(sorted(set(ids))), **more)  # type: ignore[arg-type]  # of its kind
    if not door.create(_path(folder, seq), record.encode()):
        raise errors.RefMoved(ref=folder, by="another command", reason=f"entry {seq}")
    return record


def read_log(door: StoreDoor, folder: str) -> list[Absence]:
    """Return all records of a log, oldest first; raise Damaged if one is damaged, or missing from the middle."""
    records: list[Absence] = []
    before: str | None = None
    for name in door.names(folder):
        path = f"{folder}/{name}"
        data = door.read(path)
        record = _LOGS[folder].decode(data, what=path)
        if path != _path(folder, record.seq) or record.seq != len(records) + 1 or record.prev != before:
            raise errors.Damaged(what=path, reason="it does not continue the previous record")
        records.append(record)
        before = digest(data)
    return records


def _path(folder: str, seq: int) -> str:
    return f"{folder}/{seq:010d}"
