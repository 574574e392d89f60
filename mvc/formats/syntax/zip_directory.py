"""Zip directories: the members of an archive, and the offset of each one's content.

    local header │ name │ extra │ content of a member │ … │ directory: name, size, offset of each │ end record

Nothing is extracted: members that are neither compressed nor encrypted are stored in the archive as they are.
Source: APPNOTE.TXT of PKWARE, 4.3 (records), 4.5.3 (zip64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from mvc.formats.source import HeaderError, Source, TooLongError

MAX_MEMBERS = 200_000
"""Members of an archive, at most."""
MAX_DIRECTORY = 64 * 1024 * 1024
"""Bytes of its directory, at most."""
_LOCAL = struct.Struct("<4s2xHH16xHH")
_ENTRY = struct.Struct("<4s4xHH4xIIIHHHH6xI")
_END = struct.Struct("<4sHHHHIIH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4s12xIIQQQQ")
_START = b"PK\3\4"
_LAST = b"PK\5\6"
_MAX_EXTRAS = 64
"""Extra fields of a member that are searched for its zip64 size, at most."""
_MAX_COMMENT = 0xFFFF
_ZIP64 = 1
_ENCRYPTED = 0x2041
"""Flags: encrypted, strong encryption, encrypted directory."""
_IN_ZIP64 = 0xFFFFFFFF


class Member(NamedTuple):
    """A member of `size` bytes, whose local header begins at byte `header`; `raw` is its encoded name.

    `stored` is true if it is neither compressed nor encrypted.
    """

    raw: bytes
    header: int
    size: int
    stored: bool


class Record(NamedTuple):
    """An entry of a directory as it is written: of `packed` bytes in the archive, and of `size` bytes unfolded."""

    raw: bytes
    header: int
    packed: int
    size: int
    method: int
    flags: int
    crc: int
    length: int
    """Bytes of the entry itself."""

    @property
    def name(self) -> str:
        """The name of the member."""
        return _decoded(self.raw)


class Directory(NamedTuple):
    """A directory from byte `start` on, of `size` bytes; `end` is the first byte of its end record."""

    records: list[Record]
    start: int
    size: int
    end: int


class _End(NamedTuple):
    members: int
    size: int
    offset: int
    at: int


def first_name(start: bytes, source: Source) -> str:
    """Return the name of the first member of a file.

    `""` if `start`, its first bytes, are not those of a zip archive.
    """
    if not start.startswith(_START) or source.size < _LOCAL.size:
        return ""
    *_, length, _ = _LOCAL.unpack(source.read(0, _LOCAL.size))
    return _decoded(source.read(_LOCAL.size, min(length, source.size - _LOCAL.size)))


def members(source: Source) -> dict[str, Member]:
    """Return the members by name, in the order of the directory; raise HeaderError if it is malformed."""
    listed = directory(source)
    result: dict[str, Member] = {}
    for record in listed.records:
        stored = record.method == 0 and not record.flags & _ENCRYPTED
        if stored and record.size != record.packed:
            raise HeaderError("an uncompressed member has two sizes")
        member = Member(record.raw, record.header, record.packed, stored)
        if member.header + _LOCAL.size + len(member.raw) + member.size > listed.start:
            raise HeaderError("a member overlaps the directory")
        if result.setdefault(record.name, member) is not member:
            raise HeaderError("its directory has a duplicate name")
    return result


def has_end(source: Source) -> bool:
    """Return whether there is an end record, so that the archive was not truncated."""
    length = min(source.size, _END.size + _MAX_COMMENT)
    tail = source.read(source.size - length, length)
    return _LAST in tail[: max(0, length - _END.size + len(_LAST))]


def directory(source: Source) -> Directory:
    """Return the entries of the directory as they are written; raise HeaderError if it is malformed."""
    end = _find_end(source)
    if end.members > MAX_MEMBERS or end.size > MAX_DIRECTORY:
        raise TooLongError(f"its directory has more than {MAX_MEMBERS} members or {MAX_DIRECTORY >> 20} MiB")
    if end.offset + end.size > end.at:
        raise HeaderError("its directory overlaps its end record")
    return Directory(list(_records(source.read(end.offset, end.size), end.members)), end.offset, end.size, end.at)


def data_offset(source: Source, member: Member) -> int:
    """Return the offset of a member's content; raise HeaderError if its local header does not match the directory."""
    data = source.read(member.header, _LOCAL.size + len(member.raw))
    magic, flags, method, length, extra = _LOCAL.unpack_from(data)
    if magic != _START or data[_LOCAL.size :] != member.raw or length != len(member.raw):
        raise HeaderError("a local header does not match the directory")
    if member.stored and (method or flags & _ENCRYPTED):
        raise HeaderError("the compression of a member does not match the directory")
    offset: int = member.header + _LOCAL.size + length + extra
    if offset + member.size > source.size:
        raise HeaderError("a member extends beyond the end of the file")
    return offset


def _find_end(source: Source) -> _End:
    """Find the end record. A comment may follow, and even bytes after the archive: PyTorch loads such files."""
    if source.size >= _END.size:  # nearly always it is the very end
        tail = source.read(source.size - _END.size, _END.size)
        if tail.startswith(_LAST) and not _END.unpack(tail)[-1]:
            return _end_at(source, tail, 0, source.size - _END.size)
    length = min(source.size, _END.size + _MAX_COMMENT)
    first = source.size - length
    tail = source.read(first, length)
    limit = len(tail) - _END.size + len(_LAST)
    fallback = -1
    while (position := tail.rfind(_LAST, 0, limit)) >= 0:
        stop = position + _END.size + int(_END.unpack_from(tail, position)[-1])
        if stop == len(tail):
            return _end_at(source, tail, position, first)
        if stop < len(tail) and fallback < 0:
            fallback = position
        limit = position + len(_LAST) - 1
    if fallback < 0:
        raise HeaderError("it begins as a zip archive and does not end as one")
    return _end_at(source, tail, fallback, first)


def _end_at(source: Source, tail: bytes, position: int, first: int) -> _End:
    """Parse the end record at `position` of `tail`, the file's bytes from `first` on."""
    _, disk, start_disk, disk_count, count, size, offset, _ = _END.unpack_from(tail, position)
    if end := _end64(source, first + position):
        return end
    if disk or start_disk or disk_count != count:
        raise HeaderError("it is a part of a multi-file archive")
    return _End(count, size, offset, first + position)


def _end64(source: Source, end: int) -> _End | None:
    """Parse the zip64 end record, if there is one before the end record at byte `end`."""
    if end < _LOCATOR.size:
        return None
    magic, disk, position, disks = _LOCATOR.unpack(source.read(end - _LOCATOR.size, _LOCATOR.size))
    if magic != b"PK\6\7":
        return None
    record = _END64.unpack(source.read(position, _END64.size))
    magic, this_disk, start_disk, disk_count, count, size, offset = record
    if magic != b"PK\6\6" or disk or disks > 1 or this_disk or start_disk or disk_count != count:
        raise HeaderError("its zip64 end record is invalid")
    return _End(count, size, offset, position)


def _records(data: bytes, count: int) -> Iterator[Record]:
    position = 0
    for _ in range(count):
        if position + _ENTRY.size > len(data):
            raise HeaderError(f"its directory has fewer than {count} members")
        entry = _ENTRY.unpack_from(data, position)
        magic, flags, method, crc, packed, size, name, extra, comment, disk, header = entry
        start = position + _ENTRY.size
        position = start + name + extra + comment
        if magic != b"PK\1\2" or position > len(data) or disk:
            raise HeaderError("its directory is damaged")
        size, packed, header = _wide(data[start + name : start + name + extra], [size, packed, header])
        yield Record(
            data[start : start + name], header, packed, size, method, flags, crc, position - start + _ENTRY.size
        )


def _wide(extra: bytes, fields: list[int]) -> list[int]:
    """Replace fields that do not fit into 32 bits by those of the zip64 extra field."""
    if _IN_ZIP64 not in fields:
        return fields
    position = 0
    for _ in range(_MAX_EXTRAS):
        if position + 4 > len(extra):
            break
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == _ZIP64:
            data = extra[position + 4 : position + 4 + length]
            missing = [index for index, value in enumerate(fields) if value == _IN_ZIP64]
            if len(data) < 8 * len(missing):
                break
            for index, value in zip(missing, struct.unpack_from(f"<{len(missing)}Q", data), strict=True):
                fields[index] = value
            return fields
        position += 4 + length
    raise HeaderError("a size above 4 GiB is missing in its directory")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")  # the format's encoding before UTF-8; every byte is valid in it
