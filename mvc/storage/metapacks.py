"""Metadata packs: objects, recipes, pack indexes and ref entries that came from elsewhere, in the packs they came in.

Readers look in loose files first and then here, and see no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from mvc import errors
from mvc.model.ids import FileId, PackId, digest, is_id
from mvc.storage import codec, packs
from mvc.storage.door import StoreDoor
from mvc.storage.packfile import PackFiles
from mvc.storage.packs import Entry
from mvc.storage.packwriter import PackWriter

FOLDER = "meta"

_Place = tuple[str, Entry]


def path(pack: PackId) -> str:
    """Where a metadata pack lies, below `.mvc`."""
    return f"{FOLDER}/{pack}.pack"


class MetaPacks:
    """What the metadata packs of a repository hold; their indexes are read when first asked."""

    def __init__(self, door: StoreDoor) -> None:
        """Read below `door`."""
        self._door = door
        self._files = PackFiles(door)

    def object(self, id_: str) -> bytes | None:
        """The verified bytes of an object, None when it is in no metadata pack; raises Damaged."""
        place = self._objects.get(id_)
        return self._read(place) if place else None

    def object_ids(self) -> list[str]:
        """The ids of all objects here."""
        return list(self._objects)

    def recipes(self, file: FileId) -> Iterator[tuple[str, bytes]]:
        """The id and the bytes of each recipe of a file; raises Damaged."""
        for place in self._recipes.get(file, ()):
            yield place[1].id, self._read(place)

    def others(self, kind: int) -> Iterator[tuple[str, bytes]]:
        """The id and the bytes of each entry of a kind (PACK_INDEX, REF_ENTRY); raises Damaged."""
        for place in self._places:
            if place[1].kind == kind:
                yield place[1].id, self._read(place)

    def _read(self, place: _Place) -> bytes:
        name, entry = place
        data = bytes(codec.decode(entry.encoding, packs.read_entry(self._files.get(name), entry), entry.raw))
        if entry.kind != packs.PACK_INDEX and digest(data) != entry.id:
            raise errors.Damaged(what=name, reason=f"the entry {entry.id[:10]} is not what it names")
        return data

    @cached_property
    def _places(self) -> list[_Place]:
        names = [name for name in self._door.names(FOLDER) if is_id(name.removesuffix(".pack"))]
        return [
            (f"{FOLDER}/{name}", entry)
            for name in names
            for entry in packs.read_index(self._files.get(f"{FOLDER}/{name}"))
        ]

    @cached_property
    def _objects(self) -> dict[str, _Place]:
        return {place[1].id: place for place in self._places if place[1].kind == packs.OBJECT}

    @cached_property
    def _recipes(self) -> dict[str | None, list[_Place]]:
        found: dict[str | None, list[_Place]] = {}
        for place in self._places:
            if place[1].kind == packs.RECIPE:
                found.setdefault(place[1].base, []).append(place)
        return found


class MetaWriter:
    """Writes one metadata pack."""

    def __init__(self, door: StoreDoor) -> None:
        """Begin it; raises ReadOnlyStore, DiskFailed."""
        self._writer = PackWriter(door, path, cut=packs.MAX_METADATA)

    def add(self, kind: int, data: bytes, *, id_: str | None = None, file: FileId | None = None) -> None:
        """Append an entry; `id_` names the pack of a pack index, `file` the file of a recipe."""
        encoding, stored = codec.encode(data)
        entry = Entry(id_ or digest(data), kind, encoding, len(data), len(stored), base=file)
        self._writer.add(entry, stored)

    def finish(self) -> list[PackId]:
        """Seal it for the next barrier."""
        return self._writer.finish()
