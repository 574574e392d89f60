"""Reading a header from front to back, when only the header itself says where it ends."""

from __future__ import annotations

from mvc.formats.source import HeaderError, Source

_BLOCK = 64 * 1024


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
