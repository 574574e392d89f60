"""Tar directories: the members of an archive, each after a header of 512 bytes, in the order of the file.

    name, size, type, checksum … │ content │ zeros up to 512 │ next header │ … │ two blocks of zeros

Nothing is extracted. A long name or size precedes its member as a member of its own: of POSIX.1-2001 (pax) or of GNU tar.
Source: POSIX.1-2017, pax, "pax Interchange Format" and "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from mvc.formats.source import HeaderError, Source

BLOCK = 512
MAX_MEMBERS = 20_000
"""Headers of an archive that are read, at most: each is a read of its own, and archives of pictures have millions."""
MAX_NAME = 64 * 1024
"""Bytes of a long name, or of the records of a pax header, at most."""
_MAGIC, _MAGIC_AT = b"ustar", 257
_SUM, _SUM_END = 148, 156
_FILES = b"\0" + b"07"
"""Types of regular files."""
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
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

    @property
    def is_file(self) -> bool:
        """Return whether it is a regular file that is stored as it is."""
        return len(self.kind) == 1 and self.kind in _FILES and not self.is_sparse


class _Header(NamedTuple):
    name: str
    size: int
    kind: bytes
    link: str


def begins(start: bytes) -> bool:
    """Return whether the first block of a file is the header of a member."""
    return start[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC and _is_summed(start[:BLOCK])


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
        if content + length > source.size:
            raise HeaderError(f"a member ends at byte {content + length}, beyond the end of the file at {source.size}")
        offset = content + -(-length // BLOCK) * BLOCK
        if header.kind in (_PAX, _LONG_NAME):
            data = source.read(content, _short(length))
            records = _records(data) if header.kind == _PAX else {"path": data.rstrip(b"\0")}
            name = _text(records["path"]) if "path" in records else name
            size = _decimal(records["size"]) if "size" in records else size
            if any(key.startswith("GNU.sparse") for key in records):  # its content is not the file
                name, size, is_sparse = "", -1, True
        elif header.kind == _PAX_GLOBAL:
            yield Entry("", content, length, header.kind, records=_records(source.read(content, _short(length))))
        elif header.kind != _LONG_LINK:
            yield Entry(
                name or header.name, content, length, header.kind, header.link, is_sparse or header.kind == _SPARSE
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
    kind, link = block[156:157], _text(block[157:257])
    return _Header(f"{prefix}/{name}" if prefix else name, _number(block[124:136]), kind, link)


def _is_summed(block: bytes) -> bool:
    """Return whether the checksum of a header is right: the sum of its bytes, its own taken as spaces."""
    if len(block) < BLOCK:
        return False
    expected = sum(block[:_SUM]) + sum(block[_SUM_END:]) + (_SUM_END - _SUM) * ord(" ")
    try:
        return _number(block[_SUM:_SUM_END]) == expected
    except HeaderError:
        return False


def _number(field: bytes) -> int:
    """Return a number in octal digits; or, as GNU tar writes those above 8 GiB, in binary after a bit."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.strip(b" \0") or b"0"
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise HeaderError("a number in a header is not octal")
    return int(digits, 8)


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
        raise HeaderError(f"a name is longer than {MAX_NAME} bytes")
    return length


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
