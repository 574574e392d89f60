"""FlatBuffers' wire format, read at random places: tables with optional fields, vectors and texts.

    table:  i32 back to its vtable │ fields …        vtable:  u16 size │ u16 size of the table │ u16 place of each field
    vector: u32 length │ elements                     an offset is a u32, counted from where it is

Source: "FlatBuffers Internals" in the documentation of FlatBuffers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mvc.formats.source import HeaderError, Source, TooLongError

_BLOCK = 4096
_MAX_BLOCKS = 64
_U16, _U32, _I32, _U64 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i"), struct.Struct("<Q")
_SLOTS = 4
"""Bytes of a vtable before the place of the first field."""


class Flatbuffer:
    """The values of one file; blocks that were read are kept, up to 256 KiB."""

    def __init__(self, source: Source) -> None:
        """Start without reading."""
        self._source = source
        self._blocks: dict[int, bytes] = {}

    def root(self) -> int:
        """Return the position of the root table."""
        return self.target(0)

    def target(self, position: int) -> int:
        """Return the position that the offset at `position` refers to."""
        return position + int(_U32.unpack(self._bytes(position, 4))[0])

    def field(self, table: int, number: int) -> int:
        """Return the position of a field of the table, 0 if it is left out."""
        vtable = table - int(_I32.unpack(self._bytes(table, 4))[0])
        place = _SLOTS + 2 * number
        if place + 2 > self._u16(vtable):
            return 0
        offset = self._u16(vtable + place)
        if offset and offset + 1 > self._u16(vtable + 2):
            raise HeaderError(f"a field of the table at byte {table} is outside of it")
        return table + offset if offset else 0

    def number(self, table: int, number: int, size: int) -> int:
        """Return an unsigned field of `size` bytes, 0 if it is left out."""
        position = self.field(table, number)
        return int.from_bytes(self._bytes(position, size), "little") if position else 0

    def vector(self, table: int, number: int) -> tuple[int, int]:
        """Return the position of a vector's first element, and its length; (0, 0) if the field is left out."""
        position = self.field(table, number)
        if not position:
            return 0, 0
        start = self.target(position)
        return start + 4, int(_U32.unpack(self._bytes(start, 4))[0])

    def children(self, table: int, number: int) -> Iterator[int]:
        """Yield the position of the table that a field refers to; nothing if it is left out."""
        position = self.field(table, number)
        if position:
            yield self.target(position)

    def tables(self, table: int, number: int, limit: int) -> Iterator[int]:
        """Yield the positions of the tables in a vector; raise TooLongError if it has more than `limit`."""
        start, length = self.vector(table, number)
        if start + 4 * length > self._source.size:
            raise HeaderError(f"a vector has {length} tables, more than the file has room for")
        if length > limit:
            raise TooLongError(f"a vector has {length} tables, more than {limit}")
        for index in range(length):
            yield self.target(start + 4 * index)

    def signed(self, table: int, number: int, limit: int) -> tuple[int, ...] | None:
        """Return a vector of i32; None if it has more than `limit` elements."""
        start, length = self.vector(table, number)
        if length > limit:
            return None
        return struct.unpack(f"<{length}i", self._bytes(start, 4 * length)) if length else ()

    def text(self, table: int, number: int, limit: int) -> str:
        """Return a text; `""` if it is left out, or has more than `limit` bytes."""
        start, length = self.vector(table, number)
        if length > limit:
            return ""
        return self._bytes(start, length).decode("utf-8", "replace") if length else ""

    def label(self, table: int, number: int, limit: int) -> str:
        """Return a text as `text` does, but an ellipsis if it has more than `limit` bytes."""
        _, length = self.vector(table, number)
        return self.text(table, number, limit) if length <= limit else "\N{HORIZONTAL ELLIPSIS}"

    def _u16(self, position: int) -> int:
        return int(_U16.unpack(self._bytes(position, 2))[0])

    def _bytes(self, position: int, size: int) -> bytes:
        first, last = position // _BLOCK, (position + size - 1) // _BLOCK
        if first == last:
            start = position - first * _BLOCK
            data = self._block(first)[start : start + size]
        else:
            data = self._source.read(position, size)
        if len(data) != size:
            raise HeaderError(f"a value ends at byte {position + size}, beyond the end of the file")
        return data

    def _block(self, index: int) -> bytes:
        block = self._blocks.get(index)
        if block is None:
            start = index * _BLOCK
            block = self._source.read(start, min(_BLOCK, max(self._source.size - start, 0)))
            if len(self._blocks) == _MAX_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[index] = block
        return block
