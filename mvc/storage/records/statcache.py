r"""The stat cache: the stat of each file when its bytes were last read, so that an untouched file is not read again.

A file counts as unchanged if its size, mtime, ctime (ns) and inode are as recorded. So a file is recorded only if every
later edit is certain to change one of these (see `timestamps`). Otherwise it is not recorded, and is read again.

    cache/stat   2 <BLAKE3 of the rest>\n{"clock":ns,"files":{"path":[size,mtime,ctime,inode,file id], …}}

`clock` is the machine's time when the cache was written. If the clock was set back since, an edit may get a recorded
timestamp, so the cache is ignored. The cache may be deleted or corrupt at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.model.ids import DIGITS, FileId, are_ids, digest
from mvc.storage.disk import hashing, primitives
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.timestamps import FileSystem, is_coarse
from mvc.storage.disk.treedoor import TreeDoor

NAME = "cache/stat"
_FORMAT = b"2 "
"""The version of the format: caches of version 1 had conditional rows. No reader accepts the other version."""

MAX_BYTES = 256 << 20
"""The largest cache, in bytes: about two million files."""
_FIELDS = 5
_Row = list[Any]
"""Size, mtime, ctime and inode, as in `Stat`, and the file's id."""


class StatCache:
    """The ids of files that were read before, by path from the repository's root.

    Every id of a file in the working tree comes from `read` or `identify`, and every file is placed there by `place`.
    """

    def __init__(self, door: StoreDoor, tree: TreeDoor) -> None:
        """Read the cache on first use."""
        self._door = door
        self._tree = tree
        self._rows: dict[str, _Row] | None = None
        self._changed = False
        self._file_systems: dict[int, FileSystem] = {}

    def lookup(self, path: str, stat: Stat) -> FileId | None:
        """Return the recorded id of the file's bytes; None if they must be read."""
        rows = self._rows if self._rows is not None else self._load()
        row = rows.get(path)
        if row is None:
            return None
        size, mtime, ctime, inode, id_ = row
        return FileId(id_) if (size, mtime, ctime, inode) == stat[:4] else None

    def identify(self, path: str, stat: Stat) -> FileId | None:
        """Return the id of the file's bytes, which are read if needed; None if the file changes during the read.

        Raises as `TreeDoor.open` does.
        """
        known = self.lookup(path, stat)
        if known is not None:
            return known
        fd = self._tree.open(path)
        try:
            return self.read(path, fd, hashing.file_id)
        finally:
            os.close(fd)

    def read(self, path: str, fd: int, read: Callable[[int], FileId]) -> FileId | None:
        """Return the id that `read` computes of the open file; None if the file changed during the read."""
        found = Stat.of(os.fstat(fd))
        settled = self._settle(path, fd, found)
        before = Stat.of(os.fstat(fd)) if settled else found
        id_ = read(fd)
        unchanged = Stat.of(os.fstat(fd)) == before
        if unchanged and settled and before == found:
            self._record(path, before, id_)
        else:
            self.forget(path)
        return id_ if unchanged else None

    def place(self, path: str, staged: Path, file: FileId) -> None:
        """Move the finished, flushed file `staged`, whose id is `file`, to `path`; raises as `TreeDoor.place` does.

        Its ctime is that of the move, so an edit in the same tick would not change it. But its mtime is that of its last
        write, at least a tick before the move, and an edit changes both. This does not hold for coarse timestamps, whose
        tick is long enough to edit a file and to set its mtime back.
        """
        found = os.stat(staged)
        before = Stat.of(found)
        shows = self._file_system(path, found.st_dev).is_later_than(before.mtime_ns)
        self._tree.place(staged, path)
        placed = self._tree.stat(path)
        if (
            shows
            and placed is not None
            and placed[:2] == before[:2]
            and placed.inode == before.inode
            and not is_coarse(placed.mtime_ns)
            and not is_coarse(placed.ctime_ns)
        ):
            self._record(path, placed, file)
        else:
            self.forget(path)

    def forget(self, path: str) -> None:
        """Drop the file's row, so that it is read next time."""
        self._changed = self._load().pop(path, None) is not None or self._changed

    def save(self) -> None:
        """Write the cache if it changed; ignore a read-only store."""
        if self._changed:
            content = {"clock": primitives.now_ns(), "files": self._load()}
            body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")
            self._door.cache(NAME, _FORMAT + digest(body).encode() + b"\n" + body)
            self._changed = False

    # --- inside

    def _settle(self, path: str, fd: int, stat: Stat) -> bool:
        """Flush the file; return whether every edit from now on changes its timestamps."""
        file_system = self._file_system(path, os.fstat(fd).st_dev)
        if not file_system.has_passed(stat.mtime_ns, stat.ctime_ns) or file_system.flush is None:
            return False
        try:
            file_system.flush(fd)
        except OSError:
            return False
        return True

    def _file_system(self, path: str, device: int) -> FileSystem:
        """Return the file system of the file at `path`, which may be mounted inside the working tree."""
        if device not in self._file_systems:
            own = device == os.stat(self._door.root).st_dev
            scratch = self._door.scratch if own else partial(self._tree.scratch, path)
            self._file_systems[device] = FileSystem(device, scratch)
        return self._file_systems[device]

    def _record(self, path: str, stat: Stat, file: FileId) -> None:
        row = [*stat[:4], file]
        rows = self._load()
        if rows.get(path) != row:
            rows[path] = row
            self._changed = True

    def _load(self) -> dict[str, _Row]:
        if self._rows is None:
            self._rows = self._read()
        return self._rows

    def _read(self) -> dict[str, _Row]:
        try:
            data = self._door.read(NAME, MAX_BYTES)
        except (OSError, errors.MvcError):
            return {}
        head = len(_FORMAT) + DIGITS
        body = data[head + 1 :]
        return _rows(body) if data[:head] == _FORMAT + digest(body).encode() else {}


def _rows(body: bytes) -> dict[str, _Row]:
    """Decode the rows; return none if one is invalid, since a cache may come from anybody."""
    try:
        content: Any = json.loads(body)
        rows: Any = content["files"]
        ids = [row[-1] for row in rows.values() if isinstance(row, list) and len(row) == _FIELDS]
        sound = len(ids) == len(rows) and are_ids(ids)
        return dict(rows) if sound and content["clock"] <= primitives.now_ns() else {}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return {}
