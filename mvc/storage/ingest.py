"""Storing files: one pass over the bytes, cut, hashed, and only what is new encoded and written.

    read ─ cut ─► hash chunks, hash file (threads) ─► known? ─no─► encode (threads) ─► pack, in the file's order
            block i+2               block i+1                          block i

At most `DEPTH` blocks of 8 MiB are between reading and writing, whatever the size of the file.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mvc.model.ids import Buffer, ChunkId, FileId, Hasher, digest
from mvc.storage import chunking, codec, hashing, packs, recipes
from mvc.storage.chunkindex import ChunkIndex
from mvc.storage.chunking import Block, Buffers
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
    """A file that is in the store after the next barrier: its id, its size and the bytes it took there, both in bytes."""

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

        What is stored is exactly what was hashed, also when the file changes meanwhile.
        """
        size = os.fstat(fd).st_size
        if size <= recipes.MAX_INLINE:
            data = os.pread(fd, recipes.MAX_INLINE + 1, 0)
            if len(data) <= recipes.MAX_INLINE:
                self.read(len(data))
                return Stored(self.add_bytes(data), len(data), len(data))
        return _File(self).store(fd)

    def add_bytes(self, data: bytes) -> FileId:
        """Store a file of at most 16 KiB, given as bytes, in its recipe."""
        file = FileId(digest(data))
        self.put(Recipe(file, len(data), recipes.INLINE, inline=data))
        return file

    def close(self) -> None:
        """Make all packs durable; they get their names at the next barrier. Raises DiskFailed."""
        self.workers.close()
        self.hasher.close()
        self.packs.finish()

    def discard(self) -> None:
        """Give up what was not yet made durable."""
        self.workers.close()
        self.hasher.close()
        self.packs.discard()

    def put(self, recipe: Recipe) -> None:
        """Stage a recipe, unless the file has one already that can be used."""
        if recipe.file not in self._files and self._recipes.best(recipe.file) is None:
            self._recipes.put(recipe)
        self._files.add(recipe.file)

    def read(self, count: int) -> None:
        """Tell who wants to know that `count` bytes were read."""
        if hashing.on_read is not None:
            hashing.on_read(count)
        if self._progress is not None:
            self._progress(count)


class _File:
    """One file on its way into the store."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._file = Hasher()
        self._hashed: deque[_Hashed] = deque()
        self._encoding: deque[_Encoding] = deque()
        self._chunks: list[tuple[ChunkId, int]] = []
        self._new_bytes = 0
        self._offset = 0

    def store(self, fd: int) -> Stored:
        ingest = self._ingest

        def read_into(view: memoryview) -> int:
            count = os.preadv(fd, [view], self._offset)
            self._offset += count
            return count

        for block in chunking.blocks(read_into, ingest.buffers):
            ingest.read(len(block.data))
            self._hash(block)
            self._advance(DEPTH)
        self._advance(0)
        file = FileId(self._file.digest())
        ingest.put(Recipe(file, self._offset, chunking.SEGMENTER, chunks=tuple(self._chunks)))
        return Stored(file, self._offset, self._new_bytes)

    def _hash(self, block: Block) -> None:
        ids = self._ingest.workers.submit(_ids, block)
        file = self._ingest.hasher.submit(self._file.update, block.data)
        self._hashed.append(_Hashed(block, ids, file))

    def _advance(self, leave: int) -> None:
        """Move blocks on until at most `leave` wait at each stage."""
        while len(self._hashed) > leave:
            self._encode(self._hashed.popleft())
            while len(self._encoding) > leave:
                self._write(self._encoding.popleft())
        while len(self._encoding) > leave:
            self._write(self._encoding.popleft())

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


def _ids(block: Block) -> list[ChunkId]:
    return [ChunkId(digest(chunk)) for chunk in block.chunks]
