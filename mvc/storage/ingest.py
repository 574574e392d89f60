"""Storing files: one pass over the bytes, cut, hashed, and only what is new encoded and written.

    read ─ cut ─► hash chunks, hash file (threads) ─► known? ─no─► encode (threads) ─► pack, in the file's order
            block i+2               block i+1                          block i

At most `DEPTH` blocks of 8 MiB wait at each of the two stages, whatever the size of the file.
"""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors
from mvc.model.ids import Buffer, ChunkId, FileId, Hasher, digest
from mvc.storage import chunking, codec, hashing, packs, recipes
from mvc.storage.chunkindex import ChunkIndex
from mvc.storage.chunking import Block, Buffers, ReadInto
from mvc.storage.door import StoreDoor
from mvc.storage.packs import Entry
from mvc.storage.packwriter import PackWriter
from mvc.storage.recipes import Recipe, Recipes
from mvc.storage.workers import Workers

if TYPE_CHECKING:
    from concurrent.futures import Future

DEPTH = 2
"""Blocks that wait at each of the two stages."""

Encoded = tuple[int, Buffer]


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is in the store after the next barrier: its id, its size, and the bytes that it took anew there."""

    file: FileId
    size: int
    new_bytes: int


class _Hashed(NamedTuple):
    """A block whose chunks and whose part of the file are being hashed."""

    block: Block
    ids: Future[list[ChunkId]]
    file: Future[None]


class _Encoding(NamedTuple):
    """A block whose new chunks are being encoded."""

    hashed: _Hashed
    new: list[tuple[ChunkId, int, Future[Encoded]]]


class Ingest:
    """Stores files until `close`; the caller then runs the door's barrier, or creates a ref entry, which does."""

    def __init__(
        self, door: StoreDoor, recipes: Recipes, chunks: ChunkIndex, progress: Callable[[int], None] | None = None
    ) -> None:
        """Write packs below `door`; `progress` is told the bytes read."""
        self._recipes = recipes
        self.chunks = chunks
        self._progress = progress
        self.packs = PackWriter(door)
        self.workers = Workers()
        self.hasher = Workers(1)  # a file's hash takes its blocks in order
        self.buffers = Buffers()
        self.written: set[ChunkId] = set()
        self._files: set[FileId] = set()
        chunks.refresh()

    def add(self, fd: int) -> Stored:
        """Store what the open regular file `fd` holds, from its start. Raises DiskFailed, ReadOnlyStore, OSError.

        What is stored is exactly what was hashed, also when the file changes meanwhile. After an OSError from reading,
        other files can still be added; after DiskFailed only `discard` is left.
        """
        if os.fstat(fd).st_size <= recipes.MAX_INLINE:
            data = os.pread(fd, recipes.MAX_INLINE + 1, 0)
            if len(data) <= recipes.MAX_INLINE:
                self.read(len(data))
                return self._inline(data)
        return _File(self).store(_reader(fd))

    def add_bytes(self, data: bytes) -> FileId:
        """Store a file that is given as bytes."""
        if len(data) <= recipes.MAX_INLINE:
            return self._inline(data).file
        return _File(self).store(io.BytesIO(data).readinto).file

    def close(self) -> None:
        """Make all packs durable; they get their names at the next barrier. Raises DiskFailed, also one met before."""
        self.workers.close()
        self.hasher.close()
        self.packs.finish()

    def discard(self) -> None:
        """Give up what was not yet made durable."""
        self.workers.close()
        self.hasher.close()
        self.packs.discard()

    def put(self, recipe: Recipe) -> bool:
        """Stage a recipe, unless the file has one already that can be used; whether it was staged."""
        new = recipe.file not in self._files and not self._usable(recipe.file)
        if new:
            self._recipes.put(recipe)
        self._files.add(recipe.file)
        return new

    def read(self, count: int) -> None:
        """Tell who wants to know that `count` bytes were read."""
        if hashing.on_read is not None:
            hashing.on_read(count)
        if self._progress is not None:
            self._progress(count)

    def _inline(self, data: bytes) -> Stored:
        file = FileId(digest(data))
        new = self.put(Recipe(file, len(data), recipes.INLINE, inline=data))
        return Stored(file, len(data), len(data) if new else 0)

    def _usable(self, file: FileId) -> bool:
        try:
            return self._recipes.best(file) is not None
        except errors.Damaged:  # a whole one is written beside it, or in its place
            return False


class _File:
    """One file on its way into the store."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._file = Hasher()
        self._hashed: deque[_Hashed] = deque()
        self._encoding: deque[_Encoding] = deque()
        self._chunks: list[tuple[ChunkId, int]] = []
        self._new_bytes = 0
        self._size = 0

    def store(self, read_into: ReadInto) -> Stored:
        try:
            for block in chunking.blocks(read_into, self._ingest.buffers):
                self._ingest.read(len(block.data))
                self._size += len(block.data)
                self._hash(block)
                self._advance(DEPTH)
            self._advance(0)
        finally:
            self._give_up()
        file = FileId(self._file.digest())
        self._ingest.put(Recipe(file, self._size, chunking.SEGMENTER, chunks=tuple(self._chunks)))
        return Stored(file, self._size, self._new_bytes)

    def _give_up(self) -> None:
        """Forget the chunks that were on their way when something failed: another file may have them too."""
        for encoding in self._encoding:
            self._ingest.written.difference_update(id_ for id_, _, _ in encoding.new)

    def _hash(self, block: Block) -> None:
        ids = self._ingest.workers.submit(_ids, block)
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
        ingest, new = self._ingest, []
        ids = hashed.ids.result()
        known = ingest.chunks.known(ids)
        for id_, data in zip(ids, hashed.block.chunks, strict=True):
            self._chunks.append((id_, len(data)))
            if id_ not in known and id_ not in ingest.written:
                ingest.written.add(id_)
                new.append((id_, len(data), ingest.workers.submit(codec.encode, data)))
        self._encoding.append(_Encoding(hashed, new))

    def _write(self, encoding: _Encoding) -> None:
        for id_, size, future in encoding.new:
            kind, stored = future.result()
            self._ingest.packs.add(Entry(id_, packs.CHUNK, kind, size, len(stored)), stored)
            self._new_bytes += packs.HEADER.size + len(stored)
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


def _ids(block: Block) -> list[ChunkId]:
    return [ChunkId(digest(chunk)) for chunk in block.chunks]
