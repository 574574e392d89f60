"""Format detection: the first bytes select the module that parses a file's header."""

from __future__ import annotations

from mvc import lazy
from mvc.formats.header import Header
from mvc.formats.known import FORMATS
from mvc.formats.source import HeaderError, Source

_SHORTEST = 16
_START = 512
"""Bytes that are looked at: the magic of tar is at byte 257."""


def read_header(source: Source) -> Header | None:
    """Return the header of a file, None if its format is not known; raise HeaderError if it is malformed."""
    if source.size < _SHORTEST:
        return None
    start = source.read(0, min(_START, source.size))
    for known in FORMATS.values():
        module = lazy.load(known.module) if known.is_possible(start, source.name) else None
        if module is not None and module.matches(start, source):
            try:
                header: Header = module.read(source)
            except (RecursionError, MemoryError, OverflowError) as error:
                raise HeaderError(f"its header exceeds the limits of the parser ({type(error).__name__})") from error
            return header
    return None
