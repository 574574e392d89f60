"""Ranges of one stored file, as its tensors are read: the last chunks are kept, since small tensors share a chunk.

chunk 7             chunk 8
[t1][t2][t3][ t4 ───────── ][t5]     read in this order, each chunk is decoded once
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate

from mvc.model.ids import Buffer, ChunkId
from mvc.storage.chunks.recipes import Chunks

KEPT = 8 * 1024 * 1024
"""Bytes of chunks that are kept; the last chunk is kept in any case."""


class Ranges:
    """A function that returns ranges of a file in `chunks`, as `Extract.read_range`."""

    def __init__(self, chunks: Chunks, decode: Callable[[Chunks], Iterator[Buffer]]) -> None:
        """Decode consecutive chunks with `decode`, which checks them."""
        self._chunks = chunks
        self._starts = list(accumulate((size for _, size in chunks), initial=0))
        self._decode = decode
        self._kept: dict[ChunkId, Buffer] = {}
        self._size = 0

    def __call__(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`, fewer at the end of the file. Raises Missing, Damaged."""
        end = min(offset + size, self._starts[-1])
        if offset >= end:
            return b""
        first, last = bisect_right(self._starts, offset) - 1, bisect_left(self._starts, end)
        chunks = zip(self._starts[first:last], self._read(first, last), strict=True)
        return b"".join([memoryview(raw)[max(0, offset - start) : end - start] for start, raw in chunks])

    def _read(self, first: int, last: int) -> Iterator[Buffer]:
        """Yield the bytes of the chunks from number `first` to before `last`; those that are not kept are decoded."""
        while first < last:
            chunk = self._chunks[first][0]
            if chunk in self._kept:
                yield self._kept[chunk]
                first += 1
                continue
            end = next((number for number in range(first, last) if self._chunks[number][0] in self._kept), last)
            for raw in self._decode(self._chunks[first:end]):
                self._keep(self._chunks[first][0], raw)
                yield raw
                first += 1

    def _keep(self, chunk: ChunkId, raw: Buffer) -> None:
        if chunk not in self._kept:
            self._kept[chunk] = raw
            self._size += len(raw)
        while self._size > KEPT and len(self._kept) > 1:
            self._size -= len(self._kept.pop(next(iter(self._kept))))
