"""Long JSON maps in bounded memory: the long texts of one of their values are left out before the rest is parsed.

    {"__metadata__":{"history":"…60 MB…","format":"pt"},"a":{…},…}   ─►   {"__metadata__":{"history":"","format":"pt"},"a":{…},…}

Other bytes stay as they are, valid or not: the parser of the result judges them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mvc.formats.source import HeaderError

LONG = 1024 * 1024
"""Bytes of a text from which it is left out."""
MAX_TOKENS = 4_000_000
"""Texts and brackets, at most: each takes about half a microsecond."""
_OUTSIDE = re.compile(rb'[^"{}\[\]]*+')
_INSIDE = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_DEPTHS = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}


def without_long_texts(blocks: Iterable[bytes], key: bytes, limit: int) -> bytes:
    """Return the consecutive `blocks` of a map, where long texts in the value of `key` are empty.

    Raises HeaderError if more than `limit` bytes remain.
    """
    shortened = _Shortened(key, limit)
    for block in blocks:
        shortened.add(block)
    return bytes(shortened.text)


class _Shortened:
    """The text so far. A block may end within a text, or after the backslash of an escape."""

    def __init__(self, key: bytes, limit: int) -> None:
        self.text = bytearray()
        self._key = key
        self._limit = limit
        self._depth = 0
        self._tokens = 0
        self._begin: int | None = None
        """Where the present text begins; None outside of texts."""
        self._last = b""
        """The last text at depth 1, if it is short: the key of what follows."""
        self._within = False
        """True in the value of the key."""
        self._is_long = False
        self._escaped = False

    def add(self, block: bytes) -> None:
        place = 0
        while place < len(block):
            place = self._outside(block, place) if self._begin is None else self._inside(block, place)
            if len(self.text) > self._limit:
                raise HeaderError(f"its header is longer than {self._limit} bytes without long texts")
            if self._tokens > MAX_TOKENS:
                raise HeaderError(f"its header has more than {MAX_TOKENS} texts and brackets")

    def _outside(self, block: bytes, place: int) -> int:
        """Take what is before the next text or bracket, and that."""
        end = _match_end(_OUTSIDE, block, place)
        mark = block[end : end + 1]
        self.text += block[place : end + 1]
        self._tokens += 1
        if mark == b'"':
            self._begin, self._is_long = len(self.text), False
        elif mark:
            self._depth += _DEPTHS[mark]
            self._within = self._depth > 1 and (self._within or self._last == self._key)
        return end + 1

    def _inside(self, block: bytes, place: int) -> int:
        """Take the present text up to its end, or the end of the block."""
        if self._escaped:
            self._escaped = False
            return self._take(block, place, place + 1)
        end = _match_end(_INSIDE, block, place)
        mark = block[end : end + 1]
        self._escaped = mark == b"\\"  # the last byte of the block
        end = self._take(block, place, end + self._escaped)
        if mark == b'"':
            self._end()
            return end + 1
        return end

    def _take(self, block: bytes, place: int, end: int) -> int:
        if not self._is_long:
            self.text += block[place:end]
            assert self._begin is not None  # noqa: S101 - within a text
            if self._within and len(self.text) - self._begin > LONG:
                self._is_long = True
                del self.text[self._begin :]
        return end

    def _end(self) -> None:
        if self._depth == 1 and self._begin is not None:
            self._last = bytes(self.text[self._begin : self._begin + len(self._key) + 1])
        self.text += b'"'
        self._begin = None


def _match_end(pattern: re.Pattern[bytes], block: bytes, place: int) -> int:
    match = pattern.match(block, place)
    return match.end() if match else place
