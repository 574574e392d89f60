"""Packing of loose files: `mvc gc` moves objects, and recipes with their file inline, into one metadata pack.

    objects/9f/9f86…  recipes/60/60ab…/77… … (30,000 of them)  ─►  meta/d2….pack, sorted by kind and id  ─► removed

Each commit leaves four files or five, of which the file system keeps 4 KiB at least. A recipe of chunks stays loose: that it
is loose says that it was made here. So do the versions that refs point to, by which a lost log is noticed.

A pack from a remote has its entries in another order, and must stay, as it would be fetched again. So a sorted one was made
here: it is written again without the entries that nothing needs any more, and joined with others when there are many.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import TYPE_CHECKING

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, PackId, digest, is_id
from mvc.storage import objects
from mvc.storage.chunks import recipes
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.metapacks import MetaPacks, MetaWriter
from mvc.storage.packs.packformat import Entry

if TYPE_CHECKING:
    from mvc.storage.packs.gc import Live, Store

LEAST = 256
"""The number of loose files from which they are packed."""
MANY = 8
"""The number of small packs made here up to which they are not joined."""
SMALL = 8 * 1024 * 1024
"""A metadata pack with fewer bytes is small."""
RECOGNIZED = 16
"""The number of entries from which their order proves where a pack was made; fewer are not packed."""

_Key = tuple[int, str]
"""The kind and the id of an entry."""


@dataclass(frozen=True, slots=True)
class Packing:
    """The loose files that are packed, by kind and id, with the files of recipes; and the packs that are written again.

    `dropped` are the entries of these that nothing needs.
    """

    loose: Mapping[_Key, str] = field(default_factory=dict)
    packs: tuple[PackId, ...] = ()
    dropped: AbstractSet[_Key] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not self.loose and not self.packs


def plan(store: Store, live: Live, inline: AbstractSet[FileId], stay: AbstractSet[str], cutoff: int) -> Packing:
    """Plan the packing of the loose objects and recipes of `inline` files that are `live`, without the objects that `stay`.

    Packs made here lose their unneeded entries if they are older than `cutoff`, in nanoseconds since 1970.
    """
    door, packs = store.door, store.metapacks
    needed = live.objects - stay
    loose = {(packformat.OBJECT, id_): objects.path(id_) for id_ in _objects(door) if id_ in needed}
    loose.update(_recipes(door, inline))
    dropped: set[_Key] = set()
    rewritten: list[PackId] = []
    small: list[PackId] = []
    for pack in own(door, packs):
        stat = door.stat(metapacks.path(pack))
        unneeded = set(_unneeded(packs, pack, live))
        if unneeded and stat.mtime_ns < cutoff:
            rewritten.append(pack)
            dropped |= unneeded
        elif stat.size < SMALL:
            small.append(pack)
    if len(small) > MANY:
        rewritten += small
    return Packing(loose if len(loose) >= LEAST else {}, tuple(rewritten), dropped)


def act(store: Store, todo: Packing) -> int:
    """Carry out a plan, and return the number of loose files packed; the caller holds the lock.

    Everything is durable in its pack before a file is removed. A damaged file stays as it is, for `mvc fsck`, and so does a
    pack with a damaged entry. Raises DiskFailed, ReadOnlyStore.
    """
    door, packs = store.door, store.metapacks
    packs.refresh()
    contents = _Contents(door, packs, todo)
    if len(contents) >= RECOGNIZED:
        contents.write()
    else:
        contents.unpack()
    door.make_packs_durable()
    door.barrier()
    packs.refresh()
    done = contents.packed
    door.remove_all([*done, *map(metapacks.path, contents.replaced)])
    packs.refresh()
    return len(done)


def own(door: StoreDoor, packs: MetaPacks) -> Iterator[PackId]:
    """Return the metadata packs that were made here."""
    return (pack for pack in _all(door) if _is_own(list(packs.keys(pack))))


def _all(door: StoreDoor) -> Iterator[PackId]:
    packs = (PackId(name.removesuffix(".pack")) for name in door.names(metapacks.FOLDER))
    return filter(is_id, packs)


def _is_own(keys: list[_Key]) -> bool:
    """Return whether entries are of the kinds and in the order of a pack that was made here."""
    return (
        len(keys) >= RECOGNIZED
        and keys[0][0] >= packformat.OBJECT
        and keys[-1][0] <= packformat.RECIPE
        and all(map(operator.le, keys, keys[1:]))
    )


class _Contents:
    """The entries of the new pack, in its order."""

    def __init__(self, door: StoreDoor, packs: MetaPacks, todo: Packing) -> None:
        self._door = door
        self._packs = packs
        self._loose = todo.loose
        self._packed = _sound(packs, [pack for pack in _all(door) if pack not in todo.packs], todo.loose)
        """The loose files that another pack has: of a push, or of a collection that was interrupted."""
        self.replaced = [pack for pack in todo.packs if _is_sound(packs, pack)]
        self._entries: dict[_Key, tuple[PackId, Entry] | None] = {
            key: None for key in todo.loose if key not in self._packed
        }
        for pack in self.replaced:
            for entry in packs.entries(pack):
                key = (entry.kind, entry.id)
                if key not in todo.dropped:
                    self._entries[key] = (pack, entry)
        self._left: set[_Key] = set()
        """The loose files that stay: damaged ones, and a few that are not worth a pack."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def packed(self) -> list[str]:
        """The loose files whose content is in a pack."""
        return [path for key, path in self._loose.items() if key not in self._left]

    def write(self) -> None:
        """Write the pack, which gets its name at the next barrier."""
        writer = MetaWriter(self._door)
        try:
            for key in sorted(self._entries):
                self._add(writer, key)
            writer.finish()
        except BaseException:
            writer.discard()
            raise

    def unpack(self) -> None:
        """Write the few entries as loose files."""
        for key, place in self._entries.items():
            if place is None:
                self._left.add(key)
                continue
            pack, entry = place
            file = entry.base
            path = f"{recipes.FOLDER}/{file[:2]}/{file}/{entry.id}" if file else objects.path(entry.id)
            self._door.stage(path, self._packs.read(pack, entry))

    def _add(self, writer: MetaWriter, key: _Key) -> None:
        place = self._entries[key]
        if place is not None:
            pack, entry = place
            writer.add(entry.kind, self._packs.read(pack, entry), file=FileId(entry.base) if entry.base else None)
            return
        data, file = _read(self._door, key, self._loose[key])
        if data is None:
            self._left.add(key)
        else:
            writer.add(key[0], data, file=file)


def _read(door: StoreDoor, key: _Key, path: str) -> tuple[bytes | None, FileId | None]:
    """Return the verified bytes of a loose file, None if it is damaged; and the file of a recipe."""
    try:
        data = door.read(path)
        file = Recipe.decode(data).file if key[0] == packformat.RECIPE else None
    except (OSError, errors.MvcError):
        return None, None
    is_sound = digest(data) == key[1] and (file is None or path == f"{recipes.FOLDER}/{file[:2]}/{file}/{key[1]}")
    return data if is_sound else None, file


def _objects(door: StoreDoor) -> Iterator[str]:
    for fan in door.names(objects.FOLDER):
        yield from filter(is_id, door.names(f"{objects.FOLDER}/{fan}"))


def _recipes(door: StoreDoor, inline: AbstractSet[FileId]) -> Iterator[tuple[_Key, str]]:
    for fan in door.names(recipes.FOLDER):
        for file in door.names(f"{recipes.FOLDER}/{fan}"):
            if file in inline:
                folder = f"{recipes.FOLDER}/{fan}/{file}"
                names = door.names(folder)
                if len(names) == 1 and is_id(names[0]):  # of several, another one is chosen by gc, not here
                    yield (packformat.RECIPE, names[0]), f"{folder}/{names[0]}"


def _unneeded(packs: MetaPacks, pack: PackId, live: Live) -> Iterator[_Key]:
    for entry in packs.named(metapacks.path(pack)):
        of_recipe = entry.kind == packformat.RECIPE
        if not (entry.file in live.files or entry.file in live.spared if of_recipe else entry.id in live.objects):
            yield entry.kind, entry.id


def _is_sound(packs: MetaPacks, pack: PackId) -> bool:
    try:
        packs.verify(pack)
    except errors.Damaged:
        return False
    return True


def _sound(packs: MetaPacks, among: Iterable[PackId], keys: Mapping[_Key, str]) -> set[_Key]:
    """Return those of `keys` that a pack has, intact."""
    found: set[_Key] = set()
    for pack in among:
        for entry in packs.entries(pack) if not keys.keys().isdisjoint(packs.keys(pack)) else ():
            key = (entry.kind, entry.id)
            if key in keys and key not in found:
                try:
                    packs.read(pack, entry)
                except errors.Damaged:
                    continue
                found.add(key)
    return found
