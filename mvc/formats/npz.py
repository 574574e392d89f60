r"""npz: a zip archive of arrays, each a .npy member with a short text header.

    \x93NUMPY │ version │ length │ {'descr': '<f4', 'fortran_order': False, 'shape': (384, 384), } │ numbers

Source: numpy.lib.format, versions 1 to 3. Compressed archives (`savez_compressed`) have no segments.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Any

from mvc.formats.header import Header, ordered, volume
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import zip_directory
from mvc.formats.syntax.zip_directory import Member
from mvc.model.segment import WIDTHS, Segment

MAX_HEADER = 10_000
"""Bytes of the text of a .npy header: numpy's own limit, above which parsing is not safe."""
MAX_TEXT = 1024 * 1024
"""Bytes of unusual header texts in one archive, at most: parsing these takes microseconds a byte."""
_MAGIC = b"\x93NUMPY"
_COUNT = rb"(?:0|[1-9][0-9]{0,18})"
_USUAL = re.compile(
    rb"\{'descr': '([<>|=][a-zA-Z][0-9]{1,4})', 'fortran_order': (?:True|False), 'shape': "
    rb"\((|" + _COUNT + rb",|" + _COUNT + rb"(?:, " + _COUNT + rb")+)\), \}\s*"
)
"""A header in numpy's own spelling."""
_LENGTHS = {1: 2, 2: 4, 3: 4}
"""Bytes of the length field, by version."""
_DTYPES = {
    "|b1": "BOOL", "|i1": "I8", "|u1": "U8", "<i2": "I16", "<u2": "U16", "<i4": "I32", "<u4": "U32", "<i8": "I64",
    "<u8": "U64", "<f2": "F16", "<f4": "F32", "<f8": "F64", "<c8": "C64", "<c16": "C128",
}  # fmt: skip
_SUFFIX = ".npy"


def matches(start: bytes, source: Source) -> bool:
    """Return whether the first member of a zip archive is an array."""
    return zip_directory.first_name(start, source).endswith(_SUFFIX)


def read(source: Source) -> Header:
    """Return the arrays that are not compressed.

    Raises HeaderError if the directory or an array's header is malformed.
    """
    members = zip_directory.members(source)
    return Header("npz", ordered(_arrays(source, members), source.size))


def _arrays(source: Source, members: dict[str, Member]) -> Iterator[Segment]:
    headers = _HeaderParser()
    for name, member in members.items():
        if name.endswith(_SUFFIX) and member.stored:
            offset = zip_directory.data_offset(source, member)
            yield _array(source, offset, member.size, name.removesuffix(_SUFFIX), headers)


def _array(source: Source, offset: int, size: int, name: str, headers: _HeaderParser) -> Segment:
    """Return the array in the .npy file of `size` bytes at `offset`."""
    start = source.read(offset, min(size, 12))
    if start[:6] != _MAGIC or len(start) < 12 or start[6] not in _LENGTHS:
        raise HeaderError(f"{name} is not an array")
    prefix = 8 + _LENGTHS[start[6]]
    length = int.from_bytes(start[8:prefix], "little")
    if length > MAX_HEADER or prefix + length > size:
        raise HeaderError(f"the header of {name} is too long")
    descr, shape = headers.parse(source.read(offset + prefix, length), name)
    dtype, elements = _DTYPES.get(descr, ""), volume(name, shape)
    data_size = size - prefix - length
    if dtype and elements * WIDTHS[dtype] != data_size:
        raise HeaderError(f"the size of {name} does not match its shape and dtype")
    return Segment(offset + prefix + length, data_size, name, dtype, shape)


class _HeaderParser:
    """A parser for the array headers of one archive, with a budget for unusual ones."""

    def __init__(self) -> None:
        self._left = MAX_TEXT

    def parse(self, text: bytes, name: str) -> tuple[str, tuple[int, ...]]:
        """Return dtype, `""` for structured ones, and shape."""
        usual = _USUAL.fullmatch(text)
        if usual:
            return usual[1].decode(), tuple([int(count) for count in usual[2].split(b",") if count.strip()])
        self._left -= len(text)
        if self._left < 0:
            raise HeaderError(f"the headers of its arrays are longer than {MAX_TEXT >> 20} MiB")
        return _parse(text, name)


def _parse(text: bytes, name: str) -> tuple[str, tuple[int, ...]]:
    """Return dtype, `""` for structured ones, and shape."""
    fields = _literal(text)
    if not isinstance(fields, dict) or fields.keys() != {"descr", "fortran_order", "shape"}:
        raise HeaderError(f"the header of {name} is not an array header")
    descr, shape = fields["descr"], fields["shape"]
    if not isinstance(shape, tuple):
        raise HeaderError(f"{name} has an invalid shape")
    return descr if isinstance(descr, str) else "", shape


def _literal(text: bytes) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.literal_eval(text.decode("utf-8"))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
