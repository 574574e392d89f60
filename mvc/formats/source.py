"""Reading the headers of a file that may lie: within its bounds, and within a budget of bytes.

A format's module asks for a range; whatever leads outside the file, or to far too much of it, is a HeaderError.
"""

from __future__ import annotations

import os
from collections.abc import Callable

BUDGET = 128 * 1024 * 1024
"""Bytes of headers read from one file, at most."""
MAX_SEGMENTS = 100_000
"""Segments of one file, at most, so that a recipe can hold them with their digests."""

MAX_REASON = 160
"""Characters of a HeaderError, at most: it quotes names of a file that may be long, or hold control characters."""
_BLOCK = 64 * 1024


class HeaderError(Exception):
    """A file claims to be of a format and is not well formed; the text says why, in a short clause without a period."""

    def __init__(self, reason: str) -> None:
        """Keep the clause, printable and not too long."""
        clean = "".join(
            each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in reason[: MAX_REASON + 1]
        )
        super().__init__(clean if len(clean) <= MAX_REASON else f"{clean[: MAX_REASON - 1]}…")


class Source:
    """A file of `size` bytes, whose parts are read on request."""

    def __init__(self, read_at: Callable[[int, int], bytes], size: int, name: str = "") -> None:
        """`read_at(offset, size)` gives up to `size` bytes; `name` is the file's, which may tell its format."""
        self._read_at = read_at
        self._left = BUDGET
        self.size = size
        self.name = name

    @classmethod
    def of(cls, fd: int, name: str = "") -> Source:
        """The open file `fd`, wherever its own position is."""
        return cls(lambda offset, size: os.pread(fd, size, offset), os.fstat(fd).st_size, name)

    def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes from `offset`; raises HeaderError outside the file and above the budget."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise HeaderError(f"it leads to byte {offset + size}, and the file ends at {self.size}")
        self._left -= size
        if self._left < 0:
            raise HeaderError(f"its header is longer than {BUDGET >> 20} MiB")
        data = self._read_at(offset, size)
        if len(data) != size:
            raise HeaderError("the file became shorter while it was read")
        return data


class Cursor:
    """A place in a file, moved by what is taken and skipped; leading outside the file is a HeaderError."""

    def __init__(self, source: Source, place: int = 0) -> None:
        """Begin at byte `place`."""
        self._source = source
        self._block = b""
        self._start = place
        self.place = place

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        begin = self.place - self._start
        if begin + size > len(self._block):
            length = min(max(size, _BLOCK), self._source.size - self.place)
            self._block = self._source.read(self.place, max(size, length))
            self._start, begin = self.place, 0
        self.place += size
        return self._block[begin : begin + size]

    def number(self, size: int) -> int:
        """The next `size` bytes as an unsigned little-endian number."""
        return int.from_bytes(self.take(size), "little")

    def skip(self, size: int) -> None:
        """Leave `size` bytes out, unread."""
        if self.place + size > self._source.size:
            raise HeaderError(f"it leads to byte {self.place + size}, and the file ends at {self._source.size}")
        self.place += size
