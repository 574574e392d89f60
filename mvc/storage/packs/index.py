"""The chunk index: the indexes of all packs, in a cache that may be deleted or wrong at any time.

    cache/chunks.sqlite     packs(number, name, whole)     chunks(id, pack, offset, encoding, depth, …)

The listed packs are the authority. The index of a new pack is added, that of a vanished one removed. A cache miss is
trusted only after the pack indexes have been re-read (`sure`). A hit by which a writer skips a chunk (`known`) is trusted
only after a look into the pack; and every reader of a chunk verifies it. A delta counts only with its bases: garbage
collection may keep it in a pack, and remove its base. With a read-only store, the index is private to the process. SQLite's
own journal repairs the cache after a kill; it bypasses `mvc.storage.disk`, since nothing depends on it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import ChunkId, is_id
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFile, PackFiles
from mvc.storage.packs.packformat import HEADER, Entry

T = TypeVar("T")

NAME = "cache/chunks.sqlite"
_BESIDE = ("", "-journal", "-wal", "-shm")
"""Suffixes of the files that SQLite may open with the cache."""
_SUPER_JOURNAL = bytes.fromhex("d9d505f920a163d7")
"""The end of a journal that names another file, which SQLite deletes after the roll-back ("file format", 3)."""
_PARSED = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
_WRONG = (sqlite3.Error, ValueError, TypeError, AttributeError, OverflowError, struct.error)
"""Errors that a corrupt cache may cause."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS packs (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, whole INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS chunks (
    id BLOB NOT NULL, pack INTEGER NOT NULL, offset INTEGER NOT NULL, encoding INTEGER NOT NULL, raw INTEGER NOT NULL,
    stored INTEGER NOT NULL, depth INTEGER NOT NULL, width INTEGER NOT NULL, base BLOB,
    PRIMARY KEY (id, pack, offset)) STRICT, WITHOUT ROWID;
"""
_FIND = """
SELECT c.id, p.name, c.encoding, c.raw, c.stored, c.depth, c.width, c.base, c.offset
FROM chunks AS c JOIN packs AS p ON p.number = c.pack WHERE c.id IN ({}) ORDER BY c.id, c.depth, c.pack, c.offset
"""
_RESTS = "SELECT id, depth, base FROM chunks WHERE id IN ({})"
_TOTALS = """
SELECT encoding, sum(raw), sum(stored) FROM (SELECT encoding, raw, stored, min(depth) FROM chunks GROUP BY id)
GROUP BY encoding
"""
_AT_ONCE = 500
"""Ids per query."""


_Rest = tuple[bytes, int, bytes | None]
"""A chunk, and the depth and the delta base of one of its entries."""


@dataclass(frozen=True, slots=True)
class Location:
    """The entry of a chunk, and the name of its pack, below `.mvc`."""

    pack: str
    entry: Entry


class ChunkIndex:
    """The places of all chunks of a repository. `unreadable` has the fault of each unreadable pack index by pack name."""

    def __init__(self, door: StoreDoor) -> None:
        """Read the packs below `door` on first use."""
        self._door = door
        self._files = PackFiles(door)
        self._database: sqlite3.Connection | None = None
        self._sure = False
        self._listed: set[str] = set()
        self.unreadable: dict[str, errors.Damaged] = {}

    def find(self, chunk: ChunkId, *, sure: bool = False) -> list[Location]:
        """Return every place of a chunk, the smallest depth first; with `sure`, re-read the pack indexes before."""
        return self._ask(lambda: self._find([chunk]).get(chunk, []), sure=sure)

    def find_all(self, chunks: Iterable[ChunkId], *, sure: bool = False) -> dict[ChunkId, list[Location]]:
        """Return every place of each of `chunks` that has any, with few queries; as `find`."""
        wanted = list(dict.fromkeys(chunks))
        return self._ask(lambda: self._find(wanted), sure=sure)

    def has_all(self, chunks: Iterable[ChunkId], *, sure: bool = False) -> bool:
        """Return whether all chunks and their bases have a place."""
        wanted = [bytes.fromhex(chunk) for chunk in set(chunks)]
        return not wanted or self._ask(lambda: len(_whole(wanted, self._bases)), sure=sure) == len(wanted)

    def known(self, chunks: Iterable[ChunkId]) -> set[ChunkId]:
        """Return those of `chunks` that need not be stored again: an intact pack has them."""
        wanted = list(dict.fromkeys(chunks))
        return self._ask(lambda: self._standing(wanted), sure=False)

    def totals(self) -> dict[int, tuple[int, int]]:
        """Return the raw and the stored bytes of all chunks by encoding; a chunk with several places counts once."""
        return self._ask(lambda: {row[0]: row[1:] for row in self._open().execute(_TOTALS)}, sure=False)

    def ignore_cache(self) -> None:
        """Use the pack indexes from now on instead of the cache."""
        self._ask(lambda: None, sure=True)

    def refresh(self) -> None:
        """List the packs again, as some may be new."""
        if self._database is not None:
            self._ask(lambda: self._gather(self._open()), sure=False)

    def _ask(self, question: Callable[[], T], *, sure: bool) -> T:
        """Query the cache; rebuild it first if it is corrupt, or the answer must be sure."""
        if sure and not self._sure:
            self._rebuild()
        try:
            if sure:
                self._gather(self._open())
            return question()
        except _WRONG as error:
            self._rebuild(keep=getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY)
            return question()

    def _find(self, chunks: Sequence[ChunkId]) -> dict[ChunkId, list[Location]]:
        """Return the places of each of `chunks` that has any."""
        found: dict[ChunkId, list[Location]] = {}
        for first in range(0, len(chunks), _AT_ONCE):
            ids = [bytes.fromhex(chunk) for chunk in chunks[first : first + _AT_ONCE]]
            query = _FIND.format(",".join("?" * len(ids)))
            for id_, pack, *row in self._open().execute(query, ids).fetchall():
                place = Location(pack, _entry(ChunkId(id_.hex()), row))
                if pack not in self._listed or not place.entry.well_formed:
                    raise sqlite3.DatabaseError
                found.setdefault(ChunkId(place.entry.id), []).append(place)
        return found

    def _standing(self, wanted: Sequence[ChunkId]) -> set[ChunkId]:
        ids = [bytes.fromhex(chunk) for chunk in wanted]
        return {ChunkId(id_.hex()) for id_ in _whole(ids, self._verified_bases)}

    def _bases(self, ids: Sequence[bytes]) -> list[_Rest]:
        """Return the depth and delta base of each entry of chunks, by the index."""
        return self._open().execute(_RESTS.format(",".join("?" * len(ids))), ids).fetchall()

    def _verified_bases(self, ids: Sequence[bytes]) -> list[_Rest]:
        """Return the depth and delta base of each entry of chunks that is verified in its pack."""
        found = self._find([ChunkId(id_.hex()) for id_ in ids])
        places = [place for each in found.values() for place in each if self._is_verified(place)]
        return [
            (bytes.fromhex(entry.id), entry.depth, bytes.fromhex(entry.base) if entry.base else None)
            for entry in (place.entry for place in places)
        ]

    def _is_verified(self, place: Location) -> bool:
        """Return whether the pack has that entry at its offset, and is not truncated before its end."""
        if place.pack in self.unreadable:
            return False
        try:
            pack = self._files.get(place.pack)
            return place.entry.end <= pack.size and pack.read(place.entry.offset, HEADER.size) == place.entry.header()
        except errors.Damaged:
            return False

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = self._connect()
            self._gather(self._database)
        return self._database

    def _connect(self) -> sqlite3.Connection:
        """Open the cache; a private one if it is read-only or corrupt."""
        with contextlib.suppress(sqlite3.Error, errors.MvcError, OSError):
            self._door.make_folder("cache")
            if not self._is_own():
                self._forget()
            with contextlib.suppress(errors.MvcError, OSError):  # a read-only cache is useful, too
                self._door.open_cache(NAME)
            database = sqlite3.connect(self._door.path(NAME), timeout=2, isolation_level=None)
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.executescript(_SCHEMA)
            if database.execute(_PARSED).fetchall() == _private().execute(_PARSED).fetchall():
                return database
            database.close()
            self._forget()  # triggers, views and the like would be run by SQLite
        return _private()

    def _is_own(self) -> bool:
        """Return whether the files that SQLite would open are regular files of this store, and not links to others."""
        if any(self._door.exists(NAME + suffix) for suffix in _BESIDE[2:]):
            return False
        for name in (NAME, f"{NAME}-journal"):
            try:
                fd = self._door.open(name)
            except FileNotFoundError:
                continue
            except errors.Damaged:
                return False
            with open(fd, "rb", buffering=0):
                status = os.fstat(fd)
                end = os.pread(fd, len(_SUPER_JOURNAL), max(0, status.st_size - len(_SUPER_JOURNAL)))
            if status.st_nlink != 1 or (name != NAME and end == _SUPER_JOURNAL):
                return False
        return True

    def _forget(self) -> None:
        for suffix in _BESIDE:
            self._door.forget(NAME + suffix)

    def _rebuild(self, *, keep: bool = False) -> None:
        """Read all pack indexes into a private database. Delete the cache unless `keep`."""
        with contextlib.suppress(sqlite3.Error):
            if self._database is not None:
                self._database.close()
        if not keep:
            self._forget()
        self.unreadable.clear()
        self._database = _private()
        self._gather(self._database)
        self._sure = True

    def _gather(self, database: sqlite3.Connection) -> None:
        """Update the database to the indexes of exactly the listed packs."""
        listed = self._listed = set(pack_names(self._door))
        rows = database.execute("SELECT name, number, whole FROM packs").fetchall()
        known = {name: number for name, number, _ in rows}
        # A pack that another process found damaged may be repaired, and is read again.
        settled = {name for name, _, whole in rows if whole or name in self.unreadable}
        if listed == known.keys() == settled:
            return
        database.execute("BEGIN IMMEDIATE")
        for name in known.keys() - (listed & settled):
            database.execute("DELETE FROM chunks WHERE pack = ?", (known[name],))
            database.execute("DELETE FROM packs WHERE number = ?", (known[name],))
        for name in sorted(listed - settled):
            self._read_in(database, name)
        database.execute("COMMIT")

    def _read_in(self, database: sqlite3.Connection, name: str) -> None:
        """Add the index of a pack, or if that is damaged, the headers of its entries."""
        try:
            pack = PackFile(self._door, name)
        except errors.Damaged as error:
            self.unreadable[name] = error
            return
        try:
            entries = packformat.read_index(pack)
        except errors.Damaged as error:
            self.unreadable[name] = error
            entries = packformat.scan(pack)
        row = (name, name not in self.unreadable)
        number = database.execute("INSERT OR IGNORE INTO packs (name, whole) VALUES (?, ?)", row).lastrowid
        database.executemany("INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _rows(entries, number))


def _whole(wanted: Sequence[bytes], rests: Callable[[Sequence[bytes]], list[_Rest]]) -> set[bytes]:
    """Return the ids among `wanted` that have an entry with all its bases, each of a smaller depth than its delta."""
    rows: list[_Rest] = []
    seen: set[bytes] = set()
    level = list(dict.fromkeys(wanted))
    while level:
        seen.update(level)
        found = [row for first in range(0, len(level), _AT_ONCE) for row in rests(level[first : first + _AT_ONCE])]
        rows += found
        level = list({base for _, _, base in found if base is not None} - seen)
    least: dict[bytes, int] = {}
    for id_, depth, base in sorted(rows, key=lambda row: row[1]):
        if base is None or least.get(base, depth) < depth:
            least.setdefault(id_, depth)
    return seen.intersection(wanted, least)


def _private() -> sqlite3.Connection:
    """Return a private database, which SQLite moves to a file of its own if it gets large."""
    database = sqlite3.connect("", isolation_level=None)
    database.executescript(_SCHEMA)
    return database


def pack_names(door: StoreDoor) -> list[str]:
    """Return the names of all packs of chunks, below `.mvc`."""
    found = (f"packs/{fan}/{name}" for fan in door.names("packs") for name in door.names(f"packs/{fan}"))
    return [name for name in found if name.endswith(".pack") and is_id(name[-69:-5])]


def _rows(entries: list[Entry], number: int | None) -> Iterator[tuple[object, ...]]:
    for entry in entries:
        base = bytes.fromhex(entry.base) if entry.base else None
        if entry.kind == packformat.CHUNK:
            yield (
                bytes.fromhex(entry.id), number, entry.offset, entry.encoding, entry.raw,
                entry.stored, entry.depth, entry.width, base,
            )  # fmt: skip


def _entry(chunk: ChunkId, row: Sequence[Any]) -> Entry:
    encoding, raw, stored, depth, width, base, offset = row
    return Entry(chunk, packformat.CHUNK, encoding, raw, stored, depth, width, base.hex() if base else None, offset)
