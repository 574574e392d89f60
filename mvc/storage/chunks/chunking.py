"""Chunking: a file cut by its layout, or by content, so that inserted or removed bytes move few boundaries.

    … 8 MiB block ……………………… │ next block ………………
    [chunk][ chunk ][chunk][ car│ry ]                     the unfinished rest is carried to the front of the next block

FastCDC (Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach", USENIX ATC 2016), as the library
pyfastcdc does it. A cut depends on the `MAX` bytes after the previous cut, never on the end of a block.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.deferred import dataclass
from mvc.model.ids import Buffer
from mvc.storage.chunks.layout import Piece

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

MIN = 64 * 1024
AVERAGE = 256 * 1024
MAX = 1024 * 1024
BLOCK = 8 * 1024 * 1024

SEGMENTER: dict[str, int | str] = {"name": "fastcdc", "version": 1, "min": MIN, "average": AVERAGE, "max": MAX}
"""The name and parameters of this chunking, as a recipe records them."""

ReadInto = Callable[[memoryview], int]


@dataclass(frozen=True, slots=True)
class Block:
    """A range of a file: consecutive whole chunks in a buffer, which is reused after `Buffers.give`.

    `pieces` describes the chunks if the file was cut by a layout.
    """

    data: memoryview
    chunks: tuple[memoryview, ...]
    buffer: bytearray
    pieces: tuple[Piece, ...] = ()


class Buffers:
    """A pool of buffers of `size` bytes: fresh memory would cost a page fault every 4 KiB."""

    def __init__(self, size: int = BLOCK) -> None:
        """Start empty; `size` is at least `MAX`."""
        self.size = size
        self._free: list[bytearray] = []

    def take(self) -> bytearray:
        """Return a buffer with any content."""
        return self._free.pop() if self._free else bytearray(self.size)

    def give(self, buffer: bytearray) -> None:
        """Return an unused buffer to the pool."""
        self._free.append(buffer)


def blocks(read_into: ReadInto, buffers: Buffers) -> Iterator[Block]:
    """Cut the bytes of `read_into` until it returns 0; the consumer of a block returns its buffer to the pool."""
    carry = memoryview(b"")
    last = False
    while not last:
        buffer = buffers.take()
        view = memoryview(buffer)
        view[: len(carry)] = carry
        filled = _fill(read_into, view, len(carry))
        last = filled < len(view)
        chunks = tuple(_cut(view[:filled], last=last))
        end = sum(map(len, chunks))
        # A copy: the consumer may return this buffer to the pool before it requests the next block.
        carry = memoryview(bytes(view[end:filled]))
        yield Block(view[:end], chunks, buffer)


def laid_out(read_into: ReadInto, buffers: Buffers, pieces: Sequence[Piece]) -> Iterator[Block]:
    """Cut the bytes of `read_into` into `pieces`; if there are too few bytes, end early with a block without pieces."""
    first = 0
    while first < len(pieces):
        last, size = first, 0
        while last < len(pieces) and size + pieces[last].size <= buffers.size:
            size += pieces[last].size
            last += 1
        buffer = buffers.take()
        view = memoryview(buffer)[:size]
        filled = _fill(read_into, view, 0)
        if filled < size:
            yield Block(view[:filled], tuple(_cut(view[:filled], last=True)), buffer)
            return
        start = pieces[first].offset
        chunks = tuple(view[piece.offset - start : piece.end - start] for piece in pieces[first:last])
        yield Block(view, chunks, buffer, tuple(pieces[first:last]))
        first = last


def inherited(read_into: ReadInto, buffers: Buffers, pieces: Sequence[Piece], size: int) -> Iterator[Block]:
    """Cut `size` bytes of `read_into` into `pieces`, and by content between them; the blocks are without pieces."""
    first = end = 0
    while first < len(pieces):
        last = first + 1
        while last < len(pieces) and pieces[last].offset == pieces[last - 1].end:
            last += 1
        yield from blocks(_limited(read_into, pieces[first].offset - end), buffers)
        for block in laid_out(read_into, buffers, pieces[first:last]):
            yield replace(block, pieces=())
        first, end = last, pieces[last - 1].end
    yield from blocks(_limited(read_into, size - end), buffers)


def cut(data: Buffer) -> list[memoryview]:
    """Return the content-defined chunks of bytes."""
    return list(_cut(memoryview(data), last=True))


def _limited(read_into: ReadInto, size: int) -> ReadInto:
    """Return a function that reads at most `size` bytes of `read_into` in all."""
    left = size

    def read(view: memoryview) -> int:
        nonlocal left
        count = read_into(view[:left])
        left -= count
        return count

    return read


def _fill(read_into: ReadInto, view: memoryview, filled: int) -> int:
    while filled < len(view) and (count := read_into(view[filled:])):
        filled += count
    return filled


def _cut(view: memoryview, *, last: bool) -> Iterator[memoryview]:
    """Yield the chunks of `view`, up to the first that could still be longer if more bytes followed."""
    left = len(view)
    for chunk in _cutter().cut_buf(view):
        yield chunk.data
        left -= chunk.length
        if left < MAX and not last:
            return


@functools.cache
def _cutter() -> FastCDC:
    cutter: FastCDC = lazy.load("pyfastcdc").FastCDC(AVERAGE, min_size=MIN, max_size=MAX)
    return cutter
