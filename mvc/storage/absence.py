"""Why bytes are not here: promised by a remote, or dropped on purpose. Anything else that is absent is damage.

    promised/0000000001   {"files":["9f…"],"kind":"promised","reason":"origin","seq":1,…}
    expired/0000000001    {"files":["60…"],"kind":"expired","reason":"prune --keep-last 10","seq":1,…}

Both are logs as those of refs are: numbered records, created once, each naming the bytes of the one before.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mvc import errors
from mvc.model.ids import FileId, digest, is_id
from mvc.model.version import Timestamp
from mvc.storage import sealed
from mvc.storage.door import StoreDoor

if TYPE_CHECKING:
    from mvc.storage.recipes import Recipes

PROMISED = "promised"
EXPIRED = "expired"
FOLDERS = (PROMISED, EXPIRED)
_KEYS = {"kind", "v", "seq", "prev", "files", "reason", "by", "at"}


class State(enum.Enum):
    """Where a file's bytes are."""

    COMPLETE = "complete"
    PROMISED = "promised"
    EXPIRED = "expired"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Record:
    """Files that are absent for one `reason`: of promised ones, the remote's name; of expired ones, what dropped them."""

    seq: int
    files: tuple[FileId, ...]
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
            self._recorded[folder] = {each: record for record in records for each in record.files}
        return self._recorded[folder].get(file)

    def add(self, folder: str, files: Iterable[FileId], *, reason: str, by: str, at: Timestamp) -> Record:
        """Record that `files` are absent; raises RefMoved when somebody else recorded something meanwhile."""
        records = read_log(self._door, folder)
        seq = records[-1].seq + 1 if records else 1
        record = Record(seq, tuple(sorted(set(files))), reason, by, at)
        before = digest(self._door.read(_path(folder, seq - 1))) if records else None
        if not self._door.create(_path(folder, seq), _encode(folder, record, before)):
            raise errors.RefMoved(ref=folder, by="another command", reason=f"entry {seq}")
        self._recorded.pop(folder, None)
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
            "files": list(record.files),
            "reason": record.reason,
            "by": record.by,
            "at": record.at.to_json(),
        }
    )


def _decode(data: bytes, folder: str, what: str) -> tuple[Record, str | None]:
    values = sealed.unseal(data, what=what, kind=folder)
    if set(values) != _KEYS or values["v"] != 1 or not _well_formed(values):
        raise errors.Damaged(what=what, reason=f"its fields are not those of a record of kind {folder}")
    at = Timestamp.from_json(values["at"])
    return Record(values["seq"], tuple(values["files"]), values["reason"], values["by"], at), values["prev"]


def _well_formed(values: dict[str, Any]) -> bool:
    return (
        type(values["seq"]) is int
        and isinstance(values["files"], list)
        and all(map(is_id, values["files"]))
        and isinstance(values["reason"], str)
        and isinstance(values["by"], str)
    )
