"""Zip archives: each record against the directory, then the members, by layout or by content.

    local header │ content │ local header │ content │ … │ directory │ end record

Readers of zip archives differ in which of these they believe. So an archive that says two things is a finding, and so are
bytes that no record accounts for. Source: APPNOTE.TXT of PKWARE, 4.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.formats.syntax import tar_directory, zip_directory
from mvc.formats.syntax.zip_directory import Directory, Record
from mvc.scan.archive import Archive
from mvc.scan.archives import frames, unfolded, zip_sequence
from mvc.scan.archives.unfolded import Decompressor
from mvc.scan.pickles import file as pickles
from mvc.scan.scan import START, Scan
from mvc.scan.verdict import Rule, Verdict

TWO_NAMES = Rule(
    "zip-duplicate", Verdict.UNREADABLE, "Its directory names a member twice, and loaders take one or the other: {}."
)
LOCAL = Rule(
    "zip-header", Verdict.UNREADABLE, "A member has another {} in its own header than in the directory: loaders differ."
)
DIRECTORY = Rule("zip-directory", Verdict.UNREADABLE, "Loaders find another directory, or other members in it: {}.")
GAP = Rule("zip-gap", Verdict.UNREADABLE, "{} of the archive are no part of any member, and a loader may read them.")
PREFIX = Rule("zip-prefix", Verdict.UNREADABLE, "Bytes precede the archive, so it is a file of another format as well.")
OVERLAP = Rule("zip-overlap", Verdict.UNREADABLE, "Its members overlap: {}.")
CLOSED = Rule(
    "zip-closed", Verdict.UNREADABLE, "A member is encrypted, or compressed by a method that is not read: {}."
)
HEADER = Rule("zip-member", Verdict.DAMAGED, "A member is not where the directory has it, and cannot be read: {}.")
CHECKSUM = Rule("zip-checksum", Verdict.DAMAGED, "The checksum of a member is wrong: {}.")
ABSOLUTE = Rule(
    "zip-path", Verdict.HOSTILE, "A member has a path outside of its folder, where a loader would write it: {}."
)
RULES = (TWO_NAMES, LOCAL, DIRECTORY, GAP, PREFIX, OVERLAP, CLOSED, HEADER, CHECKSUM, ABSOLUTE)

_LOCAL = struct.Struct("<4s2xHH4xIIIHH")
_START, _ENTRY, _END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_ENCRYPTED, _LATER = 0x2041, 0x8
_WIDE = 0xFFFFFFFF
_MAX_ZEROS = 1 << 20
_MAX_CHECKED = 32 << 20
"""Bytes of a stored member whose checksum is computed, at most."""
_SMALLEST, _LOCATOR = 22, 20
"""Bytes of an end record without a comment, and of the locator of a larger one before it."""
_WIDE_RECORD = 56
_TAIL = _SMALLEST + 0xFFFF
_MAX_OVERLAPPING = 16
"""Members that are scanned where some overlap: a small archive may have a large member 60,000 times."""
_STORED = 0
_OPENED: dict[int, tuple[Callable[[], Decompressor], bool]] = {
    8: (lambda: unfolded.Zlib(-15), False),
    12: (unfolded.bz2_stream, False),
    14: (frames.MemberOfLzma, False),
    93: (frames.zstandard, True),
}
"""Decompressors by the method of a member: deflate, bzip2, LZMA, Zstandard. Python's zipfile reads the last one since 3.14."""


class _Place(NamedTuple):
    """A member's content, and the first byte after what belongs to it."""

    record: Record
    offset: int
    end: int


def matches(start: bytes, source: Source) -> bool:
    """Return whether a loader may take content for a zip archive: by its first bytes, or by its end."""
    if start.startswith((_START, _END)):
        return True
    length = min(_TAIL, source.size)
    if tar_directory.begins(start):  # it may end with a zip archive as its last member, which is scanned as such
        length = min(length, source.size - tar_directory.end(source))
    tail = source.bulk(source.size - length, length) if length >= _SMALLEST else b""
    at = tail.rfind(_END)
    while at >= 0:
        if tail[max(0, at - _LOCATOR) : at][:4] == b"PK\6\7":  # an archive with a larger end record
            return True
        size = int.from_bytes(tail[at + 12 : at + 16], "little")
        directory = source.size - length + at - size
        if size and directory >= 0 and source.read(directory, 4) == _ENTRY:  # where zipfile looks for it
            return True
        at = tail.rfind(_END, 0, at)
    return False


def scan(source: Source, scan: Scan) -> None:
    """Report on the records of an archive, or of several; then scan the members. Raises HeaderError if it is truncated."""
    for number, (offset, size) in enumerate(sequence := zip_sequence.archives(source)):
        with scan.inside(f"archive {number + 1}"):
            _scan(source.part(offset, size, source.name), scan)
    if not sequence:
        _scan(source, scan)


def _scan(source: Source, scan: Scan) -> None:
    try:
        listed = zip_directory.directory(source)
    except TooLongError:
        raise
    except HeaderError as error:
        if not zip_directory.has_end(source):
            raise
        if (shift := _shift(source)) and pickles.matches(source.read(0, min(START, shift)), source):
            _scan(source.part(shift, source.size - shift, source.name), scan)
        else:
            scan.report(DIRECTORY, detail=str(error))
        return
    if listed.start + listed.size != listed.end or sum(record.length for record in listed.records) != listed.size:
        scan.report(DIRECTORY, detail="it is not where its end record has it, or has another length")
    if _last_end(source) not in (listed.end, listed.end + _WIDE_RECORD + _LOCATOR):
        scan.report(DIRECTORY, detail="its comment has another end record")
    places = list(_places(source, listed, scan))
    if len(places) == len(listed.records) and _overlap(source, listed, places, scan):
        places = places[:_MAX_OVERLAPPING]
    by_name = _by_name(source, places, scan)
    has_sums = any(record.crc for record in listed.records)  # PyTorch may leave them out, and load the archive

    def opened(name: str) -> Source:
        place = by_name[name]
        is_encrypted = bool(place.record.flags & _ENCRYPTED)
        if place.record.method not in (_STORED, *_OPENED) or is_encrypted:
            scan.report(CLOSED, detail=name)
        if is_encrypted:
            return _despite_the_flag(source, place)
        if has_sums:
            _check_sum(source, place, scan)
        return _open(source, place)

    sizes = {name: place.record.size for name, place in by_name.items() if not name.endswith("/")}
    scan.archive(Archive("zip", sizes, opened, source.name))


def _shift(source: Source) -> int:
    """Return the bytes before an archive inside of a value of a pickle, which zipfile passes over; 0 if there is none."""
    at = _last_end(source)
    size, offset = struct.unpack("<II", source.read(at + 12, 8))
    shift = at - size - offset
    return shift if shift > 0 and source.read(shift, 4) == _START else 0


def _last_end(source: Source) -> int:
    """Return the offset of the last end record, which zipfile and PyTorch take, whatever the length of its comment."""
    length = min(_TAIL, source.size)
    return (
        source.size - length + source.read(source.size - length, length).rfind(_END, 0, length - _SMALLEST + len(_END))
    )


def _by_name(source: Source, places: list[_Place], scan: Scan) -> dict[str, _Place]:
    """Return the members by name, the last of each, and scan the others here, where no layout sees them."""
    by_name: dict[str, _Place] = {}
    for place in places:
        name = place.record.name
        if name in by_name:
            scan.report(TWO_NAMES, detail=name)
            scan.nested(_open(source, by_name[name]), name)
        by_name[name] = place
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
            scan.report(ABSOLUTE, detail=name)
    return by_name


def _places(source: Source, listed: Directory, scan: Scan) -> Iterator[_Place]:
    """Yield each member in the order of the directory, and report what its header says otherwise."""
    for record in listed.records:
        if record.header + _LOCAL.size + len(record.raw) > source.size:
            scan.report(HEADER, detail=record.name)
            continue
        data = source.read(record.header, _LOCAL.size + len(record.raw))
        magic, flags, method, crc, packed, size, length, extra = _LOCAL.unpack_from(data)
        offset = record.header + _LOCAL.size + length + extra
        end = offset + record.packed
        if magic != _START or end > source.size:
            scan.report(HEADER, detail=record.name)
            continue
        is_later = bool(flags & _LATER)
        equal = {
            "name": data[_LOCAL.size :] == record.raw and length == len(record.raw),
            "method": method == record.method,
            "flag": flags & (_ENCRYPTED | _LATER) == record.flags & (_ENCRYPTED | _LATER),
            "checksum": crc == record.crc or (is_later and not crc),
            "size": _is_same(packed, record.packed, is_later=is_later)
            and _is_same(size, record.size, is_later=is_later)
            and (record.method != _STORED or record.packed == record.size),
        }
        for field in (field for field, is_equal in equal.items() if not is_equal):
            scan.report(LOCAL, member=record.name, detail=field)
        end += _descriptor(source, record, end, listed.start) if is_later and end < listed.start else 0
        yield _Place(record, offset, end)


def _is_same(local: int, listed: int, *, is_later: bool) -> bool:
    return local in (listed, _WIDE) or (is_later and not local)


def _descriptor(source: Source, record: Record, at: int, limit: int) -> int:
    """Return the bytes of the data descriptor behind a member."""
    data = source.read(at, min(24, limit - at))
    for magic in (b"PK\7\x08", b""):
        for form in ("<II", "<QQ"):
            expected = magic + record.crc.to_bytes(4, "little")
            sizes = (record.packed, record.size)
            if form == "<QQ" or max(sizes) <= _WIDE:
                expected += struct.pack(form, *sizes)
                if data.startswith(expected):
                    return len(expected)
    return 0


def _overlap(source: Source, listed: Directory, places: list[_Place], scan: Scan) -> bool:
    """Report bytes before, between and after the members that belong to none, and members that overlap, if any do."""
    position, is_overlapping = 0, False
    for place in sorted(places, key=lambda place: place.record.header):
        if place.record.header < position:
            is_overlapping = True
            scan.report(OVERLAP, detail=place.record.name)
        elif not _are_zeros(source, position, place.record.header - position):
            scan.report(GAP if position else PREFIX, detail=f"{place.record.header - position} bytes")
        position = max(position, place.end)
    if position > listed.start:
        scan.report(OVERLAP, detail="the directory")
    elif not _are_zeros(source, position, listed.start - position):
        scan.report(GAP, detail=f"{listed.start - position} bytes")
    return is_overlapping


def _are_zeros(source: Source, offset: int, size: int) -> bool:
    """Return whether a gap is empty, or the zeros that some writers align members with."""
    return not size or (size <= _MAX_ZEROS and not any(source.read(offset, size)))


def _check_sum(source: Source, place: _Place, scan: Scan) -> None:
    """Report a wrong checksum of a stored member that is not large; torch and zipfile check it too."""
    record = place.record
    is_checked = record.method == _STORED and record.packed <= _MAX_CHECKED
    if is_checked and zlib.crc32(source.bulk(place.offset, record.packed)) != record.crc:
        scan.report(CHECKSUM, detail=record.name)


def _despite_the_flag(source: Source, place: _Place) -> Source:
    """Return the content of a member that says it is encrypted, as a loader reads it that ignores that; else its bytes."""
    member = _open(source, place)
    try:
        member.read(0, min(place.record.size, _MAX_CHECKED))
    except HeaderError:
        return source.part(place.offset, place.record.packed, place.record.name)
    return member


def _open(source: Source, place: _Place) -> Source:
    record = place.record
    part = source.part(place.offset, record.packed, record.name)
    if record.method not in _OPENED:
        return part
    make, is_repeated = _OPENED[record.method]
    parts = unfolded.blocks(part, make, is_repeated=is_repeated)
    return unfolded.source_of(parts, record.size, record.name, part.depth)
