"""Sources: bounded reads of an untrusted weight file, for the modules that parse its header.

A read outside the file, or beyond a budget of bytes per file, is a HeaderError.
"""

from __future__ import annotations

import os
from collections.abc import Callable

BUDGET = 128 * 1024 * 1024
"""Bytes read from the headers of one file, at most."""
PASSES = 8
"""Times that the content of a file is read as a whole, at most, to be unfolded or for checksums."""
MAX_SEGMENTS = 100_000
"""Segments of one file, at most, so that a recipe can list them with their digests."""

MAX_REASON = 160
"""Characters of a HeaderError, at most: it quotes names from the file, which may be long."""
MAX_DEPTH = 2
"""Archives inside one another whose members are parsed, at most."""
_BLOCK = 64 * 1024


class HeaderError(Exception):
    """A malformed header of a known format; the text is a short clause without a period."""

    def __init__(self, reason: str) -> None:
        """Shorten the clause and replace control characters."""
        clean = "".join(
            char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in reason[: MAX_REASON + 1]
        )
        super().__init__(clean if len(clean) <= MAX_REASON else f"{clean[: MAX_REASON - 1]}…")


class TooLongError(HeaderError):
    """A header that may be sound, and is longer than is parsed."""


class Source:
    """A file of `size` bytes, read by ranges."""

    def __init__(self, read_at: Callable[[int, int], bytes], size: int, name: str = "") -> None:
        """Read with `read_at(offset, size)`, which returns up to `size` bytes.

        `name` is the file's, which may show its format.
        """
        self._read_at = read_at
        self._bulk_at = read_at
        self._left = BUDGET
        self._bulk_left = BUDGET + PASSES * size
        self._whole: Source | None = None
        self.size = size
        self.name = name
        self.depth = 0
        """The number of archives that the file is inside of."""
        self.limits: object = None
        """The limits of a scan of it, which its readers share."""

    @classmethod
    def of(cls, fd: int, name: str = "") -> Source:
        """Return a source of the open file `fd`; its position is neither used nor moved."""
        return cls(lambda offset, size: os.pread(fd, size, offset), os.fstat(fd).st_size, name)

    def part(self, offset: int, size: int, name: str = "") -> Source:
        """Return a source of the file of `size` bytes at `offset` inside this one; what is read counts for both."""
        part = Source(lambda start, count: self.read(offset + start, count), size, name)
        part._whole, part.depth = self, self.depth + 1
        part._bulk_at = lambda start, count: self.bulk(offset + start, count)
        return part

    def spend(self, size: int) -> None:
        """Take `size` bytes off the budget, for work that costs as much as reading them; raise TooLongError beyond it."""
        self._left -= size
        if self._left < 0:
            raise TooLongError(f"the reads of its parts exceed {BUDGET >> 20} MiB")
        if self._whole is not None:
            self._whole.spend(size)

    def read(self, offset: int, size: int) -> bytes:
        """Read exactly `size` bytes at `offset`; raise HeaderError outside the file or beyond the budget."""
        self._check(offset, size)
        if self._whole is None:  # a part spends what it reads through the whole
            self.spend(size)
        return _exactly(self._read_at(offset, size), size)

    def bulk(self, offset: int, size: int) -> bytes:
        """Read as `read` does, but content that is unfolded or summed up: it has a limit by the size of the file."""
        self._check(offset, size)
        if self._whole is None:
            self._bulk_left -= size
            if self._bulk_left < 0:
                raise TooLongError(f"its content is read more than {PASSES} times")
        return _exactly(self._bulk_at(offset, size), size)

    def _check(self, offset: int, size: int) -> None:
        """Raise HeaderError if a range is not inside the file."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise HeaderError(f"a range ends at byte {offset + size}, beyond the end of the file at {self.size}")


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise HeaderError("the file was truncated while it was read")
    return data


class Cursor:
    """A position in a source, for reading front to back; it raises HeaderError at the end of the file."""

    def __init__(self, source: Source, position: int = 0) -> None:
        """Start at byte `position`."""
        self._source = source
        self._block = b""
        self._block_start = position
        self.position = position

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        begin = self.position - self._block_start
        if begin + size > len(self._block):
            length = min(max(size, _BLOCK), self._source.size - self.position)
            self._block = self._source.read(self.position, max(size, length))
            self._block_start, begin = self.position, 0
        self.position += size
        return self._block[begin : begin + size]

    def line(self, limit: int) -> bytes:
        """Return the next bytes up to a line end, which is included; `limit` bytes if none is among them."""
        begin = self.position - self._block_start
        end = self._block.find(b"\n", begin, begin + limit) + 1
        if not end:
            length = min(limit, self._source.size - self.position)
            ahead = self.take(length)
            self.position -= length
            end = ahead.find(b"\n") + 1 or length
            return self.take(end)
        return self.take(end - begin)

    def number(self, size: int) -> int:
        """Return the next `size` bytes as an unsigned little-endian number."""
        return int.from_bytes(self.take(size), "little")

    def skip(self, size: int) -> None:
        """Advance by `size` bytes without reading them."""
        end = self.position + size
        if end > self._source.size:
            raise HeaderError(f"a range ends at byte {end}, beyond the end of the file at {self._source.size}")
        self.position = end
