"""Tar directories: the members of an archive, each after a header of 512 bytes, in the order of the file.

    name, size, type, checksum … │ content │ zeros up to 512 │ next header │ … │ two blocks of zeros

Nothing is extracted. A long name or size precedes its member as a member of its own: of POSIX.1-2001 (pax) or of GNU tar.
Source: POSIX.1-2017, pax, "pax Interchange Format" and "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from mvc.formats.source import HeaderError, Source, TooLongError

BLOCK = 512
MAX_MEMBERS = 20_000
"""Headers of an archive that are read, at most: each is a read of its own, and archives of pictures have millions."""
MAX_NAME = 64 * 1024
"""Bytes of a long name, or of the records of a pax header, at most."""
_MAGIC, _MAGIC_AT = b"ustar", 257
_SUM, _SUM_END = 148, 156
_OCTAL = re.compile(rb"[ \0]*[0-7]*[ \0]*")
"""A number as every writer spells it."""
_DIRECTORY = b"5"
_EMPTY = b"12346" + _DIRECTORY
"""Types without content: links, devices, pipes and directories. Content of any other type is that of a file."""
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = (b"x", b"X"), b"g", b"L", b"K"
_SPARSE = b"S"


class Member(NamedTuple):
    """A regular file of `size` bytes at `offset`."""

    name: str
    offset: int
    size: int


class Entry(NamedTuple):
    """A header and the content after it: `size` bytes at `offset`, of type `kind`; `link` is what a link names."""

    name: str
    offset: int
    size: int
    kind: bytes
    link: str = ""
    is_sparse: bool = False
    records: Mapping[str, bytes] = MappingProxyType({})
    """The records of a global header."""
    is_odd: bool = False
    """True if readers may differ in where it ends: by a size of what has no content, or the spelling of its header."""

    @property
    def is_file(self) -> bool:
        """Return whether readers take it for a regular file that is stored as it is: also if its type is not known."""
        return self.kind not in _EMPTY and self.kind not in (_PAX_GLOBAL, _SPARSE) and not self.is_sparse


class _Header(NamedTuple):
    name: str
    size: int
    kind: bytes
    link: str
    is_odd: bool


def begins(start: bytes) -> bool:
    """Return whether the first block of a file is the header of a member, of any writer: old ones have no magic bytes."""
    return start[:1] != b"\0" and _is_summed(start[:BLOCK])


def end(source: Source) -> int:
    """Return the offset of the first byte that belongs to no member, as far as headers can be read."""
    last = 0
    try:
        for entry in entries(source):
            last = entry.offset + (0 if entry.kind in _EMPTY else entry.size)
    except HeaderError:
        pass
    return last


def members(source: Source) -> Iterator[Member]:
    """Yield the regular files that are stored as they are, up to the last header that is read.

    A member that is there twice is yielded twice, as it is in the archive. Raises HeaderError if the archive is malformed.
    """
    for entry in entries(source):
        if entry.kind == _SPARSE:
            raise HeaderError("it has a sparse file of GNU tar")
        if entry.is_file:
            yield Member(entry.name, entry.offset, entry.size)


def entries(source: Source) -> Iterator[Entry]:
    """Yield every entry that is not a part of the next one, such as links and global headers, as `members` does."""
    name, size, is_sparse = "", -1, False
    offset = 0
    for _ in range(MAX_MEMBERS):
        header = _header(source, offset)
        if header is None:
            return
        content, length = offset + BLOCK, size if size >= 0 else header.size
        stored = 0 if header.kind in _EMPTY else length
        if content + stored > source.size:
            raise HeaderError(f"a member ends at byte {content + stored}, beyond the end of the file at {source.size}")
        offset = content + -(-stored // BLOCK) * BLOCK
        if header.kind in (*_PAX, _LONG_NAME):
            data = source.read(content, _short(length))
            records = {"path": data.rstrip(b"\0")} if header.kind == _LONG_NAME else _records(data)
            name = _text(records["path"]) if "path" in records else name
            size = _decimal(records["size"]) if "size" in records else size
            if any(key.startswith("GNU.sparse") for key in records):  # its content is not the file
                name, size, is_sparse = "", -1, True
        elif header.kind == _PAX_GLOBAL:
            yield Entry("", content, length, header.kind, records=_records(source.read(content, _short(length))))
        elif header.kind != _LONG_LINK:
            yield Entry(
                name or header.name,
                content,
                length,
                header.kind,
                header.link,
                is_sparse or header.kind == _SPARSE,
                is_odd=header.is_odd or length != stored,
            )
            name, size, is_sparse = "", -1, False


def _header(source: Source, offset: int) -> _Header | None:
    """Parse the header at `offset`; None at the end of the archive."""
    if offset + BLOCK > source.size:
        if offset and offset >= source.size:  # some writers leave the blocks of zeros out
            return None
        raise HeaderError("it ends within a header")
    block = source.read(offset, BLOCK)
    if not any(block):
        return None
    if not _is_summed(block):
        raise HeaderError(f"the header at byte {offset} has a wrong checksum")
    name, prefix = _text(block[:100]), _text(block[345:500]) if block[257:263] == _MAGIC + b"\0" else ""
    kind, link, field = block[156:157], _text(block[157:257]), block[124:136]
    if kind == b"\0" and name.endswith("/"):  # a directory of writers before POSIX
        kind = _DIRECTORY
    size = _number(field)
    is_odd = size < 0 or not (field[0] & 0x80 or _OCTAL.fullmatch(field))
    return _Header(f"{prefix}/{name}" if prefix else name, max(size, 0), kind, link, is_odd)


def _is_summed(block: bytes) -> bool:
    """Return whether the checksum of a header is right: the sum of its bytes, its own taken as spaces.

    Some writers summed signed bytes, and readers take that as well.
    """
    if len(block) < BLOCK:
        return False
    unsigned = sum(block[:_SUM]) + sum(block[_SUM_END:]) + (_SUM_END - _SUM) * ord(" ")
    try:
        checksum = _number(block[_SUM:_SUM_END])
    except HeaderError:
        return False
    if checksum == unsigned:
        return True
    return checksum == unsigned - 256 * sum(byte > 127 for byte in block[:_SUM] + block[_SUM_END:])


def _number(field: bytes) -> int:
    """Return a number in octal digits, spelled as Python's tarfile reads them; or in binary after a bit, as GNU tar writes it."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        return value - (1 << 8 * len(field) - 1) if field[0] == 0xFF else value
    try:
        return int(field.partition(b"\0")[0].strip().decode("ascii") or "0", 8)
    except ValueError as error:
        raise HeaderError("a number in a header is not octal") from error


def _records(data: bytes) -> dict[str, bytes]:
    """Return the records of a pax header: `LENGTH KEY=VALUE` and a line end each, with the length of the whole record."""
    records: dict[str, bytes] = {}
    position = 0
    while position < len(data):
        length, space, _ = data[position : position + 12].partition(b" ")
        size = _decimal(length) if space else 0
        key, equals, value = data[position + len(length) + 1 : position + size].partition(b"=")
        if position + size > len(data) or not equals or not value.endswith(b"\n"):
            raise HeaderError("the records of a pax header are malformed")
        records[_text(key)] = value[:-1]
        position += size
    return records


def _decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 18:
        raise HeaderError("a number in a pax header is not decimal")
    return int(digits)


def _short(length: int) -> int:
    if length > MAX_NAME:
        raise TooLongError(f"a name is longer than {MAX_NAME} bytes")
    return length


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
