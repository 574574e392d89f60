"""Compressed streams: gzip, zlib, bzip2, xz, Zstandard, LZ4 and those of old joblib are unfolded and scanned; others are named.

Source: RFC 1952 (gzip), RFC 1950 (zlib), the magic bytes of the others; joblib/compressor.py.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable

from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.scan.archives import frames, unfolded
from mvc.scan.archives.unfolded import Decompressor, Zlib
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

CLOSED = Rule("compressed-closed", Verdict.UNREADABLE, "It is compressed by {}, which the scan does not unfold.")
RULES = (CLOSED,)

_GZIP, _ZLIB, _BZIP2, _XZ, _LZMA = b"\x1f\x8b", b"\x78", b"BZh", b"\xfd7zXZ\0", b"\x5d\0"
_JOBLIB, _JOBLIB_HEADER = b"ZF0x", 21
"""joblib before 0.10: `ZF`, the unfolded size in hexadecimal digits and spaces, and a stream of zlib."""
_OPENED: tuple[tuple[bytes, Callable[[], Decompressor], bool], ...] = (
    (_GZIP, unfolded.Gzip, True),
    (_BZIP2, unfolded.bz2_stream, True),
    (_XZ, unfolded.lzma_stream, True),
    (_LZMA, unfolded.lzma_stream, True),
    (_ZLIB, lambda: Zlib(15), False),
    (_JOBLIB, lambda: Zlib(15), False),
    (frames.ZSTANDARD, frames.zstandard, True),
    (frames.LZ4, frames.lz4, True),
)
_CLOSED = (
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"\x02\x21\x4c\x18", "LZ4 before its frames"), (b"Rar!\x1a\x07", "RAR"),
    (b"\xff\x06\0\0sNaPpY", "Snappy"), (b"LZIP\1", "lzip"), (b"MSCF\0\0\0\0", "Cabinet"), (b"xar!\0\x1c", "xar"),
)  # fmt: skip
_ZLIB_CHECK = 31
_SMALLEST_DICTIONARY = 4096
"""Bytes of a dictionary that an encoder of LZMA uses, at least."""
_LZMA_HEADER = 13
_LZMA_NAMES = (".lzma", ".xz")
"""Suffixes of streams of LZMA, whose first byte is one of 225 then."""
_LZMA_FIRST = 225
_LIKE_PICKLE = (*(bytes([0x80, protocol]) for protocol in range(6)), b"c", b"(")
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
"""What a stream of bzip2 continues with: its first block, or its end."""


def matches(start: bytes, source: Source) -> bool:
    """Return whether content is compressed as a whole."""
    if start.startswith(_ZLIB):
        return len(start) > 2 and int.from_bytes(start[:2], "big") % _ZLIB_CHECK == 0 and _unfolds(start)
    if start.startswith(_LZMA) or _is_named_lzma(start, source):
        return _is_lzma(start, source)
    if start.startswith(_GZIP):
        return start[2:3] == b"\x08" and len(start) > 3
    if start.startswith(_BZIP2):
        return start[4:10] in _BZIP2_BLOCKS
    known = (*(magic for magic, _, _ in _OPENED), *(magic for magic, _ in _CLOSED), *frames.SKIPPED)
    return start.startswith(known)


def _is_named_lzma(start: bytes, source: Source) -> bool:
    """Return whether a name is that of a stream of LZMA, and the first byte may be that of one without a container."""
    return start[:1] < bytes([_LZMA_FIRST]) and source.name.lower().endswith(_LZMA_NAMES)


def _is_lzma(start: bytes, source: Source) -> bool:
    """Return whether liblzma unfolds content, and it is not by chance: nearly any bytes are a stream of LZMA."""
    if len(start) <= _LZMA_HEADER:
        return False
    is_usual = start[2] == 0 and int.from_bytes(start[1:5], "little") >= _SMALLEST_DICTIONARY
    try:
        first = lzma.LZMADecompressor(memlimit=unfolded.MEMORY).decompress(start, len(_LIKE_PICKLE[0]))
    except (lzma.LZMAError, EOFError) as error:
        return is_usual and unfolded.is_limit(error)
    return is_usual or _is_named_lzma(start, source) or first.startswith(_LIKE_PICKLE)


def _unfolds(start: bytes) -> bool:
    """Return whether a stream of zlib begins: in numbers that begin like one, it fails before it gives anything."""
    decompressor = zlib.decompressobj()
    try:
        decompressor.decompress(start, 1)
    except zlib.error:
        return False
    return True


def scan(source: Source, scan: Scan) -> None:
    """Scan the content of a stream. Raises HeaderError if it is malformed."""
    start = source.read(0, min(16, source.size))
    for magic, name in _CLOSED:
        if start.startswith(magic):
            scan.report(CLOSED, detail=name)
            return
    start = frames.first_magic(source) if start.startswith(frames.SKIPPED) else start
    if not start:  # frames that are passed over, and nothing else
        return
    lzma_row = (unfolded.lzma_stream, True)
    make, is_repeated = next(
        ((make, repeated) for magic, make, repeated in _OPENED if start.startswith(magic)), lzma_row
    )
    packed = _after_header(source) if start.startswith(_JOBLIB) else source
    parts = unfolded.blocks(packed, make, is_repeated=is_repeated)
    try:
        size = unfolded.measured(parts, source.size, scan)
    except TooLongError:
        raise
    except HeaderError:  # a loader reads what comes before the fault
        size = _sound(parts)
        scan.nested(unfolded.source_of(parts, size, _inner_name(source.name), source.depth + 1), "content")
        raise
    scan.nested(unfolded.source_of(parts, size, _inner_name(source.name), source.depth + 1), "content")


def _after_header(source: Source) -> Source:
    """Return what follows the header of joblib, which Python 2 wrote with one byte more."""
    size = _JOBLIB_HEADER + (source.read(0, min(source.size, 22))[21:] == b" ")
    return source.part(min(size, source.size), max(0, source.size - size))


def _sound(parts: unfolded.Blocks) -> int:
    """Return the bytes before the fault of a malformed stream."""
    size = 0
    try:
        for block in parts():
            size += len(block)
    except HeaderError:
        pass
    return size


def _inner_name(name: str) -> str:
    """Return the name of a compressed file without its last suffix, which shows the format of what it holds."""
    for suffix in (".gz", ".bz2", ".xz", ".lzma", ".z", ".zst", ".zstd", ".lz4"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name
