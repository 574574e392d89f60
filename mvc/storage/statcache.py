r"""What files looked like when their bytes were last read, so that an untouched file is never read again.

A file is taken as unchanged when its size, mtime, ctime (ns) and inode are as recorded. A change within the same tick
of the clock would not show in them, so a record counts only if the file was older than the cache when that was written
(the racy case of Git's index), and a file is not recorded at all while it is younger than `SETTLED_NS` when read.

    cache/stat   <BLAKE3 of the rest>\n{"path":[size,mtime,ctime,inode,file id], …}

The cache may be deleted, or be wrong bytes, at any time: then files are read again.
"""

from __future__ import annotations

import json
from typing import Any

from mvc.model.ids import DIGITS, FileId, digest
from mvc.storage import door as doors
from mvc.storage.door import Stat, StoreDoor

NAME = "cache/stat"
SETTLED_NS = 50_000_000
"""50 ms: more than the coarsest clock tick that kernels stamp files with (10 ms), less than anyone waits for."""

_Row = list[Any]
"""Size, mtime, ctime, inode, as in `Stat`, and the file's id."""


class StatCache:
    """The file ids of files seen before, by path from the repository's root."""

    def __init__(self, door: StoreDoor) -> None:
        """Read the cache when it is first asked."""
        self._door = door
        self._rows: dict[str, _Row] | None = None
        self._written_ns = 0
        self._changed = False

    def lookup(self, path: str, stat: Stat) -> FileId | None:
        """The id of the file's bytes, or None when they must be read."""
        rows = self._rows if self._rows is not None else self._load()
        row = rows.get(path)
        if row is None or row[:4] != [*stat[:4]] or stat[1] >= self._written_ns or stat[2] >= self._written_ns:
            return None
        return FileId(row[4])

    def remember(self, path: str, stat: Stat, file: FileId, *, settled: bool = False) -> None:
        """Record that the file, which looked like `stat` before it was read, has the id `file`.

        `settled`: mvc itself has just put it there whole, so its age does not matter.
        """
        rows = self._load()
        if not settled and abs(doors.now_ns() - max(stat.mtime_ns, stat.ctime_ns)) < SETTLED_NS:
            self._changed = rows.pop(path, None) is not None or self._changed
            return
        row = [*stat[:4], file]
        if rows.get(path) != row or stat.mtime_ns >= self._written_ns or stat.ctime_ns >= self._written_ns:
            rows[path] = row
            self._changed = True

    def forget(self, path: str) -> None:
        """Have the file read next time."""
        self._changed = self._load().pop(path, None) is not None or self._changed

    def save(self) -> None:
        """Write the cache if anything was learned; a store that cannot be written is fine."""
        if self._changed:
            body = json.dumps(self._load(), ensure_ascii=False, separators=(",", ":")).encode(
                "utf-8", "surrogateescape"
            )
            self._door.cache(NAME, digest(body).encode() + b"\n" + body)
            self._changed = False

    def _load(self) -> dict[str, _Row]:
        if self._rows is None:
            try:
                self._written_ns = self._door.stat(NAME).mtime_ns
                data = self._door.read(NAME)
            except OSError:
                data = b""
            body = data[DIGITS + 1 :]
            self._rows = json.loads(body) if body and data[:DIGITS] == digest(body).encode() else {}
        return self._rows
