"""The directory at the end of a zip archive: which members it has, and where the bytes of each begin.

    local header │ name │ extra │ bytes of a member │ … │ directory: name, size, place of each │ its own place and count

Nothing is extracted: members that are neither compressed nor encrypted lie in the file as they are.
Source: APPNOTE.TXT of PKWARE, 4.3 (records), 4.5.3 (zip64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from mvc.formats.source import HeaderError, Source

MAX_MEMBERS = 200_000
"""Members of an archive, at most."""
MAX_DIRECTORY = 64 * 1024 * 1024
"""Bytes of its directory, at most."""
_LOCAL = struct.Struct("<4s2xHH16xHH")
_ENTRY = struct.Struct("<4s4xHH8xIIHHHH6xI")
_END = struct.Struct("<4sHHHHIIH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4s12xIIQQQQ")
_START = b"PK\3\4"
_LAST = b"PK\5\6"
_MAX_EXTRAS = 64
"""Extra fields of a member that are looked at for its size."""
_MAX_COMMENT = 0xFFFF
_ZIP64 = 1
_ENCRYPTED = 0x2041
"""Flags: encrypted, strongly so, with its directory too."""
_IN_ZIP64 = 0xFFFFFFFF


class Member(NamedTuple):
    """A member whose local header is at byte `header`, and its `size` bytes behind it.

    `stored` says that they lie there as they are: neither compressed nor encrypted. `raw` is its name as it is written.
    """

    raw: bytes
    header: int
    size: int
    stored: bool


class _End(NamedTuple):
    members: int
    size: int
    offset: int
    at: int


def first_name(start: bytes, source: Source) -> str:
    """The name of the member that a file begins with; `""` when `start`, its first bytes, are not those of a zip."""
    if not start.startswith(_START) or source.size < _LOCAL.size:
        return ""
    *_, length, _ = _LOCAL.unpack(source.read(0, _LOCAL.size))
    return _decoded(source.read(_LOCAL.size, min(length, source.size - _LOCAL.size)))


def members(source: Source) -> dict[str, Member]:
    """The members by name, in the order of the directory; raises HeaderError where it lies."""
    end = _find_end(source)
    if end.members > MAX_MEMBERS or end.size > MAX_DIRECTORY:
        raise HeaderError(f"its directory has more than {MAX_MEMBERS} members or {MAX_DIRECTORY >> 20} MiB")
    if end.offset + end.size > end.at:
        raise HeaderError("its directory leads behind its end")
    found: dict[str, Member] = {}
    for member in _entries(source.read(end.offset, end.size), end.members):
        if member.header + _LOCAL.size + len(member.raw) + member.size > end.offset:
            raise HeaderError("a member leads into the directory")
        if found.setdefault(_decoded(member.raw), member) is not member:
            raise HeaderError("its directory has a name twice")
    return found


def data_offset(source: Source, member: Member) -> int:
    """The offset of a member's bytes; raises HeaderError when its local header is another's, or has no room for them."""
    data = source.read(member.header, _LOCAL.size + len(member.raw))
    magic, flags, method, length, extra = _LOCAL.unpack_from(data)
    if magic != _START or data[_LOCAL.size :] != member.raw or length != len(member.raw):
        raise HeaderError("a member is not where the directory says")
    if member.stored and (method or flags & _ENCRYPTED):
        raise HeaderError("a member is stored in another way than the directory says")
    offset: int = member.header + _LOCAL.size + length + extra
    if offset + member.size > source.size:
        raise HeaderError("a member leads outside the file")
    return offset


def _find_end(source: Source) -> _End:
    """Find the last record, which a comment may follow, and bytes that belong to no archive: PyTorch loads such files."""
    length = min(source.size, _END.size + _MAX_COMMENT)
    first = source.size - length
    tail = source.read(first, length)
    place = len(tail) - _END.size + len(_LAST)
    followed = -1
    while (place := tail.rfind(_LAST, 0, place)) >= 0:
        stop = place + _END.size + int(_END.unpack_from(tail, place)[-1])
        if stop == len(tail):
            return _end_at(source, tail, place, first)
        if stop < len(tail) and followed < 0:
            followed = place
        place += len(_LAST) - 1
    if followed < 0:
        raise HeaderError("it begins as a zip archive and does not end as one")
    return _end_at(source, tail, followed, first)


def _end_at(source: Source, tail: bytes, place: int, first: int) -> _End:
    """What the last record says, which begins at `place` of `tail`, the file's bytes from `first` on."""
    _, disk, start, here, count, size, offset, _ = _END.unpack_from(tail, place)
    if end := _end64(source, first + place):
        return end
    if disk or start or here != count:
        raise HeaderError("it is a part of an archive of several files")
    return _End(count, size, offset, first + place)


def _end64(source: Source, at: int) -> _End | None:
    """What the record of 64-bit sizes says, if there is one in front of the end at `at`."""
    if at < _LOCATOR.size:
        return None
    magic, disk, place, disks = _LOCATOR.unpack(source.read(at - _LOCATOR.size, _LOCATOR.size))
    if magic != b"PK\6\7":
        return None
    magic, here, start, on_disk, count, size, offset = _END64.unpack(source.read(place, _END64.size))
    if magic != b"PK\6\6" or disk or disks > 1 or here or start or on_disk != count:
        raise HeaderError("its zip64 record is not where it should be")
    return _End(count, size, offset, place)


def _entries(directory: bytes, count: int) -> Iterator[Member]:
    place = 0
    for _ in range(count):
        if place + _ENTRY.size > len(directory):
            raise HeaderError(f"its directory has fewer than {count} members")
        magic, flags, method, packed, size, name, extra, comment, disk, header = _ENTRY.unpack_from(directory, place)
        start = place + _ENTRY.size
        place = start + name + extra + comment
        if magic != b"PK\1\2" or place > len(directory) or disk:
            raise HeaderError("its directory is damaged")
        fields = _wide(directory[start + name : start + name + extra], [size, packed, header])
        stored = method == 0 and not flags & _ENCRYPTED
        if stored and fields[0] != fields[1]:
            raise HeaderError("a member that is not compressed has two sizes")
        yield Member(directory[start : start + name], fields[2], fields[1], stored)


def _wide(extra: bytes, fields: list[int]) -> list[int]:
    """The fields, each that did not fit into 32 bits taken from the zip64 extra field."""
    if _IN_ZIP64 not in fields:
        return fields
    place = 0
    for _ in range(_MAX_EXTRAS):
        if place + 4 > len(extra):
            break
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == _ZIP64:
            data = extra[place + 4 : place + 4 + length]
            wanted = [index for index, value in enumerate(fields) if value == _IN_ZIP64]
            if len(data) < 8 * len(wanted):
                break
            for index, value in zip(wanted, struct.unpack_from(f"<{len(wanted)}Q", data), strict=True):
                fields[index] = value
            return fields
        place += 4 + length
    raise HeaderError("a size above 4 GiB is missing in its directory")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")  # what the format had before it had UTF-8; it gives every byte a character
