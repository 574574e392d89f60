"""The checksums by which sources name contents, computed block by block.

sha256, md5                   of the bytes: Git LFS, DVC since 3
git-sha1, git-sha256          of the bytes after Git's header, which has their number: the id of a content in Git
md5-dos2unix                  of a text without carriage returns, of other bytes as they are: DVC before 3
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Protocol

SHA256, MD5, DOS2UNIX = "sha256", "md5", "md5-dos2unix"
GIT_SHA1, GIT_SHA256 = "git-sha1", "git-sha256"
_LOOKED_AT = 512
"""Bytes of a content that decide whether it is a text."""
_BLOCK = 1 << 20
"""Bytes in which DVC removes carriage returns: one at the end of such a block stays."""
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_MAX_OTHER = 0.3
"""The share of other bytes that a text may have."""


class Digest(Protocol):
    """A checksum that is being computed."""

    def update(self, block: bytes, /) -> None:
        """Add bytes."""

    def hexdigest(self) -> str:
        """Return the checksum of all bytes so far."""


def digest(algorithm: str, size: int | None) -> Digest:
    """Return the checksum of no bytes yet; `size` is the number of those that follow, which Git's has at the start."""
    return _ALGORITHMS[algorithm](size or 0)


class _Dos2Unix:
    """The checksum of DVC before 3."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._block = bytearray()
        self._is_text: bool | None = None

    def update(self, block: bytes, /) -> None:
        """Add bytes."""
        self._block += block
        while len(self._block) >= _BLOCK:
            self._add(bytes(self._block[:_BLOCK]), self._md5)
            del self._block[:_BLOCK]

    def hexdigest(self) -> str:
        """Return the checksum of all bytes so far."""
        md5 = self._md5.copy()
        self._add(bytes(self._block), md5)
        return md5.hexdigest()

    def _add(self, block: bytes, md5: hashlib._Hash) -> None:
        if self._is_text is None:
            self._is_text = _is_text(block[:_LOOKED_AT])
        md5.update(block.replace(b"\r\n", b"\n") if self._is_text else block)


def _is_text(start: bytes) -> bool:
    other = start.translate(None, _TEXT)
    return not start or (b"\0" not in start and len(other) / len(start) <= _MAX_OTHER)


def _git(algorithm: str) -> Callable[[int], Digest]:
    return lambda size: hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)


_ALGORITHMS: Mapping[str, Callable[[int], Digest]] = {
    SHA256: lambda _: hashlib.sha256(),
    MD5: lambda _: hashlib.md5(usedforsecurity=False),
    DOS2UNIX: lambda _: _Dos2Unix(),
    GIT_SHA1: _git("sha1"),
    GIT_SHA256: _git("sha256"),
}
