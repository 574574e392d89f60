"""Planning and doing a collection: what in the store nothing needs, and packs that are mostly that.

    live objects, live files ─► a recipe of each ─► the entries that it needs (retain)
                                                                    │
    objects, recipes, metadata packs: go, unless needed or young    │
    packs: nothing needed: go · less than half: rewritten · many small ones: merged ◄─┘

The plan is a value; `act` first has every entry that is kept in a pack that stands, and only then removes anything. What is
younger than the cutoff stays: it may be a commit's that is under way, or somebody's who wants it back. When something that
is needed is not here, and nothing on record says why, there is no plan: what of the rest is needed cannot be told.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import FileId, VersionId, is_id
from mvc.model.version import Version
from mvc.storage import objects, usage
from mvc.storage.chunks import recipes
from mvc.storage.chunks.recipes import Recipe, Recipes
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.index import ChunkIndex, pack_names
from mvc.storage.packs.metapacks import MetaPacks
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.packwriter import PackWriter
from mvc.storage.packs.reader import ChunkReader
from mvc.storage.packs.retain import Retained
from mvc.storage.progress import Progress
from mvc.storage.records import sealed
from mvc.storage.records.promised import Absences

MOSTLY = 0.5
"""A pack is rewritten when less than this part of it is needed."""
SMALL = 16 * 1024 * 1024
"""Bytes of a pack below which it is small."""
MANY = 8
"""Small packs that are let be."""
RECORD = "collected"
"""Up to when ref logs were let go, in seconds since 1970: what only older entries name may have been collected."""
GENERATION = "cache/collected"
"""What changes with each collection: a commit that began before one looks whether all it builds on is still there."""


class Live(NamedTuple):
    """What must stay: the ids of objects, and of files. Of `spared` files stays what there is."""

    objects: AbstractSet[str]
    files: AbstractSet[FileId]
    spared: AbstractSet[FileId] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a collection removes, by where it lies below `.mvc`, and the packs that it copies the rest of first.

    `versions` are those of the objects that are versions, children before parents; they go before anything that they need.

    `freed` is the bytes that the store will be shorter by, about.
    """

    versions: tuple[VersionId, ...]
    objects: tuple[str, ...]
    recipes: tuple[str, ...]
    packs: tuple[str, ...]
    rewritten: tuple[str, ...]
    metapacks: tuple[str, ...]
    keep: Retained
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
    """What can go of what is older than `cutoff`, in nanoseconds since 1970.

    Raises Damaged, or Missing, where that cannot be told.
    """
    for name, error in {**store.chunks.unreadable, **store.metapacks.unreadable}.items():
        raise errors.Damaged(what=name, reason=error.fields.get("reason", error.message)) from error
    door, keep = store.door, Retained(ChunkReader(store.door, store.chunks))
    needed, young = _metapacks(store, live, cutoff)
    metapacks_gone = [path for path in _metapack_paths(door) if path not in needed]
    gone = [*_recipes_of_live(store, live, keep, cutoff), *_other_recipes(store, live, keep, cutoff)]
    for file in (live.spared | young) - live.files:
        _spare(store, file, keep)
    dead, rewritten, freed = _packs(door, keep, cutoff)
    objects_gone = [name for name in _loose_objects(door, live) if _is_old(door, name, cutoff)]
    versions = {name.rpartition("/")[2]: version for name in objects_gone if (version := _version(door, name))}
    return Plan(
        tuple(_children_first(versions)),
        tuple(name for name in objects_gone if name.rpartition("/")[2] not in versions),
        tuple(gone),
        tuple(dead),
        tuple(rewritten),
        tuple(metapacks_gone),
        keep,
        freed + sum(door.stat(name).size for name in [*objects_gone, *gone, *metapacks_gone]),
    )


def act(store: Store, todo: Plan, generation: bytes, progress: Progress | None = None) -> None:
    """Do what the plan says, under the lock. At any point where it stops, nothing that is needed is gone.

    `progress` is told the bytes copied. Raises DiskFailed, ReadOnlyStore, Damaged.
    """
    door = store.door
    writer = PackWriter(door)
    if progress is not None:
        progress.expect(sum(usage.size(door, name) for name in todo.rewritten))
    try:
        for name in todo.rewritten:
            _copy(PackFile(door, name), todo.keep, writer, progress)
        written = {packformat.path(id_) for id_ in writer.finish()}
    except BaseException:
        writer.discard()
        door.give_up()
        raise
    door.rely_on_packs()  # what goes may be in another pack as well, whose name is to be durable by then
    door.barrier()
    door.replace(GENERATION, generation)
    # From the top down, so that what is left after a stop is whole, or needed by nothing; also after a power cut.
    for id_ in todo.versions:
        door.remove_all([objects.path(id_)])
    door.remove_all([*todo.objects, *todo.recipes, *todo.metapacks])
    # What an earlier collection had copied before it was stopped may come out as the same pack again.
    door.remove_all([name for name in (*todo.packs, *todo.rewritten) if name not in written])
    store.chunks.refresh()


def let_go(door: StoreDoor, since: int) -> None:
    """Record, before anything is removed, that ref log entries not newer than `since` keep nothing. Under the lock."""
    before = collected(door)
    if before is None or before < since:
        door.replace(RECORD, sealed.seal({"kind": "collected", "v": 1, "since": since}))


def collected(door: StoreDoor) -> int | None:
    """The moment up to which ref log entries keep nothing; None when nothing was collected. Raises Damaged."""
    try:
        record = sealed.unseal(door.read(RECORD), what=RECORD, kind="collected")
    except FileNotFoundError:
        return None
    if set(record) != {"kind", "v", "since"} or record["v"] != 1 or type(record["since"]) is not int:
        raise errors.Damaged(what=RECORD, reason="its fields are not those of such a record")
    return int(record["since"])


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


def _version(door: StoreDoor, path: str) -> Version | None:
    try:
        return Version.decode(door.read(path))
    except errors.MvcError:
        return None


def _children_first(versions: dict[str, Version]) -> list[VersionId]:
    parents = {id_: [parent for parent in version.parents if parent in versions] for id_, version in versions.items()}
    return [VersionId(id_) for id_ in graphlib.TopologicalSorter(parents).static_order()][::-1]


def _metapack_paths(door: StoreDoor) -> list[str]:
    return [f"{metapacks.FOLDER}/{name}" for name in door.names(metapacks.FOLDER)]


def _metapacks(store: Store, live: Live, cutoff: int) -> tuple[set[str], set[FileId]]:
    """The metadata packs that stay, each whole: something in them is needed, or they are young. The files of the young ones."""
    stay: set[str] = set()
    files: set[FileId] = set()
    for path in _metapack_paths(store.door):
        entries = packformat.read_index(PackFile(store.door, path))
        young = not _is_old(store.door, path, cutoff)
        if young or any(_is_needed(entry, live) for entry in entries):
            stay.add(path)
        if young:
            files.update(FileId(entry.base) for entry in entries if entry.kind == packformat.RECIPE and entry.base)
    return stay, files


def _is_needed(entry: Entry, live: Live) -> bool:
    if entry.kind == packformat.RECIPE:
        return entry.base in live.files or entry.base in live.spared
    return entry.kind != packformat.OBJECT or entry.id in live.objects


def _recipes_of_live(store: Store, live: Live, keep: Retained, cutoff: int) -> Iterator[str]:
    """Have what each live file needs stay; where its loose recipes lie that can go, since another serves as well."""
    absences = Absences(store.door, store.recipes)
    for file in sorted(live.files):
        found = sorted(store.recipes.for_file(file), key=Recipe.preference)
        serves = next((recipe for recipe in found if keep.keep(recipe)), None)
        if serves is None:
            if not absences.recorded(file):
                raise errors.Missing(what="a recipe or a chunk of file", id=file)
            for recipe in found:
                keep.keep_what_is_here(recipe)
            continue
        others = [recipe for recipe in found if recipe != serves and store.door.exists(recipe.path)]
        going = [recipe for recipe in others if _is_old(store.door, recipe.path, cutoff)]
        if going and not keep.rebuilds(serves):
            raise errors.Damaged(what=f"file {file}", reason="its best recipe does not give its bytes")
        for recipe in others:
            if recipe not in going:
                keep.keep_what_is_here(recipe)
        yield from (recipe.path for recipe in going)


def _other_recipes(store: Store, live: Live, keep: Retained, cutoff: int) -> Iterator[str]:
    """Where the loose recipes of other files lie that can go; what the young ones need stays."""
    for fan in store.door.names(recipes.FOLDER):
        for file in store.door.names(f"{recipes.FOLDER}/{fan}"):
            if file in live.files or file in live.spared:
                continue
            paths = [
                f"{recipes.FOLDER}/{fan}/{file}/{name}" for name in store.door.names(f"{recipes.FOLDER}/{fan}/{file}")
            ]
            old = [path for path in paths if _is_old(store.door, path, cutoff)]
            if len(old) < len(paths):
                _spare(store, FileId(file), keep)
            yield from old


def _spare(store: Store, file: FileId, keep: Retained) -> None:
    """Have what is here of a file stay, if it can be told."""
    try:
        for recipe in store.recipes.for_file(file):
            keep.keep_what_is_here(recipe)
    except errors.Damaged:
        pass


def _packs(door: StoreDoor, keep: Retained, cutoff: int) -> tuple[list[str], list[str], int]:
    """Return the packs of which nothing is kept, those to rewrite, and the bytes that this frees.

    A rewrite leaves fewer bytes or fewer packs, so that the next collection finds nothing more to do: what counts is the
    bytes of entries, as the index of a pack of one small chunk is longer than the chunk, and the pack that is made of
    the thin ones is a small one itself.
    """
    dead, thin, small, freed = [], [], [], {}
    for name in sorted(pack_names(door)):
        if not _is_old(door, name, cutoff):
            continue
        pack, kept = PackFile(door, name), keep.of(name)
        sizes = {entry.offset: entry.end - entry.offset for entry in packformat.read_index(pack)}
        live, total = sum(sizes[offset] for offset in kept), sum(sizes.values())
        freed[name] = total - live if live else pack.size
        if not live:
            dead.append(name)
        elif live < MOSTLY * total:
            thin.append(name)
        elif pack.size < SMALL:
            small.append(name)
    rewritten = thin + (small if len(small) + bool(thin) > MANY else [])
    return dead, rewritten, sum(freed[name] for name in (*dead, *rewritten))


def _copy(
    pack: PackFile,
    keep: Retained,
    writer: PackWriter,
    progress: Progress | None,
) -> None:
    stay = keep.of(pack.name)
    for entry in packformat.verify(pack):
        if entry.offset in stay:
            writer.add(entry, packformat.read_entry(pack, entry))
    if progress is not None:
        progress(pack.size)
