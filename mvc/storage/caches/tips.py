"""The tips of refs as they were last read, so that a repository with thousands of refs does not read each entry again.

    cache/tips   {"refs/helmet/tags":{"2026.1":["0000000001",size,mtime,ctime,inode,"approved","9f86…"], …}, …}

The listing decides: a row counts only for the newest entry that a log has now, and while the stat of its file is as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mvc.deferred import regex
from mvc.model.ids import VersionId, are_ids
from mvc.storage.caches import cachefile
from mvc.storage.disk.door import StoreDoor

NAME = "cache/tips"
_FORMAT = 2
MAX_BYTES = 64 << 20
"""The largest cache, in bytes: about 400,000 refs."""
LEAST = 64
"""The number of entries that a command must have read before it writes the cache: fewer are read as fast."""
MAX_REASON = 200
"""The longest reason of a move that is cached, in characters."""
_FIELDS = 7
_NUMBER = regex(r"[0-9]{10}\Z")
_Rows = dict[str, list[Any]]


class Tip(NamedTuple):
    """The version of a log's newest entry, and the reason of that move; None if it is not cached."""

    target: VersionId | None
    reason: str | None = None


class TipsCache:
    """The versions of the newest entries of logs, by the folder of their kind and the names of their folders."""

    def __init__(self, door: StoreDoor) -> None:
        """Read the cache on first use."""
        self._door = door
        self._folders: dict[str, _Rows] | None = None

    def tips(self, folder: str, read: Callable[[str, str | None], Tip]) -> Iterator[tuple[str, Tip]]:
        """Yield the name of each log in `folder`, and its tip.

        `read` is called for those that are not cached, with the entry's name; with None for a log that has other files too.
        """
        last = self._door.last_files(folder)
        known = self._rows(folder) if len(last) >= LEAST else {}
        rows: _Rows = {}
        fresh = 0
        for name, newest in last.items():
            if newest is None or not _NUMBER.match(newest[0]):
                yield name, read(name, None)
                continue
            entry, stat = newest
            row = known.get(name)
            if row is None or row[:-2] != [entry, *stat[:4]]:
                row = [entry, *stat[:4], *_row(read(name, entry))]
                fresh += 1
            rows[name] = row
            yield name, Tip(row[-1], row[-2])
        if fresh >= LEAST:
            self._save(folder, rows)

    def _rows(self, folder: str) -> _Rows:
        if self._folders is None:
            self._folders = _sound(cachefile.read(self._door, NAME, _FORMAT, MAX_BYTES))
        return self._folders.get(folder, {})

    def _save(self, folder: str, rows: _Rows) -> None:
        folders = self._folders = {**(self._folders or {}), folder: rows}
        cachefile.write(self._door, NAME, _FORMAT, folders)


def _row(tip: Tip) -> tuple[str | None, VersionId | None]:
    short = tip.reason is not None and len(tip.reason) <= MAX_REASON
    return tip.reason if short else None, tip.target


def _sound(content: Any) -> dict[str, _Rows]:
    """Return the rows of a cache; none if one is invalid."""
    try:
        rows = [row for folder in content.values() for row in folder.values()]
        lengths = {len(row) for row in rows if type(row) is list}
        reasons = {type(row[-2]) for row in rows}
        sound = lengths <= {_FIELDS} and are_ids([row[-1] for row in rows if row[-1] is not None])
        sound = sound and reasons <= {str, type(None)}
    except (AttributeError, IndexError, KeyError, TypeError):
        return {}
    return content if sound else {}
