"""GGUF: key-value pairs of any length, the type, shape and offset of each tensor, and the aligned tensors.

    "GGUF" │ 3 │ tensors │ pairs │ key, type, value … │ name, shape, type, offset … │ padding │ tensors

Source: docs/gguf.md of ggml, versions 2 and 3, little-endian; block sizes from ggml's type table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mvc.formats.header import Header, ordered, volume
from mvc.formats.source import MAX_SEGMENTS, Cursor, HeaderError, Source
from mvc.model.segment import Segment

MAX_TEXTS = 2_000_000
"""Keys, values and items of text arrays, at most: each has to be skipped by itself."""
MAX_NAME = 4096
"""Bytes of a key or the name of a tensor, at most."""
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SHORTEST = 24
"""Bytes up to and including the number of pairs."""
_ALIGNMENT, _ALIGNMENT_KEY = 32, b"general.alignment"
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Sizes in bytes of the fixed-size value types."""
_U32, _TEXT, _ARRAY = 4, 8, 9
_MAX_DEPTH = 8
"""Nesting of arrays, at most."""
_MAX_VALUES = 1_000
"""Texts that are returned, at most."""
_MAX_RANK = 8
"""Dimensions of a tensor, at most; ggml itself has 4."""
KINDS = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip
"""Name, elements per block and bytes per block, by ggml's type number."""


class _Info(NamedTuple):
    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins as a known version; big-endian files are not supported."""
    is_known = int.from_bytes(start[4:8], "little") in _VERSIONS
    return start.startswith(_MAGIC) and is_known and source.size >= _SHORTEST


def read(source: Source) -> Header:
    """Return the tensors; raise HeaderError if the header is malformed."""
    cursor = Cursor(source, 8)
    count, pairs = cursor.number(8), cursor.number(8)
    if count > MAX_SEGMENTS or pairs > MAX_TEXTS:
        raise HeaderError("it has too many tensors or keys")
    alignment = _Values(cursor).alignment(pairs)
    infos = [_info(cursor) for _ in range(count)]
    start = -(-cursor.position // alignment) * alignment
    return Header("gguf", ordered(_segments(infos, start, alignment), source.size))


def texts(source: Source, prefix: str) -> dict[str, str]:
    """Return the texts of the pairs whose keys begin with `prefix`, without longer ones; raise HeaderError if malformed."""
    cursor = Cursor(source, 16)
    pairs = cursor.number(8)
    if pairs > MAX_TEXTS:
        raise HeaderError("it has too many keys")
    return _Values(cursor).texts(pairs, prefix.encode())


def _info(cursor: Cursor) -> _Info:
    name = cursor.take(_length(cursor))
    rank = cursor.number(4)
    if rank > _MAX_RANK:
        raise HeaderError("a tensor has too many dimensions")
    shape = tuple([cursor.number(8) for _ in range(rank)])
    try:
        return _Info(name.decode("utf-8"), shape[::-1], cursor.number(4), cursor.number(8))
    except UnicodeDecodeError as error:
        raise HeaderError("the name of a tensor is not valid Unicode") from error


def _length(cursor: Cursor) -> int:
    length = cursor.number(8)
    if length > MAX_NAME:
        raise HeaderError(f"a name is longer than {MAX_NAME} bytes")
    return length


def _segments(infos: list[_Info], start: int, alignment: int) -> Iterator[Segment]:
    for info in infos:
        if info.kind not in KINDS:
            raise HeaderError(f"{info.name} has the unknown type {info.kind}")
        dtype, block, size = KINDS[info.kind]
        elements = volume(info.name, info.shape)
        if (info.shape[-1] if info.shape else 1) % block or info.offset % alignment:
            raise HeaderError(f"{info.name} does not consist of whole blocks, or is not aligned")
        yield Segment(start + info.offset, elements // block * size, info.name, dtype, info.shape)


class _Values:
    """A parser of key-value pairs, which skips all but the alignment of tensors."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._texts = 0

    def alignment(self, pairs: int) -> int:
        """Skip `pairs` of them; return the alignment in bytes."""
        alignment, cursor = _ALIGNMENT, self._cursor
        for _ in range(pairs):
            self._count()
            key, kind = cursor.take(_length(cursor)), cursor.number(4)
            if key == _ALIGNMENT_KEY and kind == _U32:
                alignment = cursor.number(4)
            else:
                self._skip(kind, 0)
        if alignment < 1 or alignment & alignment - 1:
            raise HeaderError("its alignment is not a power of two")
        return alignment

    def texts(self, pairs: int, prefix: bytes) -> dict[str, str]:
        """Return the texts of those of `pairs` whose keys begin with `prefix`."""
        values: dict[str, str] = {}
        cursor = self._cursor
        for _ in range(pairs):
            self._count()
            key, kind = cursor.take(_length(cursor)), cursor.number(4)
            if kind != _TEXT:
                self._skip(kind, 0)
                continue
            length = cursor.number(8)
            if key.startswith(prefix) and length <= MAX_NAME and len(values) < _MAX_VALUES:
                values[key.decode("utf-8", "replace")] = cursor.take(length).decode("utf-8", "replace")
            else:
                cursor.skip(length)
        return values

    def _skip(self, kind: int, depth: int) -> None:
        if kind in _WIDTHS:
            self._cursor.skip(_WIDTHS[kind])
        elif kind == _TEXT:
            self._count()
            self._cursor.skip(self._cursor.number(8))
        elif kind == _ARRAY and depth < _MAX_DEPTH:
            self._skip_array(depth)
        else:
            raise HeaderError(f"a value has the unknown type {kind}")

    def _skip_array(self, depth: int) -> None:
        kind, count = self._cursor.number(4), self._cursor.number(8)
        if kind in _WIDTHS:
            self._cursor.skip(_WIDTHS[kind] * count)
            return
        for _ in range(count):
            self._count()
            self._skip(kind, depth + 1)

    def _count(self) -> None:
        self._texts += 1
        if self._texts > MAX_TEXTS:
            raise HeaderError(f"it has more than {MAX_TEXTS} keys and values")
