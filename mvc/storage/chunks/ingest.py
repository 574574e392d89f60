"""Ingest of files: one pass cuts and hashes the bytes; only new chunks are encoded and written.

    header ─ layout
    read ─ cut ─► hash chunks, hash file (threads) ─► known? ─no─► encode (threads) ─► pack, in the file's order
            block i+2               block i+1              base?       block i

At most `DEPTH` blocks of 8 MiB wait at each of the two stages, for files of any size.
"""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.formats.source import Source
from mvc.model import canonical
from mvc.model.ids import ChunkId, FileId, Hasher, digest
from mvc.storage.chunks import chunking, encodings, recipes
from mvc.storage.chunks.bases import Bases, FileBases, Found
from mvc.storage.chunks.chunking import Block, Buffers, ReadInto
from mvc.storage.chunks.encoder import Encoded, Encoder
from mvc.storage.chunks.guess import Guess
from mvc.storage.chunks.headers import Headers
from mvc.storage.chunks.layout import Digests, Layout, Piece
from mvc.storage.chunks.recipes import Recipe, Recipes
from mvc.storage.disk import hashing
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.workers import Workers
from mvc.storage.packs import packformat, packwriter
from mvc.storage.packs.metapacks import MetaWriter
from mvc.storage.packs.packwriter import PackWriter
from mvc.storage.packs.reader import ChunkReader

if TYPE_CHECKING:
    from concurrent.futures import Future

    from mvc.storage.chunks import inherited
    from mvc.storage.chunks.inherited import Inherited
else:
    inherited = lazy.Module("mvc.storage.chunks.inherited")

DEPTH = 2
"""Blocks that wait at each of the two stages."""
MANY = 256
"""The number of new small files from which their recipes go into a metadata pack, which needs one fsync for all."""
TOGETHER = 4
"""Chunks that a worker encodes per task, which amortises the cost of a task."""
MOST_UNLIKE = 8
"""Files of unknown format, one after the other, that were cut by content, until only large ones are compared with others."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is in the store after the next barrier: its id, its size, and the bytes newly stored for it."""

    file: FileId
    size: int
    new_bytes: int


class _Ids(NamedTuple):
    """The ids of the chunks of a block, and the digests of the segments in each."""

    chunks: list[ChunkId]
    segments: list[list[str]]


class _Hashed(NamedTuple):
    """A block whose chunks and whose part of the file are being hashed."""

    block: Block
    ids: Future[_Ids]
    file: Future[None]


class _New(NamedTuple):
    """A new chunk at `offset` of its file, and its delta base."""

    chunk: ChunkId
    data: memoryview
    offset: int
    piece: Piece | None
    base: Found | None


class _Encoding(NamedTuple):
    """A block whose new chunks are being encoded."""

    hashed: _Hashed
    new: list[Future[list[Encoded]]]


class Ingest:
    """Stores files until `close`; the caller then runs the door's barrier, or creates a ref entry, which does."""

    def __init__(
        self,
        door: StoreDoor,
        recipes: Recipes,
        reader: ChunkReader,
        progress: Callable[[int], None] | None = None,
        bases: Bases | None = None,
    ) -> None:
        """Write packs below `door`, with deltas against `bases`; `progress` counts the bytes read."""
        self.door = door
        self._recipes = recipes
        self.chunks = reader.index
        self.encoder = Encoder(reader)
        self.bases = bases or Bases((), lambda _: None)
        self._progress = progress
        self.packs = PackWriter(door)
        self.workers = Workers()
        self.hasher = Workers(1)  # a file's hash takes its blocks in order
        self.buffers = Buffers()
        self.written: set[ChunkId] = set()
        self.features: set[str] = set()
        self.headers = Headers()
        self._files: set[FileId] = set()
        self._unlike = 0
        self._small: list[Recipe] = []
        self._pack = MetaWriter(door)
        self.chunks.refresh()

    def add(self, fd: int, path: str = "", role: str = "") -> Stored:
        """Store the content of the open regular file `fd`, from its start. Raises DiskFailed, ReadOnlyStore, OSError.

        The `path` may reveal the format; path and `role` select the delta bases. The stored bytes are exactly those that were
        hashed, even if the file changes during the read. After an OSError from reading, other files can still be added; after
        DiskFailed, only `discard` may be called.
        """
        size = os.fstat(fd).st_size
        if size <= recipes.MAX_INLINE:
            data = os.pread(fd, recipes.MAX_INLINE + 1, 0)
            if len(data) <= recipes.MAX_INLINE:
                self.read(len(data))
                return self._inline(data)
        layout = self.headers.layout(Source.of(fd, path))
        bases = self.bases.of(role, layout.segments) if layout else None
        cuts = self._inherit(fd, size, role) if layout is None else None
        if size >= packwriter.CUT:
            self.packs.expect(size)
        try:
            return _File(self, layout, bases, cuts).store(_reader(fd))
        except errors.NotCanonical as error:
            reason = f"its recipe could not be read: {error.fields['reason']}. Split it into several files"
            raise errors.TooBig(what=path or "a file", reason=reason) from error

    def add_bytes(self, data: bytes) -> FileId:
        """Store a file that is given as bytes."""
        if len(data) <= recipes.MAX_INLINE:
            return self._inline(data).file
        return _File(self).store(io.BytesIO(data).readinto).file

    def close(self) -> None:
        """Make all packs durable; they get their names at the next barrier. Raises DiskFailed, also an earlier one."""
        self.workers.close()
        self.hasher.close()
        self.packs.finish()
        self.door.make_packs_durable()  # those of chunks that were not stored again
        if len(self._small) < MANY:
            for recipe in self._small:
                self._recipes.put(recipe)
        else:
            self._recipes.expect(self._pack.finish())
        self._small.clear()

    def discard(self) -> None:
        """Discard everything that is not durable yet."""
        self.workers.close()
        self.hasher.close()
        self.packs.discard()
        self._pack.discard()

    def put(self, recipe: Recipe) -> bool:
        """Stage a recipe unless the file has a usable one; return True if it was staged."""
        new = recipe.file not in self._files and not self._usable(recipe)
        if new and recipe.inline is None:
            self._recipes.put(recipe)
        elif new:
            self._put_small(recipe)
        if not new:
            self.door.make_durable(recipe.folder)
        self._files.add(recipe.file)
        return new

    def read(self, count: int) -> None:
        """Report that `count` bytes were read."""
        if hashing.on_read is not None:
            hashing.on_read(count)
        if self._progress is not None:
            self._progress(count)

    def _inherit(self, fd: int, size: int, role: str) -> Inherited | None:
        """Return the cuts of a file of unknown format, None if it is cut by content."""
        if self._unlike >= MOST_UNLIKE and size < chunking.MAX:  # such as pictures
            return None
        equal, alike = list(self.bases.of_size(size)), list(self.bases.alike(role, size))
        if not equal and not alike:
            return None
        new = inherited.NewFile(lambda offset, count: os.pread(fd, count, offset), size)
        cuts = inherited.same(new, equal)
        for recipe in alike:
            cuts = cuts or inherited.inherit(new, recipe, self.encoder.read, self._known)
        self._unlike = 0 if cuts else self._unlike + 1
        return cuts

    def _known(self, chunks: Sequence[ChunkId]) -> set[ChunkId]:
        return self.chunks.known(chunks) | self.written.intersection(chunks)

    def _put_small(self, recipe: Recipe) -> None:
        """Keep the recipe of a small file in memory; from `MANY` on, write all of them into a metadata pack."""
        if len(self._small) < MANY:
            self._small.append(recipe)
            if len(self._small) == MANY:
                for each in self._small:
                    self._pack.add(packformat.RECIPE, each.encode(), file=each.file)
        else:
            self._pack.add(packformat.RECIPE, recipe.encode(), file=recipe.file)

    def _inline(self, data: bytes) -> Stored:
        file = FileId(digest(data))
        new = self.put(Recipe(file, len(data), recipes.INLINE, inline=data))
        return Stored(file, len(data), len(data) if new else 0)

    def _usable(self, recipe: Recipe) -> bool:
        """Return whether the file has a trusted or equal recipe that is as good as this one."""
        try:
            found = self._recipes.best(recipe.file)
        except errors.Damaged:  # an intact one is written beside it, or replaces it
            return False
        if found is None or (recipe.segments and not found.segments):
            return False
        return found.chunks == recipe.chunks or self._recipes.is_own(found)


class _File:
    """One file on its way into the store."""

    def __init__(
        self,
        ingest: Ingest,
        layout: Layout | None = None,
        bases: FileBases | None = None,
        cuts: Inherited | None = None,
    ) -> None:
        self._ingest = ingest
        self._layout = layout
        self._bases = bases
        self._cuts = cuts
        self._found = cuts.bases() if cuts else {}
        self._digests = Digests(layout.segments if layout else ())
        self._file = Hasher()
        self._hashed: deque[_Hashed] = deque()
        self._encoding: deque[_Encoding] = deque()
        self._chunks: list[tuple[ChunkId, int]] = []
        self._guess = Guess()
        self._offset = 0
        self._new_bytes = 0
        self._size = 0

    def store(self, read_into: ReadInto) -> Stored:
        try:
            for block in self._blocks(read_into):
                self._ingest.read(len(block.data))
                self._size += len(block.data)
                self._hash(block)
                self._advance(DEPTH)
            self._advance(0)
        finally:
            self._give_up()
        recipe = self._recipe(FileId(self._file.digest()))
        self._ingest.put(recipe)
        self._ingest.bases.add(recipe)
        return Stored(recipe.file, self._size, self._new_bytes)

    def _blocks(self, read_into: ReadInto) -> Iterator[Block]:
        buffers = self._ingest.buffers
        if self._layout is not None:
            return chunking.laid_out(read_into, buffers, self._layout.pieces)
        if self._cuts is not None:
            return chunking.inherited(read_into, buffers, self._cuts.pieces, self._cuts.size)
        return chunking.blocks(read_into, buffers)

    def _recipe(self, file: FileId) -> Recipe:
        chunks, layout = tuple(self._chunks), self._layout
        if self._cuts is not None and self._size == self._cuts.size:
            return Recipe(file, self._size, inherited.SEGMENTER, chunks=chunks)
        if layout is None or self._size != layout.pieces[-1].end:  # it became shorter meanwhile
            return Recipe(file, self._size, chunking.SEGMENTER, chunks=chunks)
        return Recipe(file, self._size, layout.segmenter, chunks=chunks, segments=self._digests.segments())

    def _give_up(self) -> None:
        """Forget the chunks that were in progress when something failed: another file may need them stored."""
        for encoding in self._encoding:
            self._ingest.written.difference_update(encoding.hashed.ids.result().chunks)

    def _hash(self, block: Block) -> None:
        ids = self._ingest.workers.submit(_ids, block, self._layout)
        file = self._ingest.hasher.submit(self._file.update, block.data)
        self._hashed.append(_Hashed(block, ids, file))

    def _advance(self, leave: int) -> None:
        """Move blocks on until at most `leave` wait at each stage."""
        while len(self._hashed) > leave:
            self._encode(self._hashed.popleft())
            self._write_down_to(leave)
        self._write_down_to(leave)

    def _write_down_to(self, leave: int) -> None:
        while len(self._encoding) > leave:
            self._write(self._encoding[0])
            self._encoding.popleft()

    def _encode(self, hashed: _Hashed) -> None:
        ingest, block, new = self._ingest, hashed.block, list[_New]()
        ids = hashed.ids.result()
        for piece, held in zip(block.pieces, ids.segments, strict=True):
            self._digests.add(piece, held)
        known = ingest.chunks.known(ids.chunks)
        if len(self._chunks) + len(ids.chunks) > canonical.MAX_CONTAINERS:
            raise errors.NotCanonical(reason=f"it would have more than {canonical.MAX_CONTAINERS} chunks")
        for number, (id_, data) in enumerate(zip(ids.chunks, block.chunks, strict=True)):
            self._chunks.append((id_, len(data)))
            if id_ not in known and id_ not in ingest.written:
                ingest.written.add(id_)
                cut = block.pieces[number] if block.pieces else None
                new.append(_New(id_, data, self._offset, cut, self._base(cut)))
            self._offset += len(data)
        ingest.encoder.find(each.base for each in new)
        works = [self._work(number, each) for number, each in enumerate(new)]
        parts = (works[first : first + TOGETHER] for first in range(0, len(works), TOGETHER))
        self._encoding.append(_Encoding(hashed, [ingest.workers.submit(_encoded, part) for part in parts]))

    def _base(self, piece: Piece | None) -> Found | None:
        """Return the delta base of a piece, or of the chunk of unknown format at this offset."""
        if piece is None:
            return self._found.get(self._offset)
        return self._bases.find(piece) if self._bases else None

    def _work(self, number: int, new: _New) -> Callable[[], Encoded]:
        """Return the function that encodes a new chunk, the one of this `number` in its block."""
        encoder = self._ingest.encoder
        if new.piece is not None:
            return encoder.prepare(new.chunk, new.data, new.piece, new.base)
        if number % TOGETHER == 0:  # a guess changes from chunk to chunk, so each task has its own
            self._guess = replace(self._cuts.guess) if self._cuts else Guess()
        choose = partial(self._guess.choose, new.offset)
        return encoder.prepare_unknown(new.chunk, new.data, new.base, choose)

    def _write(self, encoding: _Encoding) -> None:
        for entry, stored in chain.from_iterable(future.result() for future in encoding.new):
            place = self._ingest.packs.add(entry, *stored)
            self._ingest.encoder.wrote(place)
            self._ingest.features.update(encodings.features(entry.encoding))
            self._new_bytes += packformat.HEADER.size + entry.stored
        encoding.hashed.file.result()
        self._ingest.buffers.give(encoding.hashed.block.buffer)


def _reader(fd: int) -> ReadInto:
    """Reads `fd` from its start, wherever its own position is."""
    offset = 0

    def read_into(view: memoryview) -> int:
        nonlocal offset
        count = os.preadv(fd, [view], offset)
        offset += count
        return count

    return read_into


def _encoded(works: Sequence[Callable[[], Encoded]]) -> list[Encoded]:
    return [work() for work in works]


def _ids(block: Block, layout: Layout | None) -> _Ids:
    chunks = [ChunkId(digest(chunk)) for chunk in block.chunks]
    if layout is None or not block.pieces:
        return _Ids(chunks, [])
    parts = zip(block.pieces, block.chunks, chunks, strict=True)
    return _Ids(chunks, [layout.hashes(*part) for part in parts])
