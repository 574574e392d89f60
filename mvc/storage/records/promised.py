"""Why something is not here: files that a remote promised, or that were dropped on purpose; versions that were never published.

    promised/0000000001   {"files":["9f…"],"kind":"promised","reason":"origin","seq":1,…}
    expired/0000000001    {"files":["60…"],"kind":"expired","reason":"prune --keep-last 10","seq":1,…}
    absent/0000000001     {"kind":"absent","reason":"picsellia","seq":1,"versions":["77…"],…}

All are logs as those of refs are: numbered records, created once, each naming the bytes of the one before. What is absent
and in none of them is damage.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mvc import errors
from mvc.model.ids import FileId, digest, is_id
from mvc.model.version import Timestamp
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import sealed

if TYPE_CHECKING:
    from mvc.storage.chunks.recipes import Recipes

PROMISED = "promised"
EXPIRED = "expired"
ABSENT = "absent"
FOLDERS = (PROMISED, EXPIRED, ABSENT)
_LISTED = {PROMISED: "files", EXPIRED: "files", ABSENT: "versions"}
"""What each log lists."""
_KEYS = {"kind", "v", "seq", "prev", "reason", "by", "at"}


class State(enum.Enum):
    """Where a file's bytes are."""

    COMPLETE = "complete"
    PROMISED = "promised"
    EXPIRED = "expired"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Record:
    """What is absent for one `reason`: of promised files, the remote's name; of expired ones, what dropped them.

    `ids` are file ids; of absent versions, their own, and the reason is the registry that they were never published to.
    """

    seq: int
    ids: tuple[str, ...]
    reason: str
    by: str
    at: Timestamp


class Absences:
    """What is known of absent files."""

    def __init__(self, door: StoreDoor, recipes: Recipes) -> None:
        """Read below `door`; `recipes` says what is here."""
        self._door = door
        self._recipes = recipes
        self._recorded: dict[str, dict[FileId, Record]] = {}
        self._promisors: dict[FileId, dict[str, None]] | None = None

    def state(self, file: FileId) -> State:
        """Where the bytes of `file` are; a file that is here counts as here, whatever was recorded. Raises Damaged."""
        try:
            if self._recipes.best(file) is not None:
                return State.COMPLETE
        except errors.Damaged:
            return State.MISSING
        return self.recorded(file) or State.MISSING

    def recorded(self, file: FileId) -> State | None:
        """What is on record of `file`, None for nothing; raises Damaged."""
        if self.record(PROMISED, file):
            return State.PROMISED
        return State.EXPIRED if self.record(EXPIRED, file) else None

    def record(self, folder: str, file: FileId) -> Record | None:
        """The newest record of `file` in one of the two logs; raises Damaged."""
        if folder not in self._recorded:
            records = read_log(self._door, folder)
            self._recorded[folder] = {FileId(each): record for record in records for each in record.ids}
        return self._recorded[folder].get(file)

    def promisors(self, file: FileId) -> tuple[str, ...]:
        """The remotes that promised a file, the one that did so last first; raises Damaged."""
        return tuple(self._by_file().get(file, ()))

    def all_promised(self) -> list[FileId]:
        """Every file that a remote ever promised; raises Damaged."""
        return list(self._by_file())

    def _by_file(self) -> dict[FileId, dict[str, None]]:
        if self._promisors is None:
            self._promisors = {}
            for record in reversed(read_log(self._door, PROMISED)):
                for each in record.ids:
                    self._promisors.setdefault(FileId(each), {})[record.reason] = None
        return self._promisors

    def add(self, folder: str, files: Iterable[FileId], *, reason: str, by: str, at: Timestamp) -> Record:
        """Record that `files` are absent; raises RefMoved when somebody else recorded something meanwhile."""
        record = append(self._door, folder, Record(0, tuple(files), reason, by, at))
        self._recorded.pop(folder, None)
        self._promisors = None
        return record


def append(door: StoreDoor, folder: str, what: Record) -> Record:
    """Put `what` last in a log, whatever its number is; raises RefMoved when somebody else recorded something meanwhile."""
    records = read_log(door, folder)
    seq = records[-1].seq + 1 if records else 1
    record = replace(what, seq=seq, ids=tuple(sorted(set(what.ids))))
    before = digest(door.read(_path(folder, seq - 1))) if records else None
    if not door.create(_path(folder, seq), _encode(folder, record, before)):
        raise errors.RefMoved(ref=folder, by="another command", reason=f"entry {seq}")
    return record


def read_log(door: StoreDoor, folder: str) -> list[Record]:
    """All records of a log, oldest first; raises Damaged when one is damaged or missing before the newest."""
    records: list[Record] = []
    before: str | None = None
    for name in door.names(folder):
        data = door.read(f"{folder}/{name}")
        record, prev = _decode(data, folder, f"{folder}/{name}")
        if name != f"{record.seq:010d}" or record.seq != len(records) + 1 or prev != before:
            raise errors.Damaged(what=f"{folder}/{name}", reason="it does not follow the record before it")
        records.append(record)
        before = digest(data)
    return records


def _path(folder: str, seq: int) -> str:
    return f"{folder}/{seq:010d}"


def _encode(folder: str, record: Record, prev: str | None) -> bytes:
    return sealed.seal(
        {
            "kind": folder,
            "v": 1,
            "seq": record.seq,
            "prev": prev,
            _LISTED[folder]: list(record.ids),
            "reason": record.reason,
            "by": record.by,
            "at": record.at.to_json(),
        }
    )


def _decode(data: bytes, folder: str, what: str) -> tuple[Record, str | None]:
    values = sealed.unseal(data, what=what, kind=folder)
    listed = _LISTED[folder]
    if set(values) != {*_KEYS, listed} or values["v"] != 1 or not _well_formed(values, values[listed]):
        raise errors.Damaged(what=what, reason=f"its fields are not those of a record of kind {folder}")
    at = Timestamp.from_json(values["at"])
    return Record(values["seq"], tuple(values[listed]), values["reason"], values["by"], at), values["prev"]


def _well_formed(values: dict[str, Any], ids: Any) -> bool:
    return (
        type(values["seq"]) is int
        and isinstance(ids, list)
        and all(map(is_id, ids))
        and isinstance(values["reason"], str)
        and isinstance(values["by"], str)
    )
