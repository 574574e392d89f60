"""Unfolded content: what a decompressor gives, as a source that is read from any byte.

Blocks are unfolded as they are read, and forgotten behind the reader, so a large one takes no memory. Reading backwards starts
again. Both are limited, by the bytes of the scan and by the ratio to the bytes that are compressed.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.scan.scan import Scan

BLOCK = 256 * 1024
"""Bytes that are unfolded at once, at most."""
MAX_RATIO = 1_000
"""Bytes unfolded from a compressed one, at most, above the first MIN_RATIO_SIZE."""
MIN_RATIO_SIZE = 1 << 20
MAX_STREAMS = 20_000
"""Streams one after another, at most: those of bgzip have 64 KiB each."""
MEMORY = 256 << 20
"""Bytes that a decompressor of LZMA may take, at most."""
_KEPT = 16 * BLOCK
"""Bytes behind the last read that are kept, so that small steps back cost nothing."""
_FIXED, _TRAILER = 10, 8
_CHECKED, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16
"""Flags of a header of gzip, and the parts that they announce (RFC 1952, 2.3.1)."""
_MAX_HEADER = 1 << 20
_MAX_WORK = 4
"""Times that the limit of unfolded bytes may be worked through, by reading backwards."""

Blocks = Callable[[], Iterator[bytes]]
"""Returns the blocks of some content from its beginning. The iterator raises HeaderError."""


class Decompressor(Protocol):
    """A decompressor of a compressed stream, as bz2 and lzma have it."""

    @property
    def eof(self) -> bool:
        """True at the end of the stream."""

    @property
    def unused_data(self) -> bytes:
        """The bytes after the end of the stream."""

    @property
    def needs_input(self) -> bool:
        """True if it gives nothing without more bytes."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes."""


class Zlib:
    """zlib's decompressor, which returns its own input that it has not used."""

    def __init__(self, bits: int) -> None:
        """Read a stream with the wrapper that `bits` names, as zlib does."""
        self._inner = zlib.decompressobj(bits)
        self._behind = b""

    @property
    def eof(self) -> bool:
        """True at the end of the stream."""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """The bytes after the end of the stream."""
        return self._inner.unused_data + self._behind

    @property
    def needs_input(self) -> bool:
        """True if it gives nothing without more bytes."""
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes."""
        if self._inner.eof:  # bytes behind the end of a stream
            self._behind += data
            return b""
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class Gzip:
    """A member of gzip as Python's module reads it, which takes more than zlib's own reader.

    It ignores reserved flags and the checksum of the header, and gives the content before it checks that of the content.
    """

    def __init__(self) -> None:
        """Begin before a header, or zeros between members."""
        self._header = b""
        self._inner: Zlib | None = None
        self._checksum = self._size = 0
        self._is_wrong = False

    @property
    def eof(self) -> bool:
        """True behind the member, if its checksum is right."""
        return (
            self._inner is not None
            and self._inner.eof
            and len(self._inner.unused_data) >= _TRAILER
            and not self._is_wrong
        )

    @property
    def unused_data(self) -> bytes:
        """The bytes after the member."""
        return self._inner.unused_data[_TRAILER:] if self._inner is not None else b""

    @property
    def needs_input(self) -> bool:
        """True if it gives nothing without more bytes."""
        return not self._is_wrong and (self._inner is None or self._inner.needs_input)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes. Raises zlib.error, TooLongError."""
        if self._is_wrong:
            raise zlib.error("the checksum of its content is wrong")
        if self._inner is None:
            self._header = (self._header + data).lstrip(b"\0")
            end = _header_end(self._header)
            if end < 0:
                return b""
            data, self._inner = self._header[end:], Zlib(-15)
        block = self._inner.decompress(data, max_length)
        self._checksum, self._size = zlib.crc32(block, self._checksum), self._size + len(block)
        trailer = self._inner.unused_data[:_TRAILER]
        expected = struct.pack("<II", self._checksum, self._size & 0xFFFFFFFF)
        self._is_wrong = self._inner.eof and len(trailer) == _TRAILER and trailer != expected
        return block


def _header_end(data: bytes) -> int:
    """Return the bytes of a header of gzip; -1 if it is longer than the data. Raises zlib.error, TooLongError."""
    if len(data) > _MAX_HEADER:
        raise TooLongError(f"its header of gzip is longer than {_MAX_HEADER >> 20} MiB")
    if not b"\x1f\x8b\x08".startswith(data[:3]):
        raise zlib.error("it does not begin as gzip")
    if len(data) < _FIXED + 2:
        return -1
    flags, end = data[3], _FIXED
    if flags & _EXTRA:
        end += 2 + int.from_bytes(data[end : end + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = data.find(b"\0", end) + 1
            if not end:
                return -1
    end += 2 if flags & _CHECKED else 0
    return end if end < len(data) else -1


def bz2_stream() -> Decompressor:
    """Return a decompressor of bzip2."""
    return bz2.BZ2Decompressor()


def lzma_stream() -> Decompressor:
    """Return a decompressor of xz and lzma, with at most 256 MiB of memory."""
    return lzma.LZMADecompressor(memlimit=MEMORY)


def is_limit(error: Exception) -> bool:
    """Return whether a stream of LZMA takes more memory than it may here; loaders have no such limit."""
    return isinstance(error, lzma.LZMAError) and "Memory" in str(error)


def blocks(source: Source, make: Callable[[], Decompressor], *, is_repeated: bool) -> Blocks:
    """Return the blocks of a compressed source; with `is_repeated`, of streams one after another."""

    def iterate() -> Iterator[bytes]:
        position, streams, data, inner = 0, 1, b"", make()
        try:
            while True:
                if not data and inner.needs_input and not inner.eof:
                    data = source.bulk(position, min(BLOCK, source.size - position))
                    position += len(data)
                    if not data:
                        raise HeaderError("its compressed content is truncated")
                block = inner.decompress(data, BLOCK)
                data = b""
                if block:
                    yield block
                if inner.eof:
                    rest = inner.unused_data
                    while is_repeated and position < source.size and not rest.strip(b"\0"):
                        rest = source.bulk(position, min(BLOCK, source.size - position))
                        position += len(rest)
                    if not is_repeated or not rest.strip(b"\0"):
                        return
                    streams += 1
                    if streams > MAX_STREAMS:
                        raise TooLongError(f"it has more than {MAX_STREAMS} compressed streams")
                    data, inner = rest, make()
        except (zlib.error, OSError, EOFError, lzma.LZMAError) as error:
            if is_limit(error):
                raise TooLongError(f"it cannot be unfolded here: {error}") from error
            raise HeaderError(f"its compressed content is malformed: {error}") from error

    return iterate


class Unfolded:
    """Content of `size` bytes that is unfolded while it is read."""

    def __init__(self, parts: Blocks, size: int) -> None:
        """Unfold `parts`, which have `size` bytes."""
        self._parts = parts
        self._left = iter(parts())
        self._data = b""
        self._start = 0
        self._work = 0
        self.size = size

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes at `offset`. Raises HeaderError, and TooLongError where it costs too much."""
        if offset < self._start:
            self._left, self._data, self._start = iter(self._parts()), b"", 0
        while offset + size > self._start + len(self._data):
            block = next(self._left, b"")
            if not block:
                break
            self._work += len(block)
            if self._work > _MAX_WORK * max(self.size, BLOCK):
                raise TooLongError("its compressed content is read back and forth")
            surplus = min(len(self._data), max(0, offset - _KEPT - self._start))
            self._data = self._data[surplus:] + block
            self._start += surplus
        begin = offset - self._start
        return self._data[begin : begin + size]


def measured(parts: Blocks, packed: int, scan: Scan) -> int:
    """Return the bytes of some content by unfolding all of it. Raises TooLongError above the limits."""
    size = 0
    for block in parts():
        size += len(block)
        scan.limits.unfold(len(block))
        if size > MIN_RATIO_SIZE and size > MAX_RATIO * packed:
            raise TooLongError(f"it unfolds to more than {MAX_RATIO} times its size")
    return size


def source_of(parts: Blocks, size: int, name: str, depth: int) -> Source:
    """Return a source of unfolded content, `depth` containers inside of a file."""
    unfolded = Unfolded(parts, size)
    source = Source(unfolded.read, size, name)
    source.depth = depth
    return source
