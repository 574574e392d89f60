"""Metadata packs: objects, recipes, pack indexes and ref entries, in the packs they were fetched in.

The recipes of many small files that are stored together are in a metadata pack too: one fsync instead of thousands.

Readers look in loose files first and then here, and see no difference. The intact entries of a damaged pack are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial

from mvc import errors
from mvc.model.ids import FileId, PackId, digest, is_id
from mvc.storage.chunks import codec
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFile, PackFiles
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.packwriter import PackWriter

FOLDER = "meta"
MAX_UNFOLDED = packformat.MAX_METADATA
"""Limit of the decoded size of a fetched pack, plus `MAX_RATIO` times its encoded size."""
MAX_RATIO = 32

_Place = tuple[str, Entry]
_Table = dict[str, list[_Place]]
_Key = Callable[[Entry], str]


def path(pack: PackId) -> str:
    """Return the name of a metadata pack, below `.mvc`."""
    return f"{FOLDER}/{pack}.pack"


class MetaPacks:
    """The contents of a repository's metadata packs, whose indexes are read on first use.

    `unreadable` has the fault of each unreadable pack index by pack name.
    """

    def __init__(self, door: StoreDoor) -> None:
        """Read below `door`."""
        self._door = door
        self._files = PackFiles(door)
        self.unreadable: dict[str, errors.Damaged] = {}
        self._expected: set[str] = set()

    def object(self, id_: str) -> bytes | None:
        """Return the verified bytes of an object, None if no metadata pack has it; raise Damaged if no copy is intact."""
        failure: errors.Damaged | None = None
        for place in self._objects.get(id_, ()):
            try:
                return self._read(place)
            except errors.Damaged as error:
                failure = error
        if failure is not None:
            raise failure
        return None

    def object_ids(self) -> list[str]:
        """Return the ids of all objects in metadata packs."""
        return list(self._objects)

    def recipes(self, file: FileId) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Yield the id of each recipe of a file, and a function that reads its bytes, which raises Damaged."""
        if self._expected:
            self.refresh()
            self._expected.difference_update(self._by_name)
        for place in self._recipes.get(file, ()):
            yield place[1].id, partial(self._read, place)

    def others(self, kind: int) -> Iterator[tuple[str, bytes]]:
        """Yield the id and the bytes of each entry of a kind (PACK_INDEX, REF_ENTRY); raise Damaged."""
        for name, entries in self._by_name.items():
            for entry in entries:
                if entry.kind == kind:
                    yield entry.id, self._read((name, entry))

    def entries(self, pack: PackId) -> list[Entry]:
        """Return the entries of a metadata pack, none if it is absent; `read` returns their bytes."""
        return self._by_name.get(path(pack), [])

    def read(self, pack: PackId, entry: Entry) -> bytes:
        """Return the bytes of one of its entries; raise Damaged."""
        return self._read((path(pack), entry))

    def refresh(self) -> None:
        """List the packs again, as some may be new; keep the indexes that were read."""
        known = self.__dict__.get("_by_name")
        if known is None:
            return
        names = self._names()
        if not known.keys() <= set(names):
            for name in ("_by_name", "_objects", "_recipes"):
                self.__dict__.pop(name, None)
            return
        for name in names:
            if name not in known:
                known[name] = self._entries(name)
                for table, kind, key in self._tables():
                    _sort_in(table, name, known[name], kind, key)

    def expect(self, written: Iterable[PackId]) -> None:
        """Search these packs of recipes too, which get their names at the next barrier."""
        self._expected.update(map(path, written))

    def _read(self, place: _Place) -> bytes:
        name, entry = place
        data = bytes(codec.decode(entry.encoding, packformat.read_entry(self._files.get(name), entry), entry.raw))
        if entry.kind != packformat.PACK_INDEX and digest(data) != entry.id:
            raise errors.Damaged(what=name, reason=f"checksum mismatch in the entry {entry.id[:10]}")
        return data

    def _names(self) -> list[str]:
        return [f"{FOLDER}/{name}" for name in self._door.names(FOLDER) if is_id(name.removesuffix(".pack"))]

    @cached_property
    def _by_name(self) -> dict[str, list[Entry]]:
        return {name: self._entries(name) for name in self._names()}

    def _entries(self, name: str) -> list[Entry]:
        try:
            pack = self._files.get(name)
        except errors.Damaged as error:
            self.unreadable[name] = error
            return []
        try:
            return packformat.read_index(pack)
        except errors.Damaged as error:
            self.unreadable[name] = error
            return packformat.scan(pack)

    @cached_property
    def _objects(self) -> _Table:
        return self._by(packformat.OBJECT, _own_id)

    @cached_property
    def _recipes(self) -> _Table:
        return self._by(packformat.RECIPE, _file_of)

    def _by(self, kind: int, key: _Key) -> _Table:
        found: _Table = {}
        for name, entries in self._by_name.items():
            _sort_in(found, name, entries, kind, key)
        return found

    def _tables(self) -> Iterator[tuple[_Table, int, _Key]]:
        """Yield the tables that are already built, and their contents."""
        for name, kind, key in (("_objects", packformat.OBJECT, _own_id), ("_recipes", packformat.RECIPE, _file_of)):
            if name in self.__dict__:
                yield self.__dict__[name], kind, key


def _own_id(entry: Entry) -> str:
    return entry.id


def _file_of(entry: Entry) -> str:
    return entry.base or ""


def _sort_in(table: _Table, name: str, entries: list[Entry], kind: int, key: _Key) -> None:
    for entry in entries:
        if entry.kind == kind:
            table.setdefault(key(entry), []).append((name, entry))


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
