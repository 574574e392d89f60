"""A window on a source: the bytes of a pickle front to back, of which long strings are passed over without reading them."""

from __future__ import annotations

from mvc.formats.source import HeaderError, Source, TooLongError

BLOCK = 64 * 1024
_FIRST_BLOCK = 1024
"""Bytes that are read first behind what was passed over; each block after it is twice as long, up to BLOCK."""
MAX_TAKEN = 16 * 1024 * 1024
"""Bytes of a value or a line that are taken at once, at most."""


class EndedError(HeaderError):
    """The source ended inside of a pickle, where each unpickler stops with an error too."""

    def __init__(self, size: int) -> None:
        """Name the `size` of the source."""
        super().__init__(f"its pickle is truncated at byte {size}")


class Window:
    """A position in a source."""

    __slots__ = ("_block", "at", "data", "size", "source", "start")

    def __init__(self, source: Source, position: int = 0) -> None:
        """Start at byte `position`."""
        self.source = source
        self.size = source.size
        self.start = position
        self.at = 0
        self.data = b""
        self._block = _FIRST_BLOCK

    @property
    def position(self) -> int:
        """The offset of the next byte."""
        return self.start + self.at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes. Raises EndedError, and TooLongError above MAX_TAKEN."""
        stop = self.at + size
        if stop > len(self.data):
            self._fill(size)
            stop = size
        data = self.data[self.at : stop]
        self.at = stop
        return data

    def peek(self, size: int) -> bytes:
        """Return the next bytes without passing over them: `size`, or what is left."""
        if self.at + size > len(self.data):
            self._fill(min(size, self.size - self.position))
        return self.data[self.at : self.at + size]

    def number(self, size: int) -> int:
        """Return the next `size` bytes as an unsigned little-endian number."""
        return int.from_bytes(self.take(size), "little")

    def skip(self, size: int) -> None:
        """Pass over `size` bytes. Raises EndedError."""
        if size > self.size - self.start - self.at:
            raise EndedError(self.size)
        if self.at + size <= len(self.data):
            self.at += size
        else:
            self.start, self.at, self.data = self.start + self.at + size, 0, b""
            self._block = _FIRST_BLOCK

    def line(self) -> bytes:
        """Return the next bytes before a line end, which is passed over.

        At the end of the source, the last byte is left out where the line end would be, as unpicklers do. Where nothing is
        left, the line is empty: the unpickler in Python goes on with it.
        """
        end = self.data.find(b"\n", self.at)
        size = BLOCK
        while end < 0:
            left = self.size - self.position
            if not left:
                return b""
            self._fill(min(size, max(1, left)))
            end = self.data.find(b"\n")
            if end < 0 and size >= left:
                end = len(self.data) - 1
            size *= 4
        data = self.data[self.at : end]
        self.at = end + 1
        return data

    def _fill(self, size: int) -> None:
        """Move the window to the position, and read at least `size` bytes."""
        position = self.position
        left = self.size - position
        if size > left:
            raise EndedError(self.size)
        if size > MAX_TAKEN:
            raise TooLongError(f"a value of its pickle is longer than {MAX_TAKEN >> 20} MiB")
        self.data = self.source.bulk(position, min(left, max(size, self._block)))
        self._block = min(2 * self._block, BLOCK)
        self.start, self.at = position, 0
