"""Metadata packs: objects, recipes, pack indexes and ref entries, in the packs they were fetched in.

The recipes of many small files that are stored together are in a metadata pack too: one fsync instead of thousands.

Readers look in loose files first and then here, and see no difference. The intact entries of a damaged pack are read.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property, partial
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import FileId, PackId, digest, is_id
from mvc.storage.chunks import codec
from mvc.storage.disk import primitives
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFile, PackFiles
from mvc.storage.packs.packformat import INDEXED, Entry
from mvc.storage.packs.packwriter import PackWriter

FOLDER = "meta"
MAX_UNFOLDED = packformat.MAX_METADATA
"""Limit of the decoded size of a fetched pack, plus `MAX_RATIO` times its encoded size."""
MAX_RATIO = 32

FEW = 32
"""The number of lookups that search the indexes as they are; more of them make a table first."""

_Row = tuple[str, bytes]
"""The name of a pack, and a row of its index."""
_Table = dict[bytes, list[tuple[str, int]]]
"""The names of packs, and the offsets of rows in their indexes, by id or file."""
_ROW = struct.Struct("<8x32sB11x32s")
"""A row of an index: the entry's id, kind and base. The rest is skipped."""
_ID, _KIND, _BASE = 8, 40, 52
"""The offsets of these in a row."""
_SETTLED = 2 * 10**9
"""Nanoseconds after which a change of a folder is certain to change its time."""


def path(pack: PackId) -> str:
    """Return the name of a metadata pack, below `.mvc`."""
    return f"{FOLDER}/{pack}.pack"


class Named(NamedTuple):
    """An entry of a metadata pack: its kind and id, and the file of a recipe."""

    kind: int
    id: str
    file: str


class MetaPacks:
    """The contents of a repository's metadata packs, whose indexes are read on first use.

    The first lookups search the bytes of the indexes; most commands need only a few entries of many thousands. If a pack
    vanishes, since `mvc gc` or a push joined it with others, its entries are looked up again.

    `unreadable` has the fault of each unreadable pack index by pack name.
    """

    def __init__(self, door: StoreDoor) -> None:
        """Read below `door`."""
        self._door = door
        self._files = PackFiles(door)
        self.unreadable: dict[str, errors.Damaged] = {}
        self._expected: set[str] = set()
        self._tables: dict[int, _Table] = {}
        self._parsed: dict[str, list[Entry]] = {}
        self._lookups = 0
        self._listed = (0, 0)
        self._lock = threading.RLock()

    def object(self, id_: str) -> bytes | None:
        """Return the verified bytes of an object, None if no metadata pack has it; raise Damaged if no copy is intact."""
        failure: errors.Damaged | None = None
        for row in self._find(packformat.OBJECT, id_):
            try:
                return self._read(row)
            except errors.Missing:  # removed meanwhile, and nowhere else
                continue
            except errors.Damaged as error:
                failure = error
        if failure is not None:
            raise failure
        return None

    def object_at_hand(self, id_: str) -> bytes | None:
        """Return the verified bytes of an object if the table of objects is made, and has it intact; None otherwise.

        A command that reads thousands of them does so without looking for each among the loose ones.
        """
        with self._lock:
            rows = self._look(packformat.OBJECT, bytes.fromhex(id_)) if packformat.OBJECT in self._tables else ()
        for row in rows:
            try:
                return self._read(row)
            except (errors.Damaged, errors.Missing):
                continue
        return None

    def object_ids(self) -> list[str]:
        """Return the ids of all objects in metadata packs."""
        with self._lock:
            return [id_.hex() for id_ in self._table(packformat.OBJECT)]

    def recipes(self, file: FileId) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Yield the id of each recipe of a file, and a function that reads its bytes, which raises Damaged."""
        if self._expected:
            self.refresh()
            self._expected.difference_update(self._indexes)
        for name, row in self._find(packformat.RECIPE, file):
            yield row[_ID:_KIND].hex(), partial(self._read, (name, row))

    def others(self, kind: int) -> Iterator[tuple[str, bytes]]:
        """Yield the id and the bytes of each entry of a kind (PACK_INDEX, REF_ENTRY); raise Damaged."""
        for name in self._indexes:
            for entry in self._entries(name):
                if entry.kind == kind:
                    yield entry.id, self._read_entry(name, entry)

    def entries(self, pack: PackId) -> list[Entry]:
        """Return the entries of a metadata pack, none if it is absent; `read` returns their bytes."""
        return self._entries(path(pack))

    def keys(self, pack: PackId) -> Iterator[tuple[int, str]]:
        """Yield the kind and the id of each entry of a metadata pack, in order."""
        rows = _ROW.iter_unpack(self._indexes.get(path(pack), b""))
        return ((kind, id_.hex()) for id_, kind, _ in rows)

    def named(self, name: str) -> list[Named]:
        """Return what each entry of the metadata pack `name` is, in order; raise Damaged unless its index is a whole one.

        It takes a third of the time of `entries`, of which there may be 100,000.
        """
        file = self._files.get(name)
        index = self._indexes.get(name)
        if index is None:
            index = packformat.read_index_bytes(file)
        packformat.check_index(file, index)
        return [
            Named(kind, id_.hex(), base.hex() if kind == packformat.RECIPE else "")
            for id_, kind, base in _ROW.iter_unpack(index)
        ]

    def read(self, pack: PackId, entry: Entry) -> bytes:
        """Return the bytes of one of its entries; raise Damaged, Missing."""
        return self._read_entry(path(pack), entry)

    def verify(self, pack: PackId) -> None:
        """Verify all entries of a metadata pack, as of one that was fetched; raise Damaged, Missing."""
        verify(self._files.get(path(pack)))

    def refresh(self) -> bool:
        """List the packs again, as some may be new or gone; return whether any is. Indexes that were read are kept."""
        with self._lock:
            known: dict[str, bytes] | None = self.__dict__.get("_indexes")
            if known is None:
                return False
            names = self._names()
            if known.keys() == set(names):
                return False
            # A new table of indexes: another thread may be going through the one of before.
            indexes = {name: known[name] if name in known else self._index(name) for name in names}
            self.__dict__["_indexes"] = indexes
            if not known.keys() <= indexes.keys():
                self._tables.clear()
            for kind, table in self._tables.items():
                for name in indexes.keys() - known.keys():
                    _sort_in(table, kind, name, indexes[name])
            return True

    def expect(self, written: Iterable[PackId]) -> None:
        """Search these packs of recipes too, which get their names at the next barrier."""
        self._expected.update(map(path, written))

    # --- lookup

    def _find(self, kind: int, key: str) -> list[_Row]:
        """Return the rows of an id, or of the recipes of a file; list the packs again before the answer is that there is none."""
        with self._lock:
            found = self._look(kind, bytes.fromhex(key))
            if not found and not self._is_as_listed() and self.refresh():
                found = self._look(kind, bytes.fromhex(key))
            return found

    def _look(self, kind: int, key: bytes) -> list[_Row]:
        self._lookups += 1
        indexes = self._indexes
        if kind in self._tables or self._lookups > FEW:
            found = [place for place in self._table(kind).get(key, ()) if place[0] in indexes]
        else:
            found = [(name, at) for name, index in indexes.items() for at in _search(index, kind, key)]
        return [(name, indexes[name][at : at + INDEXED.size]) for name, at in found]

    def _table(self, kind: int) -> _Table:
        table = self._tables.get(kind)
        if table is None:
            table = {}
            for name, index in self._indexes.items():
                _sort_in(table, kind, name, index)
            self._tables[kind] = table
        return table

    def _is_as_listed(self) -> bool:
        """Return whether the folder of the packs is certain to be as it was when it was listed."""
        changed, listed = self._listed
        return listed - changed > _SETTLED and self._stamp()[0] == changed

    # --- reading

    def _read(self, row: _Row) -> bytes:
        name, indexed = row
        offset, header = INDEXED.unpack(indexed)
        try:
            return packformat.read_plain(self._files.get(name), offset, header)
        except (errors.Damaged, errors.Missing):  # another encoding, or the fault is named below
            return self._read_entry(name, Entry.parse(header, offset), header)

    def _read_entry(self, name: str, entry: Entry, header: bytes = b"") -> bytes:
        try:
            pack = self._files.get(name)
        except errors.Missing:
            name, entry = self._elsewhere(name, entry)
            header = b""
            pack = self._files.get(name)
        data = bytes(codec.decode(entry.encoding, packformat.read_entry(pack, entry, header), entry.raw))
        if entry.kind != packformat.PACK_INDEX and digest(data) != entry.id:
            raise errors.Damaged(what=name, reason=f"checksum mismatch in the entry {entry.id[:10]}")
        return data

    def _elsewhere(self, name: str, entry: Entry) -> tuple[str, Entry]:
        """Return the same entry in another pack, as its own was removed meanwhile. Raises Missing."""
        self.refresh()
        same = (entry.kind, entry.id)
        for other in self._indexes:
            found = next((each for each in self._entries(other) if (each.kind, each.id) == same), None)
            if found is not None:
                return other, found
        raise errors.Missing(what="pack", id=name)

    def _names(self) -> list[str]:
        self._listed = self._stamp()
        return [f"{FOLDER}/{name}" for name in self._door.names(FOLDER) if is_id(name.removesuffix(".pack"))]

    def _stamp(self) -> tuple[int, int]:
        """Return the time of the folder of the packs, and the present."""
        try:
            return self._door.stat(FOLDER).mtime_ns, primitives.now_ns()
        except FileNotFoundError:
            return 0, primitives.now_ns()

    @cached_property
    def _indexes(self) -> dict[str, bytes]:
        """The bytes of the index of each pack, by name."""
        return {name: self._index(name) for name in self._names()}

    def _index(self, name: str) -> bytes:
        """Return the index of a pack, rebuilt from its entries if it is damaged."""
        try:
            pack = self._files.get(name)
        except errors.Missing:  # removed since it was listed
            return b""
        except errors.Damaged as error:
            self.unreadable[name] = error
            return b""
        try:
            return packformat.read_index_bytes(pack)
        except errors.Damaged as error:
            self.unreadable[name] = error
            return packformat.index_bytes(packformat.scan(pack))

    def _entries(self, name: str) -> list[Entry]:
        index = self._indexes.get(name, b"")
        if name not in self._parsed or not index:
            try:
                self._parsed[name] = [Entry.parse(header, offset) for offset, header in INDEXED.iter_unpack(index)]
            except errors.Damaged as error:
                self.unreadable[name] = error
                self._parsed[name] = packformat.scan(self._files.get(name))
        return self._parsed[name]


def _search(index: bytes, kind: int, key: bytes) -> Iterator[int]:
    """Yield the offset of each row in an index of a kind, with this id; of a recipe, with this file."""
    column = _BASE if kind == packformat.RECIPE else _ID
    found = index.find(key)
    while found >= 0:
        row, place = divmod(found, INDEXED.size)
        at = row * INDEXED.size
        if place == column and index[at + _KIND] == kind:
            yield at
        found = index.find(key, found + 1)


def _sort_in(table: _Table, kind: int, name: str, index: bytes) -> None:
    of_file = kind == packformat.RECIPE
    for number, (id_, found, base) in enumerate(_ROW.iter_unpack(index)):
        if found == kind:
            table.setdefault(base if of_file else id_, []).append((name, number * INDEXED.size))


def verify(pack: PackFile) -> None:
    """Verify the checksums of a metadata pack's entries, and that it has every entry of the indexes in it. Raises Damaged."""
    entries = packformat.read_index(pack)
    if sum(entry.raw for entry in entries) > MAX_UNFOLDED + MAX_RATIO * pack.size:
        raise errors.Damaged(what=pack.name, reason="it would decompress to far more bytes than allowed")
    has = {(entry.kind, entry.id) for entry in entries}
    for entry in entries:
        data = bytes(codec.decode(entry.encoding, packformat.read_entry(pack, entry), entry.raw))
        if entry.kind == packformat.PACK_INDEX:
            named = (
                (each.kind, each.id) for each in packformat.iterate_index(pack, data) if each.kind != packformat.CHUNK
            )
            if not data or not all(each in has for each in named):
                raise errors.Damaged(what=pack.name, reason=f"its entry {entry.id[:10]} is truncated")
        elif entry.kind == packformat.CHUNK or digest(data) != entry.id:
            raise errors.Damaged(what=pack.name, reason=f"checksum mismatch in the entry {entry.id[:10]}")


def replaces(packs: MetaPacks, pack: PackId, others: AbstractSet[str]) -> set[str]:
    """Return those of the metadata packs `others` whose entries `pack` has, with their indexes; none if it is damaged."""
    has = set(packs.keys(pack)) if others else set()
    named = {id_ for kind, id_ in has if kind == packformat.PACK_INDEX} & others
    if not named or pack in others:
        return set()
    found = {each for each in named if has.issuperset(packs.keys(PackId(each)))}
    try:
        packs.verify(pack)
    except errors.Damaged:
        return set()
    return found


class MetaWriter:
    """A writer of one metadata pack."""

    def __init__(self, door: StoreDoor) -> None:
        """Start the pack. Raises ReadOnlyStore, DiskFailed."""
        self._writer = PackWriter(door, path, cut=packformat.MAX_METADATA)

    def add(self, kind: int, data: bytes, *, id_: str | None = None, file: FileId | None = None) -> None:
        """Append an entry; `id_` names the pack of a pack index, `file` the file of a recipe."""
        encoding, stored = codec.encode(data)
        entry = Entry(id_ or digest(data), kind, encoding, len(data), len(stored), base=file)
        self._writer.add(entry, stored)

    def finish(self) -> list[PackId]:
        """Finish the pack, which gets its name at the next barrier."""
        return self._writer.finish()

    def discard(self) -> None:
        """Discard an unfinished pack."""
        self._writer.discard()
