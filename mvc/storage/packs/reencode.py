"""Re-encoding of kept chunks whose delta bases are dropped, as if only the kept versions had ever been stored.

    stored   v1 (dropped)   A          kept   v3   C whole
             v2 (dropped)   B on A            v4   D on C: the same bytes, of a smaller depth
             v3             C on B            v5   E on D
             v4             D on C
             v5             E on B

Versions are taken in order, parents first. A delta whose chain has only kept chunks stays. Any other gets the base that a
commit would choose among the versions that are kept; its bytes are copied if that is its base already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from mvc.model.ids import ChunkId, FileId
from mvc.storage.chunks import codec, encoder, encodings, inherited, layout
from mvc.storage.chunks.bases import Bases, Candidate, FileBases, Found
from mvc.storage.chunks.encoder import Encoded, Under, depth_limit
from mvc.storage.chunks.encodings import BLOCKS, DELTA, DIFFERENCE, Shape
from mvc.storage.chunks.guess import Guess
from mvc.storage.chunks.layout import Piece
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.disk.workers import Workers
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFiles
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.reader import ChunkReader, Place

_PLAIN = {DELTA, DIFFERENCE, BLOCKS}
"""Encodings of deltas against a base as it is."""
_SAMPLE = 8
"""Entries of a kind that are encoded to estimate the others."""
_WINDOW = 16
"""The most chunks that are encoded ahead."""


class Group(NamedTuple):
    """The files of a kept version, and the files that may be delta bases of theirs, the best first."""

    files: tuple[Candidate, ...]
    bases: tuple[Candidate, ...] = ()


class Base(NamedTuple):
    """A delta base: its chunk, the encoding of the delta, and the depth of the base."""

    chunk: ChunkId
    encoding: int
    depth: int


class Change(NamedTuple):
    """A chunk that gets a new entry: its present place, and its new base."""

    chunk: ChunkId
    place: Place
    base: Base | None
    unknown: bool = False
    """It is of a file of unknown format, so samples say what its numbers are."""

    @property
    def is_copy(self) -> bool:
        """Return whether its bytes stay, and only its depth changes."""
        entry = self.place.location.entry
        return self.base is not None and (entry.base, entry.encoding) == (self.base.chunk, self.base.encoding)

    @property
    def guess(self) -> int:
        """The bytes of its new entry: those of the present one, or of the bottom of its chain if it gets no base."""
        place = self.place
        while self.base is None and place.bases:
            place = place.bases[0]
        return packformat.HEADER.size + place.location.entry.stored


class _Final(NamedTuple):
    """The entry that a kept chunk will have."""

    depth: int
    encoding: int
    base: ChunkId | None
    moved: bool


def plan(
    recipe: Callable[[FileId], Recipe | None], place: Callable[[str], Place | None], groups: Sequence[Group]
) -> list[Change]:
    """Return the new entries of chunks of the files in `groups`; `place` returns the sound place of a chunk."""
    planned = _Plan(place, {chunk for each in _recipes(groups, recipe) for chunk, _ in each.chunks})
    seen: set[FileId] = set()
    for group in groups:
        bases = Bases(group.bases, recipe)
        for role, file, _ in _largest_first(group.files, recipe):
            known = recipe(file) if file not in seen else None
            seen.add(file)
            if known is not None:
                planned.add(known, _found(known, role, bases))
                bases.add(known)
    return planned.changes


def estimate(reader: ChunkReader, files: PackFiles, changes: Sequence[Change]) -> int:
    """Return the bytes of all new entries, by those of a sample. Raises Damaged."""
    size = sum(change.guess for change in changes if change.is_copy)
    for whole in (True, False):
        alike = [change for change in changes if not change.is_copy and (change.base is None) == whole]
        sample = alike[:: len(alike) // _SAMPLE + 1]
        guessed = sum(change.guess for change in sample)
        made = [_encode(reader, files, change)[0] for change in _located(reader, sample)]
        actual = sum(packformat.HEADER.size + entry.stored for entry in made)
        size += round(sum(change.guess for change in alike) * actual / guessed) if guessed else 0
    return size


def write(
    reader: ChunkReader, files: PackFiles, changes: Iterable[Change], add: Callable[..., object]
) -> tuple[int, set[str]]:
    """Add the new entries; return their bytes, and the features that they require. Raises Damaged, DiskFailed."""
    size, features = 0, set[str]()
    with Workers() as workers:
        for entry, stored in workers.ahead(partial(_encode, reader, files), _located(reader, changes), _WINDOW):
            add(entry, *stored)
            size += packformat.HEADER.size + entry.stored
            features |= encodings.features(entry.encoding)
    return size, features


def _largest_first(files: Sequence[Candidate], recipe: Callable[[FileId], Recipe | None]) -> list[Candidate]:
    """Return files in the order in which a commit stores them: copies of fewer bits come later than what they are made of."""
    sizes = {file: known.size if (known := recipe(file)) is not None else 0 for _, file, _ in files}
    return sorted(files, key=lambda candidate: -sizes[candidate.file])


def _recipes(groups: Iterable[Group], recipe: Callable[[FileId], Recipe | None]) -> Iterator[Recipe]:
    for file in dict.fromkeys(file for group in groups for _, file, _ in group.files):
        known = recipe(file)
        if known is not None:
            yield known


def _found(recipe: Recipe, role: str, bases: Bases) -> Iterator[Callable[[], Found | None]]:
    """Yield for each chunk a function that returns the delta base that a commit would choose."""
    if recipe.segments:
        of_file = bases.of(role, recipe.segments)
        yield from (partial(_found_of_piece, of_file, piece) for piece in _pieces(recipe))
        return
    is_inherited = recipe.segmenter == inherited.SEGMENTER
    parents = bases.alike(role, recipe.size) if is_inherited else ()
    of_offset = max((inherited.placed(recipe, parent) for parent in parents), key=len, default={})
    offset = 0
    for _, size in recipe.chunks:
        yield partial(of_offset.get, offset)
        offset += size


def _found_of_piece(bases: FileBases, piece: Piece | None) -> Found | None:
    return bases.find(piece) if piece is not None else None


def _pieces(recipe: Recipe) -> Sequence[Piece | None]:
    """Return the piece of each chunk, as it was cut; None where a later mvc would cut the file in another way."""
    form = recipe.segmenter.get("format")
    found = layout.lay_out(str(form), recipe.segments, recipe.size)
    if found is None or [piece.size for piece in found.pieces] != [size for _, size in recipe.chunks]:
        return [None] * len(recipe.chunks)
    return found.pieces


class _Plan:
    def __init__(self, place: Callable[[str], Place | None], needed: set[ChunkId]) -> None:
        self._place = place
        self._needed = needed
        self._final: dict[str, _Final | None] = {}
        self.changes: list[Change] = []

    def add(self, recipe: Recipe, found: Iterable[Callable[[], Found | None]]) -> None:
        for (chunk, _), find in zip(recipe.chunks, found, strict=True):
            self._settle(chunk, find, unknown=not recipe.segments)

    def _settle(self, chunk: ChunkId, find: Callable[[], Found | None], *, unknown: bool) -> _Final | None:
        """Return the entry that a kept chunk will have; None if its bytes are absent."""
        if chunk not in self._final:
            self._final[chunk] = None  # not a base of its own bases
            place = self._place(chunk)
            self._final[chunk] = self._decide(chunk, place, find, unknown=unknown) if place is not None else None
        return self._final[chunk]

    def _decide(self, chunk: ChunkId, place: Place, find: Callable[[], Found | None], *, unknown: bool) -> _Final:
        entry = place.location.entry
        old = ChunkId(entry.base) if entry.base else None
        under = self._settle(old, lambda: None, unknown=unknown) if old in self._needed and old is not None else None
        if old is None or (under is not None and not under.moved):
            return _Final(entry.depth, entry.encoding, old, moved=False)
        found = find() if entry.width else None
        if found is not None and found.other is not None and entry.encoding not in encodings.CASTS:
            found = found.other
        base = self._resolve(found) if found is not None else None
        if base is not None and base.chunk == old and {base.encoding, entry.encoding} <= _PLAIN:
            base = base._replace(encoding=entry.encoding)  # its bytes can be copied
        if base is None and under is not None and old is not None:
            base = Base(old, entry.encoding, under.depth)
        change = Change(chunk, place, base, unknown)
        if base is None or not change.is_copy or base.depth + 1 != entry.depth:
            self.changes.append(change)
        if base is None:
            return _Final(0, encodings.RAW, None, moved=True)
        return _Final(base.depth + 1, base.encoding, base.chunk, moved=True)

    def _resolve(self, found: Found) -> Base | None:
        """Return the delta base; if its chain is too deep, its own base, and so on, as the encoder of a commit does."""
        chunk: ChunkId | None = found.chunk
        encoding, beneath = found.encoding, found.beneath
        while chunk is not None and (final := self._final.get(chunk)) is not None:
            cast = final.encoding in encodings.CASTS
            deep = final.depth >= depth_limit(encoding)
            if not deep and not beneath:
                return Base(chunk, encoding, final.depth)
            if cast and not beneath:
                encoding = final.encoding
            beneath = beneath and not cast
            chunk = final.base
        return None


def _located(reader: ChunkReader, changes: Iterable[Change]) -> Iterator[tuple[Change, tuple[Place, ...]]]:
    """Yield each change with the places of its base, which one thread looks up."""
    for change in changes:
        yield change, reader.locate(change.base.chunk) if change.base is not None else ()


def _encode(reader: ChunkReader, files: PackFiles, located: tuple[Change, tuple[Place, ...]]) -> Encoded:
    """Return the new entry of a chunk; called in a thread."""
    change, base_places = located
    old, base = change.place.location.entry, change.base
    if change.is_copy and base is not None:
        stored: codec.Parts = (packformat.read_entry(files.get(change.place.location.pack), old),)
        own = (old.id, old.kind, old.encoding, old.raw, old.stored)
        return Entry(*own, depth=base.depth + 1, width=old.width, base=base.chunk), stored
    raw = reader.read(change.chunk, (change.place,))
    under = None
    if base is not None:
        under = Under(base.chunk, base.depth, (base.encoding, reader.read(base.chunk, base_places)))
    if change.unknown:
        return encoder.encode_unknown(change.chunk, memoryview(raw), under, partial(Guess().choose, 0))
    return encoder.encode(change.chunk, memoryview(raw), _shape(files, change.place), under)


def _shape(files: PackFiles, place: Place) -> Shape | None:
    """Return the shape of the numbers of a stored chunk."""
    entry = place.location.entry
    shape = encodings.shape(entry.encoding, entry.width)
    if shape is not None and shape.blocks:
        return shape._replace(phase=codec.phase_of_blocks(packformat.read_entry(files.get(place.location.pack), entry)))
    return shape
