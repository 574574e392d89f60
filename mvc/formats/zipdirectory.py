"""Where the members of a zip file lie: from its directory at the end, and the local header before each.

    local header │ member │ local header │ member │ … │ directory │ zip64 end, locator │ end

Source: PKWARE's APPNOTE.TXT 6.3. Nothing is unpacked. Names, counts and sizes are bounded by those of the directory.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from mvc.formats.source import HeaderError, Source

MAGIC = b"PK\x03\x04"
MAX_MEMBERS = 1_000_000
_END = struct.Struct("<4s4H2IH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_COMMENT = 65_535
_ENCRYPTED = 1
_ABSENT = 0xFFFFFFFF


class Member(NamedTuple):
    """A member of a zip: `size` bytes, where `offset` says once `locate` has looked. `stored` if it is as it was."""

    name: str
    local: int
    size: int
    stored: bool


def members(source: Source) -> list[Member]:
    """All members, in the directory's order; raises HeaderError."""
    count, size, offset = _directory(source)
    if count > MAX_MEMBERS or size < count * _ENTRY.size:
        raise HeaderError("its directory counts more members than it can have")
    data = source.read(offset, size)
    found, place = [], 0
    for _ in range(count):
        member, place = _member(data, place)
        found.append(member)
    return found


def locate(source: Source, member: Member) -> int:
    """The offset of a stored member's first byte; raises HeaderError where it leads out of the file."""
    magic, *_, name, extra = _LOCAL.unpack(source.read(member.local, _LOCAL.size))
    offset = member.local + _LOCAL.size + int(name) + int(extra)
    if magic != MAGIC or offset + member.size > source.size:
        raise HeaderError(f"{member.name} is not where the directory says")
    return offset


def _directory(source: Source) -> tuple[int, int, int]:
    """Number of members, size and offset of the directory."""
    length = min(source.size, _END.size + _COMMENT)
    tail = source.read(source.size - length, length)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise HeaderError("it has no directory")
    _, _, _, _, count, size, offset, _ = _END.unpack_from(tail, at)
    if _ABSENT in (size, offset) or count == 0xFFFF:
        return _directory64(source, source.size - length + at)
    return count, size, offset


def _directory64(source: Source, end: int) -> tuple[int, int, int]:
    magic, _, place, _ = _LOCATOR.unpack(source.read(end - _LOCATOR.size, _LOCATOR.size))
    if magic != b"PK\x06\x07":
        raise HeaderError("it has no directory for a large file")
    record = _END64.unpack(source.read(place, _END64.size))
    if record[0] != b"PK\x06\x06":
        raise HeaderError("its directory is not where it says")
    return record[7], record[8], record[9]


def _member(data: bytes, place: int) -> tuple[Member, int]:
    if place + _ENTRY.size > len(data):
        raise HeaderError("its directory is cut off")
    entry = _ENTRY.unpack_from(data, place)
    flags, method = entry[3], entry[4]
    packed, size, local = entry[8], entry[9], entry[16]
    start = place + _ENTRY.size
    middle, end = start + entry[10], start + entry[10] + entry[11] + entry[12]
    if entry[0] != b"PK\x01\x02" or end > len(data):
        raise HeaderError("its directory is cut off")
    size, packed, local = _large(data[middle : middle + entry[11]], size, packed, local)
    stored = method == 0 and not flags & _ENCRYPTED and size == packed
    return Member(data[start:middle].decode("utf-8", "replace"), local, size, stored), end


def _large(extra: bytes, size: int, packed: int, local: int) -> tuple[int, int, int]:
    """The three numbers, those that did not fit in 32 bits from the extra field for them."""
    values = [size, packed, local]
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == 1:
            for index, value in enumerate(values):
                if value == _ABSENT and len(field) >= 8:
                    values[index], field = int.from_bytes(field[:8], "little"), field[8:]
    return values[0], values[1], values[2]
