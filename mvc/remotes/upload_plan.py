"""The plan of an upload: everything that new versions need and the remote lacks.

    versions, oldest first ─► objects ─────────────────────────► lacking on the remote?
                            └► files, in tree order ─► a recipe of each
                                        └► chunks, in file order ─► lacking on the remote? ─► after their delta bases

A chunk on the remote counts only if its chain depth is at most the local one: otherwise, pushes between stores would build
chains that exceed the limit. Entries in encodings that the remote does not support are encoded again when they are sent, so
their packs are never sent unchanged; their depth does not grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import ChunkId, FileId, VersionId
from mvc.model.version import Version
from mvc.remotes.inventory import Inventory, Places
from mvc.remotes.store import Store
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.packs import packformat, transcode
from mvc.storage.packs.index import Location
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.reader import Place

Fresh = Sequence[tuple[VersionId, Version]]
"""Versions, parents before children."""


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """The plan: ids of objects, recipes, local packs to upload unchanged, and entries of others, in order.

    `size` is the bytes of all chunks to upload, as stored here, `skipped` the bytes of those that the remote has.
    `features` are those of the encodings that may be sent.
    """

    objects: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    whole: tuple[str, ...]
    entries: tuple[Location, ...]
    size: int
    skipped: int
    features: frozenset[str]

    @property
    def encoded_again(self) -> int:
        """The number of entries that are sent in another encoding than here."""
        return sum(not transcode.is_supported(each.entry, self.features) for each in self.entries)

    @property
    def is_empty(self) -> bool:
        """True if the remote lacks nothing."""
        return not (self.objects or self.recipes or self.whole or self.entries)


class DroppedFiles(NamedTuple):
    """Files that the remote may lack on purpose: those to `skip`, as every version to upload dropped them there.

    The `doubted` ones are compared, although a version that the remote's refs reach has them.
    """

    skip: AbstractSet[FileId] = frozenset()
    doubted: AbstractSet[FileId] = frozenset()


NONE = DroppedFiles()


def plan(
    store: Store,
    inventory: Inventory,
    fresh: Fresh,
    *,
    partial: bool = False,
    dropped: DroppedFiles = NONE,
) -> UploadPlan:
    """Plan the upload of `fresh`. Raises FilesElsewhere for files that are on neither side; Missing, Damaged.

    With `partial`, such files are skipped. Of the files that are dropped on the remote, only recipes are uploaded. A chunk
    that only suspect packs of the remote have is uploaded if it is stored.

    The files of a parent that the remote's refs reach are taken to be there, except in a `partial` plan: a repair compares
    each file, and sends what the remote has lost.
    """
    store.chunks.refresh()
    left_out = dropped.skip if partial else dropped.skip | (_kept(store, inventory, fresh) - dropped.doubted)
    files = {file: id_ for id_, version in fresh for file in files_of(store, version) if file not in left_out}
    recipes = {file: sorted(store.recipes.for_file(file), key=Recipe.preference) for file in files}
    chunks = (chunk for found in recipes.values() for recipe in found for chunk, _ in recipe.chunks)
    located = store.reader.locate_all(chunks)
    places = inventory.find({*located, *_bases(located)})
    selection = _Selection(located, places, inventory.sound(places))
    chosen = [_choose(recipes[file], selection) for file in files]
    lost = [file for file, recipe in zip(files, chosen, strict=True) if recipe is None]
    if lost and not partial:
        error = errors.FilesElsewhere(
            count=len(lost), version=files[lost[0]][:10], remote=inventory.where, files=", ".join(lost[:3])
        )
        error.lost = {file: files[file] for file in lost}
        raise error
    sent = [recipe for recipe in chosen if recipe is not None]
    for recipe in sent:
        selection.add(recipe)
    whole, entries = split(store, selection.entries, inventory.features)
    return UploadPlan(
        tuple(id_ for id_ in _objects(fresh) if id_ not in inventory.objects),
        tuple(recipe for recipe in (*sent, *_recipes(store, dropped.skip)) if recipe.id() not in inventory.recipes),
        whole,
        entries,
        sum(each.entry.stored for each in selection.entries),
        selection.skipped,
        inventory.features,
    )


def split(
    store: Store, entries: Sequence[Location], features: frozenset[str]
) -> tuple[tuple[str, ...], tuple[Location, ...]]:
    """Return the packs that are sent unchanged, as all their entries are sent and need only `features`; the other entries."""
    counts: dict[str, int] = {}
    for each in entries:
        if transcode.is_supported(each.entry, features):
            counts[each.pack] = counts.get(each.pack, 0) + 1
    whole = {name for name, count in counts.items() if _length(store, name) == count}
    return tuple(sorted(whole)), tuple(each for each in entries if each.pack not in whole)


def _length(store: Store, pack: str) -> int:
    """Return the number of entries of a pack."""
    return len(packformat.read_index(PackFile(store.door, pack)))


def _kept(store: Store, inventory: Inventory, fresh: Fresh) -> frozenset[FileId]:
    """Return the files of the parents of `fresh` that are not fresh themselves: the remote's refs reach these.

    None if anything on the remote is damaged, so that each file is compared.
    """
    if inventory.spoiled:
        return frozenset()
    parents = {parent for _, version in fresh for parent in version.parents} - {id_ for id_, _ in fresh}
    known = [store.objects.version(id_) for id_ in sorted(parents & inventory.objects)]
    return frozenset(file for version in known for file in files_of(store, version)) & inventory.files


def _recipes(store: Store, files: Iterable[FileId]) -> Iterator[Recipe]:
    for file in sorted(files):
        yield from sorted(store.recipes.for_file(file), key=Recipe.preference)[:1]


def files_of(store: Store, version: Version) -> list[FileId]:
    """Return the files of a version, its model.toml first."""
    return [version.model_toml, *(entry.file for entry in store.objects.tree(version.tree).entries)]


def _objects(fresh: Fresh) -> Iterator[str]:
    yield from dict.fromkeys(id_ for own, version in fresh for id_ in (version.manifest, version.tree, own))


def _bases(located: dict[ChunkId, tuple[Place, ...]]) -> set[str]:
    found: set[str] = set()
    waiting = [place for places in located.values() for place in places]
    while waiting:
        place = waiting.pop()
        if place.location.entry.base:
            found.add(place.location.entry.base)
            waiting += place.bases
    return found


def _choose(recipes: Sequence[Recipe], selection: _Selection) -> Recipe | None:
    """Return the first recipe whose chunks are all on the remote, or else all stored or there; None for none.

    A file of unknown format may have been cut in two ways: one of them need not be sent again.
    """
    for has in (selection.is_there, selection.is_known):
        for recipe in recipes:
            if all(has(chunk) for chunk, _ in recipe.chunks):
                return recipe
    return None


class _Selection:
    """The entries to upload, each after its delta base."""

    def __init__(self, located: dict[ChunkId, tuple[Place, ...]], remote: Places, sound: Places) -> None:
        self._located = located
        self._remote = remote
        self._sound = sound
        self._done: set[str] = set()
        self.entries: list[Location] = []
        self.skipped = 0

    def is_there(self, chunk: ChunkId) -> bool:
        return chunk in self._sound

    def is_known(self, chunk: ChunkId) -> bool:
        return chunk in self._remote or any(place.whole for place in self._located[chunk])

    def add(self, recipe: Recipe) -> None:
        for chunk, _ in recipe.chunks:
            self._add(chunk, self._located[chunk])

    def _add(self, chunk: str, places: tuple[Place, ...]) -> None:
        if chunk in self._done:
            return
        remote = self._sound.get(chunk) or (() if places else self._remote.get(chunk))
        if remote and (not places or remote[0].entry.depth <= places[0].location.entry.depth):
            self._done.add(chunk)
            self.skipped += remote[0].entry.stored
            return
        place = _whole_place(chunk, places)
        if place.location.entry.base is not None:
            self._add(place.location.entry.base, place.bases)
        self._done.add(chunk)
        self.entries.append(place.location)


def _whole_place(chunk: str, places: tuple[Place, ...]) -> Place:
    """Return the place of smallest depth with all its delta bases."""
    for place in places:
        if place.whole:
            return place
    raise errors.Missing(what="the delta base of a chunk, chunk", id=chunk)
