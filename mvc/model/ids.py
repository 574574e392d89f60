"""Ids: the BLAKE3-256 of bytes as 64 lower-case hex digits, with one type per kind of object.

BLAKE3 as specified in "BLAKE3: one function, fast everywhere" (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020), with
its default 32-byte output and neither key nor context; `b3sum` prints the same digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NewType

import blake3

from mvc.deferred import regex

Buffer = bytes | bytearray | memoryview

FileId = NewType("FileId", str)
ChunkId = NewType("ChunkId", str)
TreeId = NewType("TreeId", str)
ManifestId = NewType("ManifestId", str)
VersionId = NewType("VersionId", str)
RecipeId = NewType("RecipeId", str)
PackId = NewType("PackId", str)

DIGITS = 64
SHORT = 10
"""Digits of an abbreviated id."""

_ID = regex(r"[0-9a-f]{64}\Z")
_IDS = regex(r"[0-9a-f]*\Z")


def digest(data: Buffer) -> str:
    """Return the id of `data`."""
    return str(blake3.blake3(data).hexdigest())


def is_id(text: object) -> bool:
    """Return whether `text` has the form of an id."""
    return isinstance(text, str) and _ID.match(text) is not None


def are_ids(texts: Sequence[str]) -> bool:
    """Return whether every text has the form of an id, with one regular expression; raise TypeError for other types."""
    return set(map(len, texts)) <= {DIGITS} and _IDS.match("".join(texts)) is not None


class Hasher:
    """A hasher for bytes that arrive in pieces."""

    def __init__(self) -> None:
        """Start with no bytes."""
        self._state = blake3.blake3()

    def update(self, data: Buffer) -> None:
        """Add `data`; other threads may run meanwhile."""
        self._state.update(data)

    def digest(self) -> str:
        """Return the id of all bytes so far."""
        return str(self._state.hexdigest())
