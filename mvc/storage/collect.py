"""Planning and doing a collection: what in the store nothing needs, and packs that are mostly that.

    live objects, live files ─► recipes to keep ─► chunks ─► and their bases ─► of each chunk the entry of least depth
                                                                                  │
    objects, recipes, metadata packs: go, unless needed or young ◄────────────────┤
    packs: nothing needed: go · less than half: rewritten · many small ones: merged

The plan is a value; `act` first has every entry that is kept in a pack that stands, and only then removes anything. What is
younger than the cutoff stays: it may be a commit's that is under way, or somebody's who wants it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import FileId, VersionId, is_id
from mvc.model.version import Version
from mvc.storage import metapacks, objects, packs, recipes
from mvc.storage.chunkindex import ChunkIndex, pack_names
from mvc.storage.chunkreader import ChunkReader, Place
from mvc.storage.door import StoreDoor
from mvc.storage.metapacks import MetaPacks
from mvc.storage.packfile import PackFile
from mvc.storage.packs import Entry
from mvc.storage.packwriter import PackWriter
from mvc.storage.recipes import Recipe, Recipes

MOSTLY = 0.5
"""A pack is rewritten when less than this part of it is needed."""
SMALL = 16 * 1024 * 1024
"""Bytes of a pack below which it is small."""
MANY = 8
"""Small packs that are let be."""
GENERATION = "cache/collected"
"""What changes with each collection: a commit that began before one looks whether all it builds on is still there."""


class Live(NamedTuple):
    """What must stay: the ids of objects, and of files."""

    objects: AbstractSet[str]
    files: AbstractSet[FileId]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a collection removes, by where it lies below `.mvc`, and the packs that it copies the rest of first.

    `versions` are those of the objects that are versions; they go before anything that they need.

    `freed` is the bytes that the store will be shorter by, about.
    """

    versions: tuple[VersionId, ...]
    objects: tuple[str, ...]
    recipes: tuple[str, ...]
    packs: tuple[str, ...]
    rewritten: tuple[str, ...]
    metapacks: tuple[str, ...]
    keep: AbstractSet[tuple[str, int]]
    freed: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.versions or self.objects or self.recipes or self.packs or self.rewritten or self.metapacks)


class Store(NamedTuple):
    """The parts of a store that a collection looks at."""

    door: StoreDoor
    recipes: Recipes
    metapacks: MetaPacks
    chunks: ChunkIndex


def plan(store: Store, live: Live, cutoff: int) -> Plan:
    """What can go of what is older than `cutoff`, in nanoseconds since 1970. Raises Damaged where that cannot be told."""
    for name, error in {**store.chunks.unreadable, **store.metapacks.unreadable}.items():
        raise errors.Damaged(what=name, reason=error.fields.get("reason", error.message)) from error
    metapacks_gone = [name for name in _metapacks(store, live) if _is_old(store.door, name, cutoff)]
    kept, gone = _recipes(store, live, cutoff)
    keep = _entries(ChunkReader(store.door, store.chunks), kept)
    dead, rewritten, freed = _packs(store.door, keep, cutoff)
    objects_gone = [name for name in _loose_objects(store.door, live) if _is_old(store.door, name, cutoff)]
    removed = [*objects_gone, *gone, *metapacks_gone]
    versions = [name for name in objects_gone if _is_version(store.door, name)]
    return Plan(
        tuple(VersionId(name.rpartition("/")[2]) for name in versions),
        tuple(name for name in objects_gone if name not in set(versions)),
        tuple(gone),
        tuple(dead),
        tuple(rewritten),
        tuple(metapacks_gone),
        keep,
        freed + sum(store.door.stat(name).size for name in removed),
    )


def act(store: Store, todo: Plan, generation: bytes, progress: Callable[[int], None] | None = None) -> None:
    """Do what the plan says, under the lock. At any point where it stops, nothing that is needed is gone.

    `progress` is told the bytes copied. Raises DiskFailed, ReadOnlyStore, Damaged.
    """
    door = store.door
    writer = PackWriter(door)
    try:
        for name in todo.rewritten:
            _copy(PackFile(door, name), todo.keep, writer, progress)
        written = {packs.path(id_) for id_ in writer.finish()}
    except BaseException:
        writer.discard()
        door.give_up()
        raise
    door.barrier()
    door.replace(GENERATION, generation)
    # From the top down, so that what is left after a stop is whole, or needed by nothing.
    door.remove_all([objects.path(id_) for id_ in todo.versions])
    door.remove_all([*todo.objects, *todo.recipes, *todo.metapacks])
    # What an earlier collection had copied before it was stopped may come out as the same pack again.
    door.remove_all([name for name in (*todo.packs, *todo.rewritten) if name not in written])
    store.chunks.refresh()


def generation(door: StoreDoor) -> bytes:
    """The mark of the last collection."""
    try:
        return door.read(GENERATION)
    except FileNotFoundError:
        return b""


def _is_old(door: StoreDoor, name: str, cutoff: int) -> bool:
    return door.stat(name).mtime_ns < cutoff


def _loose_objects(door: StoreDoor, live: Live) -> Iterator[str]:
    for fan in door.names(objects.FOLDER):
        for name in door.names(f"{objects.FOLDER}/{fan}"):
            if is_id(name) and name not in live.objects:
                yield f"{objects.FOLDER}/{fan}/{name}"


def _is_version(door: StoreDoor, path: str) -> bool:
    try:
        Version.decode(door.read(path))
    except errors.MvcError:
        return False
    return True


def _metapacks(store: Store, live: Live) -> Iterator[str]:
    """The metadata packs that nothing needs; one that holds something needed stays whole."""
    for name in store.door.names(metapacks.FOLDER):
        path = f"{metapacks.FOLDER}/{name}"
        entries = packs.read_index(PackFile(store.door, path))
        if not any(_is_needed(entry, live) for entry in entries):
            yield path


def _is_needed(entry: Entry, live: Live) -> bool:
    if entry.kind == packs.RECIPE:
        return entry.base in live.files
    return entry.kind != packs.OBJECT or entry.id in live.objects


def _recipes(store: Store, live: Live, cutoff: int) -> tuple[list[Recipe], list[str]]:
    """The recipes that stay, and where those lie that go: of files that nothing needs, or that another serves as well."""
    kept: list[Recipe] = []
    gone: list[str] = []
    for fan in store.door.names(recipes.FOLDER):
        for file in store.door.names(f"{recipes.FOLDER}/{fan}"):
            for recipe, serves in _of_file(store, FileId(file), live):
                if serves or not store.door.exists(recipe.path) or not _is_old(store.door, recipe.path, cutoff):
                    kept.append(recipe)
                else:
                    gone.append(recipe.path)
    kept += [recipe for file in store.metapacks.files() for recipe in store.recipes.for_file(file)]
    return kept, gone


def _of_file(store: Store, file: FileId, live: Live) -> Iterator[tuple[Recipe, bool]]:
    """Each recipe of a file, and whether it is the one to keep."""
    best = store.recipes.best(file) if file in live.files else None
    for recipe in store.recipes.for_file(file):
        yield recipe, file in live.files and (best is None or recipe == best)


def _entries(reader: ChunkReader, kept: Iterable[Recipe]) -> set[tuple[str, int]]:
    """Pack and offset of the entries to keep: of each needed chunk the one of least depth, and so of what it rests on."""
    keep: set[tuple[str, int]] = set()
    seen: set[bytes] = set()
    for recipe in kept:
        for chunk, _ in recipe.chunks:
            raw = bytes.fromhex(chunk)
            if raw not in seen:
                seen.add(raw)
                keep.update(_chain(reader.locate(chunk)) or ())
    return keep


def _chain(places: Iterable[Place]) -> list[tuple[str, int]] | None:
    """The entry of least depth that has all it rests on here, with that; None where none has."""
    for place in places:
        under = _chain(place.bases) if place.location.entry.base else []
        if under is not None:
            return [(place.location.pack, place.location.entry.offset), *under]
    return None


def _packs(door: StoreDoor, keep: AbstractSet[tuple[str, int]], cutoff: int) -> tuple[list[str], list[str], int]:
    """The packs of which nothing is kept, those to rewrite, and the bytes that this frees."""
    dead, thin, small, freed = [], [], [], 0
    for name in sorted(pack_names(door)):
        if not _is_old(door, name, cutoff):
            continue
        pack = PackFile(door, name)
        live = sum(entry.end - entry.offset for entry in packs.read_index(pack) if (name, entry.offset) in keep)
        if not live:
            dead.append(name)
        elif live < MOSTLY * pack.size:
            thin.append(name)
        elif pack.size < SMALL:
            small.append(name)
        if live < MOSTLY * pack.size:
            freed += pack.size - live
    return dead, thin + (small if len(small) > MANY else []), freed


def _copy(
    pack: PackFile,
    keep: AbstractSet[tuple[str, int]],
    writer: PackWriter,
    progress: Callable[[int], None] | None,
) -> None:
    for entry in packs.verify(pack):
        if (pack.name, entry.offset) in keep:
            writer.add(replace(entry, offset=0), packs.read_entry(pack, entry))
    if progress is not None:
        progress(pack.size)
