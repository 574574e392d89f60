"""Sorted tables of LevelDB, as TensorFlow writes them: keys and where their values are, by one block of an index.

    blocks: key, value, key, value … │ place of each key that is whole │ … │ index: place of each block │ footer, 48 bytes

A key begins with a part of the one before. Compressed blocks are refused: the tables of checkpoints have none.
Source: doc/table_format.md of LevelDB; tensorflow/core/lib/io/format.cc.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source

MAX_KEY = 4096
"""Bytes of a key, at most."""
FOOTER = 48
MAGIC = bytes.fromhex("57fb808b247547db")
_TYPE = 1
_WORD = 4
_MORE, _LONGEST = 0x80, 10


class Entry(NamedTuple):
    """A key, and its value: `size` bytes of the file from `offset`."""

    key: bytes
    offset: int
    size: int


def is_table(source: Source) -> bool:
    """Return whether a file ends as a table."""
    return source.size >= FOOTER and source.read(source.size - len(MAGIC), len(MAGIC)) == MAGIC


def entries(source: Source) -> Iterator[Entry]:
    """Yield the entries of a table in the order of their keys; raise HeaderError if it is malformed."""
    footer = source.read(source.size - FOOTER, FOOTER - len(MAGIC))
    position = 0
    for _ in range(2):  # of the index of other blocks, which is left out
        _, position = _varint(footer, position)
    offset, position = _varint(footer, position)
    size, _ = _varint(footer, position)
    count = 0
    for handle in _block(source, offset, size):
        data = source.read(handle.offset, handle.size)
        start, position = _varint(data, 0)
        length, _ = _varint(data, position)
        for entry in _block(source, start, length):
            count += 1
            if count > MAX_SEGMENTS:
                raise HeaderError(f"its table has more than {MAX_SEGMENTS} entries")
            yield entry


def _block(source: Source, offset: int, size: int) -> Iterator[Entry]:
    data = source.read(offset, size + _TYPE)
    if data[-1]:
        raise HeaderError("a block of its table is compressed")
    restarts = int.from_bytes(data[size - _WORD : size], "little") if size >= _WORD else size
    end = size - _WORD - _WORD * restarts
    if end < 0:
        raise HeaderError("a block of its table is too short")
    position, key = 0, b""
    while position < end:
        shared, position = _varint(data, position)
        added, position = _varint(data, position)
        length, position = _varint(data, position)
        if shared > len(key) or shared + added > MAX_KEY or position + added + length > end:
            raise HeaderError("a block of its table is malformed")
        key = key[:shared] + data[position : position + added]
        position += added
        yield Entry(key, offset + position, length)
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a varint and the position after it."""
    value = 0
    for index, byte in enumerate(data[position : position + _LONGEST]):
        value |= (byte & ~_MORE) << 7 * index
        if byte < _MORE:
            return value, position + index + 1
    raise HeaderError("a number in its table does not end")
