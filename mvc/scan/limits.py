"""The limits of one file, which all of its parts share: a scan, its trials, and the tests of what content is."""

from __future__ import annotations

from mvc.formats.source import Source, TooLongError

MAX_UNFOLDED = 1 << 30
"""Bytes that the compressed parts of one file are unfolded to, at most."""
MAX_OPCODES = 24_000_000
"""Opcodes of all pickles of one file, at most: some seconds of work."""
MAX_SEARCHED = 256 << 20
"""Bytes of no known format that are searched for pickles, at most, in all parts of one file; then the search ends."""


class Limits:
    """The amounts that are left."""

    __slots__ = ("opcodes", "searched", "unfolded")

    def __init__(self) -> None:
        """Begin with all of it."""
        self.unfolded = MAX_UNFOLDED
        self.opcodes = MAX_OPCODES
        self.searched = MAX_SEARCHED

    @classmethod
    def of(cls, source: Source) -> Limits:
        """Return those that a scan gave to a source, new ones if none did."""
        return source.limits if isinstance(source.limits, cls) else cls()

    def unfold(self, size: int) -> None:
        """Take `size` bytes off those that may be unfolded; raise TooLongError beyond the limit."""
        self.unfolded -= size
        if self.unfolded < 0:
            raise TooLongError(f"it unfolds to more than {MAX_UNFOLDED >> 30} GiB")

    def follow(self, opcodes: int) -> None:
        """Take some opcodes off those that may be followed, or give back a negative number; raise TooLongError beyond it."""
        if opcodes > self.opcodes:
            raise TooLongError(f"its pickles have more than {MAX_OPCODES:,} opcodes")
        self.opcodes -= opcodes
