"""A walk over content whose values follow one another, each accounted for, such as msgpack and UBJSON have it."""

from __future__ import annotations

from mvc.formats.source import HeaderError, Source
from mvc.scan.pickles import held
from mvc.scan.scan import Scan

MAX_VALUES = 4_000_000
"""Values of one file that are walked over, at most: a few seconds of work."""
_BLOCK = 4096
_LONGEST_TEXT = 1 << 20
"""Bytes of a text that is decoded, at most."""


class Walk:
    """A position in a source of values, with small blocks: arrays of numbers are passed over unread."""

    def __init__(self, source: Source, scan: Scan) -> None:
        """Start at the first byte."""
        self.source = source
        self.position = 0
        self._scan = scan
        self._block = b""
        self._start = 0

    @property
    def is_at_end(self) -> bool:
        """True behind the last byte."""
        return self.position >= self.source.size

    def peek(self, size: int) -> bytes:
        """Return the next bytes without passing over them. Raises HeaderError at the end."""
        begin = self.position - self._start
        if begin < 0 or begin + size > len(self._block):
            length = max(size, min(_BLOCK, self.source.size - self.position))
            self._block, self._start, begin = self.source.bulk(self.position, length), self.position, 0
        return self._block[begin : begin + size]

    def number(self, size: int) -> int:
        """Return a number of `size` bytes, the highest first."""
        value = int.from_bytes(self.peek(size), "big")
        self.position += size
        return value

    def skip(self, size: int) -> None:
        """Pass over `size` bytes. Raises HeaderError beyond the end."""
        if size > self.source.size - self.position:
            raise HeaderError(f"a value ends at byte {self.position + size}, beyond the end at {self.source.size}")
        self.position += size

    def part(self, size: int) -> Source:
        """Pass over `size` bytes, and return them as a source."""
        start = self.position
        self.skip(size)
        return self.source.part(start, size)

    def content(self, size: int, *, is_text: bool) -> None:
        """Pass over a text or a string of bytes, and report a pickle that it is and that would run something."""
        start = self.position
        if held.may_be(self.peek(min(held.PEEKED, size, self.source.size - self.position)), size):
            inner = self.part(size)
            if not is_text:
                held.report_source(inner, self._scan, offset=start)
            elif size <= _LONGEST_TEXT:
                text = inner.bulk(0, size).decode("utf-8", "replace")
                held.report(held.decoded(text), self._scan, offset=start)
        else:
            self.skip(size)
