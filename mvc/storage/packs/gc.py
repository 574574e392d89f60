"""Garbage collection of a store: mark what is reachable, plan the removals, sweep.

    live objects, live files ─► a recipe of each ─► its chunks ─► an entry of each, and of its delta bases   (mark)
                                                                    │
    objects, recipes, metadata packs: removed unless needed/young   │                                        (plan)
    packs: nothing needed: removed · less than half: rewritten · many small ones: joined ◄─┘

The plan is a value; `act` first makes every kept entry durable in a pack that stays, and only then removes anything.
Everything younger than the cutoff stays: it may belong to a commit in progress. If anything needed is absent and no record
explains it, planning fails, because the set of needed objects is unknown.

Chunks that only dropped files use go at any age; kept chunks whose delta bases they are get new entries (reencode).
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import ChunkId, FileId, Hasher, PackId, VersionId, is_id
from mvc.model.version import Version
from mvc.storage import objects, usage
from mvc.storage.caches import page
from mvc.storage.chunks import recipes
from mvc.storage.chunks.bases import Candidate
from mvc.storage.chunks.recipes import Recipe, Recipes
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import metapacks, packformat, reencode
from mvc.storage.packs.index import ChunkIndex, pack_names
from mvc.storage.packs.metapacks import MetaPacks, Named
from mvc.storage.packs.packfile import PackFile, PackFiles
from mvc.storage.packs.packwriter import PackWriter
from mvc.storage.packs.reader import ChunkReader, Place
from mvc.storage.packs.reencode import Change, Group
from mvc.storage.progress import Progress
from mvc.storage.records import config, querycache
from mvc.storage.records.promised import Promised
from mvc.storage.records.record import Record

MOSTLY = 0.5
"""A pack is rewritten if less than this share of its entries is needed."""
SMALL = 16 * 1024 * 1024
"""A pack with fewer bytes is small."""
MANY = 8
"""The number of small packs up to which they are not joined."""
RECORD = "collected"
"""The name of the record of the reflog expiry, below `.mvc`."""
GENERATION = "cache/collected"
"""A file that each collection changes: a commit that started before one checks that everything it needs still exists."""


@dataclass(frozen=True, slots=True)
class Expiry(Record):
    """The reflog expiry: entries up to `since`, in seconds since 1970, do not keep their versions reachable."""

    KIND = "collected"
    NOUN = "record of a collection"

    since: int


class Live(NamedTuple):
    """The ids of objects and files that must stay. Of `spared` files, the present parts stay.

    Of `dropped` files, which are among `files`, only the recipes stay. `groups` has the files of each version that keeps its
    bytes, parents first; it is empty if nothing is dropped.
    """

    objects: AbstractSet[str]
    files: AbstractSet[FileId]
    spared: AbstractSet[FileId] = frozenset()
    dropped: AbstractSet[FileId] = frozenset()
    groups: Sequence[Group] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The names below `.mvc` that a collection removes, and the packs that it rewrites first.

    `versions` are the versions among the objects, children before parents; they are removed before anything that they need.

    `freed` estimates the bytes by which the store shrinks; `changes` are the chunks that get new entries, of `recoded`
    bytes.
    """

    versions: tuple[VersionId, ...]
    objects: tuple[str, ...]
    recipes: tuple[str, ...]
    packs: tuple[str, ...]
    rewritten: tuple[str, ...]
    metapacks: tuple[str, ...]
    keep: Marks
    freed: int
    changes: Sequence[Change] = ()
    recoded: int = 0

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not (self.versions or self.objects or self.recipes or self.packs or self.rewritten or self.metapacks)


class Store(NamedTuple):
    """The parts of a store that a collection reads."""

    door: StoreDoor
    recipes: Recipes
    metapacks: MetaPacks
    chunks: ChunkIndex


def plan(store: Store, live: Live, cutoff: int) -> Plan:
    """Plan the removal of unreachable data older than `cutoff`, in nanoseconds since 1970.

    Raises Damaged or Missing if something needed cannot be read.
    """
    for name, error in {**store.chunks.unreadable, **store.metapacks.unreadable}.items():
        raise errors.Damaged(what=name, reason=error.fields.get("reason", error.message)) from error
    door, keep = store.door, Marks(ChunkReader(store.door, store.chunks))
    needed, young = _metapacks(store, live, cutoff)
    metapacks_gone = [path for path in _metapack_paths(door) if path not in needed]
    changes = _changes(store, live, young, keep)
    gone = [*_recipes_of_live(store, live, keep, cutoff), *_other_recipes(store, live, keep, cutoff)]
    for file in (live.spared | young) - live.files:
        _spare(store, file, keep)
    dead, rewritten, freed = _packs(door, keep, cutoff, _dropped_chunks(store, live, changes, keep))
    recoded = reencode.estimate(keep.reader, PackFiles(door), changes)
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
        freed + sum(door.stat(name).size for name in [*objects_gone, *gone, *metapacks_gone]) - recoded,
        changes,
        recoded,
    )


def act(store: Store, todo: Plan, generation: bytes, progress: Progress | None = None) -> int:
    """Carry out a plan, and return the bytes freed; the caller holds the lock.

    An interruption at any point loses nothing that is needed. `progress` counts the bytes copied. Raises DiskFailed,
    ReadOnlyStore, Damaged.
    """
    door = store.door
    writer = PackWriter(door)
    if progress is not None:
        progress.expect(sum(usage.size(door, name) for name in todo.rewritten))
    try:
        for name in todo.rewritten:
            _copy(PackFile(door, name), todo.keep, writer, progress)
        size, features = reencode.write(todo.keep.reader, PackFiles(door), todo.changes, writer.add)
        if features:
            config.require(door, features)
        written = {packformat.path(id_) for id_ in writer.finish()}
    except BaseException:
        writer.discard()
        door.discard_staged()
        raise
    door.make_packs_durable()  # the copy of a removed entry may be in another pack, whose name must be durable first
    door.barrier()
    door.replace(GENERATION, generation)
    # Top down, so that after an interruption or a power cut everything that is needed is complete.
    for id_ in todo.versions:
        door.remove_all([objects.path(id_)])
    if todo.versions:
        querycache.forget(door)
        page.forget(door)
    door.remove_all([*todo.objects, *todo.recipes, *todo.metapacks])
    # An earlier, interrupted collection may have written the same pack.
    door.remove_all([name for name in (*todo.packs, *todo.rewritten) if name not in written])
    store.chunks.refresh()
    return todo.freed + todo.recoded - size


def record_expiry(door: StoreDoor, since: int) -> None:
    """Record the reflog expiry before anything is removed. The caller holds the lock."""
    before = recorded_expiry(door)
    if before is None or before < since:
        door.replace(RECORD, Expiry(since).encode())


def recorded_expiry(door: StoreDoor) -> int | None:
    """Return the recorded reflog expiry; None before the first collection. Raises Damaged."""
    try:
        return Expiry.decode(door.read(RECORD), what=RECORD).since
    except FileNotFoundError:
        return None


def is_expired(door: StoreDoor, seconds: int) -> bool:
    """Return whether a collection let ref log entries of that time expire, in seconds since 1970. Raises Damaged."""
    since = recorded_expiry(door)
    return since is not None and seconds <= since


def generation(door: StoreDoor) -> bytes:
    """Return the mark of the last collection."""
    try:
        return door.read(GENERATION)
    except FileNotFoundError:
        return b""


class Marks:
    """The marked entries of packs. Memory grows with the number of distinct chunks, not of recipes.

        recipe ─► chunk ─► its entry of least depth whose base is present ─► the entry of the base ─► … ─► depth 0

    One copy of a chunk stays. If there are several, it is decoded first, so that the last intact copy is not removed.
    """

    def __init__(self, reader: ChunkReader) -> None:
        """Mark nothing yet."""
        self.reader = reader
        self._offsets: dict[str, set[int]] = {}
        self._seen: set[bytes] = set()
        self._replaced: set[str] = set()
        self.inline: set[FileId] = set()
        """The files that are kept inside their recipes."""

    def offsets(self, pack: str) -> AbstractSet[int]:
        """Return the offsets of a pack's marked entries."""
        return self._offsets.get(pack, frozenset())

    def replace(self, chunks: Iterable[ChunkId]) -> None:
        """Mark no entry of `chunks` from now on: they get new ones."""
        self._replaced.update(chunks)

    def has(self, chunk: ChunkId) -> bool:
        """Return whether a chunk is marked, and keeps its entry."""
        return chunk not in self._replaced and bytes.fromhex(chunk) in self._seen

    def retain(self, pack: str, offsets: Iterable[int]) -> None:
        """Mark more entries of a pack."""
        self._offsets.setdefault(pack, set()).update(offsets)

    def place(self, chunk: str) -> Place | None:
        """Return the place at which a chunk is kept; None if it, or a delta base, is absent."""
        return self._sound(chunk, self.reader.locate(ChunkId(chunk)))

    def mark(self, recipe: Recipe) -> bool:
        """Mark everything that a recipe needs; mark nothing and return False if any of it is absent."""
        if recipe.inline is not None:
            self.inline.add(recipe.file)
        found: dict[bytes, Place] = {}
        for chunk, _ in recipe.chunks:
            raw = bytes.fromhex(chunk)
            if raw not in self._seen and raw not in found:
                place = self.place(chunk)
                if place is None:
                    return False
                found[raw] = place
        self._seen.update(found)
        self._mark(found.values())
        return True

    def mark_present(self, recipe: Recipe) -> None:
        """Mark all present copies of the chunks that a recipe needs: the absent ones may be restored."""
        if not self.mark(recipe):
            for chunk, _ in recipe.chunks:
                self._mark(self.reader.locate(chunk))

    def rebuilds(self, recipe: Recipe) -> bool:
        """Read all chunks of a recipe; return whether it rebuilds its file."""
        if recipe.inline is not None:
            return True
        hasher = Hasher()
        try:
            for chunk, _ in recipe.chunks:
                hasher.update(self.reader.read(chunk, self.reader.locate(chunk)))
        except errors.Damaged:
            return False
        return FileId(hasher.digest()) == recipe.file

    def _mark(self, places: Iterable[Place]) -> None:
        for place in places:
            if place.location.entry.id not in self._replaced:
                self._offsets.setdefault(place.location.pack, set()).add(place.location.entry.offset)
                self._mark(place.bases)

    def _sound(self, chunk: str, places: tuple[Place, ...]) -> Place | None:
        """Return the place of smallest depth whose delta bases are present, with only these; None if there is none."""
        for place in places:
            only = self._single(place)
            if only is not None and (len(places) == 1 or self._decodes(ChunkId(chunk), only)):
                return only
        return None

    def _single(self, place: Place) -> Place | None:
        """Return the place with one place for each of its delta bases; None if there is none."""
        base = place.location.entry.base
        if base is None:
            return place
        under = self._sound(base, place.bases)
        return None if under is None else Place(place.location, (under,))

    def _decodes(self, chunk: ChunkId, place: Place) -> bool:
        try:
            self.reader.read(chunk, (place,))
        except errors.Damaged:
            return False
        return True


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
    """Return the metadata packs that stay, since an entry is needed or they are young; and the files of the young ones."""
    stay: set[str] = set()
    files: set[FileId] = set()
    replaced = _replaced(store)
    for path in _metapack_paths(store.door):
        named = store.metapacks.named(path)
        young = not _is_old(store.door, path, cutoff)
        if path not in replaced and (young or any(_is_needed(entry, live) for entry in named)):
            stay.add(path)
        if young:
            files.update(FileId(entry.file) for entry in named if entry.kind == packformat.RECIPE)
    return stay, files


def _replaced(store: Store) -> set[str]:
    """Return the metadata packs of which a compacted one has every entry."""
    packs = {PackId(path.rpartition("/")[2].removesuffix(".pack")) for path in _metapack_paths(store.door)}
    left: set[str] = set(packs)
    for pack in sorted(packs):
        if pack in left:
            left -= metapacks.replaces(store.metapacks, pack, left - {pack})
    return {metapacks.path(pack) for pack in packs - left}


def _is_needed(entry: Named, live: Live) -> bool:
    if entry.kind == packformat.RECIPE:
        return entry.file in live.files or entry.file in live.spared
    return entry.kind != packformat.OBJECT or entry.id in live.objects


def _recipes_of_live(store: Store, live: Live, keep: Marks, cutoff: int) -> Iterator[str]:
    """Mark what each live file needs; yield the names of its superfluous loose recipes."""
    promised = Promised(store.door, store.recipes)
    for file, found in store.recipes.for_files(sorted(live.files - live.dropped)):
        found.sort(key=Recipe.preference)
        serves = next((recipe for recipe in found if keep.mark(recipe)), None)
        if serves is None:
            if not promised.recorded(file):
                raise errors.Missing(what="a recipe or a chunk of file", id=file)
            for recipe in found:
                keep.mark_present(recipe)
            continue
        others = [recipe for recipe in found if recipe is not serves and store.door.exists(recipe.path)]
        going = [recipe for recipe in others if _is_old(store.door, recipe.path, cutoff)]
        if going and not keep.rebuilds(serves):
            raise errors.Damaged(what=f"file {file}", reason="its recipe does not rebuild the right bytes")
        for recipe in others:
            if recipe not in going:
                keep.mark_present(recipe)
        yield from (recipe.path for recipe in going)


def _other_recipes(store: Store, live: Live, keep: Marks, cutoff: int) -> Iterator[str]:
    """Yield the names of removable loose recipes of other files; mark what the young ones need."""
    for fan in store.door.names(recipes.FOLDER):
        for file in store.door.names(f"{recipes.FOLDER}/{fan}"):
            if file in live.files or file in live.spared:
                continue
            folder = f"{recipes.FOLDER}/{fan}/{file}"
            paths = [f"{folder}/{name}" for name in store.door.names(folder)]
            old = [path for path in paths if _is_old(store.door, path, cutoff)]
            if len(old) < len(paths):
                _spare(store, FileId(file), keep)
            yield from old


def _changes(store: Store, live: Live, young: AbstractSet[FileId], keep: Marks) -> list[Change]:
    """Return the new entries of kept chunks that are deltas of dropped ones; their old entries are not marked."""
    if not live.dropped:
        return []
    others = sorted((live.spared | young | live.files) - live.dropped)
    groups = [*live.groups, Group(tuple(Candidate("", file) for file in others))]
    changes = reencode.plan(partial(_serving, store), keep.place, groups)
    keep.replace(change.chunk for change in changes)
    return changes


def _serving(store: Store, file: FileId) -> Recipe | None:
    """Return the recipe by which a file is kept; None if it is incomplete or damaged."""
    try:
        found = sorted(store.recipes.for_file(file), key=Recipe.preference)
    except errors.Damaged:
        return None
    return next((each for each in found if store.chunks.has_all([chunk for chunk, _ in each.chunks])), None)


def _dropped_chunks(store: Store, live: Live, changes: Iterable[Change], keep: Marks) -> set[str]:
    """Return the chunks, with their delta bases, of which no entry is kept: of dropped files, and those with new entries."""
    chunks = {chunk for file in live.dropped for recipe in store.recipes.for_file(file) for chunk, _ in recipe.chunks}
    waiting: list[str] = [*chunks, *(change.chunk for change in changes)]
    found: set[str] = set()
    while waiting:
        chunk = ChunkId(waiting.pop())
        if chunk not in found and not keep.has(chunk):
            found.add(chunk)
            waiting += [place.entry.base for place in store.chunks.find(chunk) if place.entry.base]
    return found


def _spare(store: Store, file: FileId, keep: Marks) -> None:
    """Mark the present parts of a file, unless its recipes are damaged."""
    try:
        for recipe in store.recipes.for_file(file):
            keep.mark_present(recipe)
    except errors.Damaged:
        pass


def _packs(door: StoreDoor, keep: Marks, cutoff: int, dropped: AbstractSet[str]) -> tuple[list[str], list[str], int]:
    """Return the packs to remove, those to rewrite, and the bytes that this frees.

    A pack with entries of `dropped` chunks is rewritten at any age; if it is young, its other entries stay.

    A rewrite leaves fewer bytes or fewer packs, so that the next collection finds nothing to do. Only the bytes of entries
    count: the index of a pack with one small chunk is longer than the chunk, and the pack joined from sparse ones may be
    small itself.
    """
    dead, thin, small, freed = [], [], [], {}
    for name in sorted(pack_names(door)):
        old = _is_old(door, name, cutoff)
        if not old and not dropped:
            continue
        pack, kept = PackFile(door, name), keep.offsets(name)
        entries = packformat.read_index(pack)
        going = any(entry.id in dropped and entry.offset not in kept for entry in entries)
        if not old:
            if not going:
                continue
            keep.retain(name, (entry.offset for entry in entries if entry.id not in dropped))
            kept = keep.offsets(name)
        sizes = {entry.offset: entry.end - entry.offset for entry in entries}
        live, total = sum(sizes[offset] for offset in kept), sum(sizes.values())
        freed[name] = total - live if live else pack.size
        if not live:
            dead.append(name)
        elif going or live < MOSTLY * total:
            thin.append(name)
        elif pack.size < SMALL:
            small.append(name)
    rewritten = thin + (small if len(small) + bool(thin) > MANY else [])
    return dead, rewritten, sum(freed[name] for name in (*dead, *rewritten))


def _copy(
    pack: PackFile,
    keep: Marks,
    writer: PackWriter,
    progress: Progress | None,
) -> None:
    stay = keep.offsets(pack.name)
    for entry in packformat.verify(pack):
        if entry.offset in stay:
            writer.add(entry, packformat.read_entry(pack, entry))
    if progress is not None:
        progress(pack.size)
