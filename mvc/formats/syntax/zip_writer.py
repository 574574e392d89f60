"""Zip archives as a stream of bytes that depends on their members only, so that equal members give an equal archive.

    each member, by name: header │ name │ its bytes │ … │ directory: name, size, offset of each │ end record

No clock, system or library takes part: members are stored uncompressed, dated 1980, with fixed permissions, and have zip64
fields only where a number needs them. A change of this form is a new form: published archives have the hash of the old one.
Source: APPNOTE.TXT of PKWARE, 4.3 (records), 4.5.3 (zip64).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

Buffer = bytes | bytearray | memoryview

_LOCAL = struct.Struct("<4s5HIIIHH")
_ENTRY = struct.Struct("<4s6HIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LONG, _SHORT = 0xFFFFFFFF, 0xFFFF
"""Values that say that the number is in a zip64 field."""
_PLAIN, _WIDE = 20, 45
"""Versions of the format that a reader needs, without and with zip64."""
_UNIX = 3 << 8
_UTF8 = 1 << 11
_DATE = 1 << 5 | 1
"""1980-01-01, the first day that the format has."""
_FILE, _EXECUTABLE = 0o100644 << 16, 0o100755 << 16
_ZIP64 = 1


class Member(NamedTuple):
    """A file of the archive: its name with `/` between folders, its size in bytes, and whether it is executable."""

    name: str
    size: int
    executable: bool = False


Read = Callable[[Member], Iterable[Buffer]]
"""Returns the bytes of a member, piece by piece; each member is read twice, first for its checksum."""


def size(members: Iterable[Member]) -> int:
    """Return the size of the archive in bytes, without reading a member."""
    ordered, offset, directory = _ordered(members), 0, 0
    for member in ordered:
        directory += len(_entry(member, 0, offset))
        offset += len(_header(member, 0)) + member.size
    return offset + directory + len(_end(len(ordered), directory, offset))


def stream(members: Iterable[Member], read: Read) -> Iterator[Buffer]:
    """Yield the bytes of the archive. Raises ValueError if a member has another size than it states."""
    ordered, offset, directory = _ordered(members), 0, bytearray()
    for member in ordered:
        checksum = _checksum(member, read)
        header = _header(member, checksum)
        yield header
        yield from read(member)
        directory += _entry(member, checksum, offset)
        offset += len(header) + member.size
    yield bytes(directory)
    yield _end(len(ordered), len(directory), offset)


def _ordered(members: Iterable[Member]) -> Sequence[Member]:
    return sorted(members, key=lambda member: member.name.encode())


def _checksum(member: Member, read: Read) -> int:
    checksum, length = 0, 0
    for piece in read(member):
        checksum = zlib.crc32(piece, checksum)
        length += len(piece)
    if length != member.size:
        message = f"{member.name} has {length} bytes instead of {member.size}"
        raise ValueError(message)
    return checksum


def _header(member: Member, checksum: int) -> bytes:
    name, is_wide = member.name.encode(), member.size >= _LONG
    extra = struct.pack("<HHQQ", _ZIP64, 16, member.size, member.size) if is_wide else b""
    length = _LONG if is_wide else member.size
    fields = (_WIDE if is_wide else _PLAIN, _UTF8, 0, 0, _DATE, checksum, length, length, len(name), len(extra))
    return _LOCAL.pack(b"PK\3\4", *fields) + name + extra


def _entry(member: Member, checksum: int, offset: int) -> bytes:
    """Return the entry of a member in the directory; its header is at byte `offset`."""
    name = member.name.encode()
    wide = [value for value in (member.size, member.size, offset) if value >= _LONG]
    extra = struct.pack(f"<HH{len(wide)}Q", _ZIP64, 8 * len(wide), *wide) if wide else b""
    version, length = _WIDE if wide else _PLAIN, min(member.size, _LONG)
    fields = (_UNIX | version, version, _UTF8, 0, 0, _DATE, checksum, length, length, len(name), len(extra), 0, 0, 0)
    permissions = _EXECUTABLE if member.executable else _FILE
    return _ENTRY.pack(b"PK\1\2", *fields, permissions, min(offset, _LONG)) + name + extra


def _end(count: int, length: int, offset: int) -> bytes:
    """Return the end record of a directory of `length` bytes at byte `offset`."""
    end = _END.pack(b"PK\5\6", 0, 0, *[min(count, _SHORT)] * 2, min(length, _LONG), min(offset, _LONG), 0)
    if count < _SHORT and length < _LONG and offset < _LONG:
        return end
    version = _UNIX | _WIDE
    wide = _END64.pack(b"PK\6\6", _END64.size - 12, version, _WIDE, 0, 0, count, count, length, offset)
    return wide + _LOCATOR.pack(b"PK\6\7", 0, offset + length, 1) + end
