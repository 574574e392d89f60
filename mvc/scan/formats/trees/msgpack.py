"""msgpack, as Flax writes it: maps, texts and numbers, with arrays as an extension, to the end of the file.

    82 a6 "params" 82 …      a map of two
    c7 3e 01 93 92 04 03 …   extension 1, an array: its shape, dtype and numbers are msgpack again

Nothing of it runs when Flax reads it. Other programs have extensions of their own, which are unknown here. Source: the
specification of msgpack; flax/serialization.py.
"""

from __future__ import annotations

from mvc.formats.source import HeaderError, Source
from mvc.scan.formats.trees.walk import MAX_VALUES, Walk
from mvc.scan.pickles import held
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

PART = Rule("msgpack-part", Verdict.UNKNOWN, "A loader may read a part of it that no rule knows: {}.")
RULES = (PART, *held.RULES)

_MAPS = (*range(0x80, 0x90), 0xDE, 0xDF)
_EMPTY = (0xC0, 0xC2, 0xC3)
_FIXED = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
"""Bytes of numbers."""
_BYTES, _TEXTS = {0xC4: 1, 0xC5: 2, 0xC6: 4}, {0xD9: 1, 0xDA: 2, 0xDB: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
"""Bytes of the size of a string, a text or an extension."""
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_ITEMS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Bytes of the count of an array or a map, and values of each item."""
_OF_FLAX, _TIMESTAMP = (1, 2, 3), 0xFF
"""Extensions: an array, a complex number and a scalar, each msgpack again; and a time."""


def matches(start: bytes, source: Source) -> bool:
    """Return whether it is named as msgpack, and begins with a map."""
    return source.name.lower().endswith(".msgpack") and start[:1] != b"" and start[0] in _MAPS


def scan(source: Source, scan: Scan) -> None:
    """Report parts that no rule knows, and values that are pickles. Raises HeaderError if it is truncated."""
    _values(source, scan, is_inner=False)


def _values(source: Source, scan: Scan, *, is_inner: bool) -> None:
    walk = Walk(source, scan)
    count = 0
    while not walk.is_at_end:
        left = 1
        while left:
            count += 1
            if count > MAX_VALUES:
                scan.report(PART, detail=f"more than {MAX_VALUES:,} values")
                return
            left += _value(walk, scan, is_inner=is_inner) - 1


def _value(walk: Walk, scan: Scan, *, is_inner: bool) -> int:
    """Pass over a value, and return how many values belong to it."""
    first = walk.number(1)
    match first:
        case _ if first < 0x80 or first >= 0xE0 or first in _EMPTY:
            return 0
        case _ if first < 0x90:
            return 2 * (first & 15)
        case _ if first < 0xA0:
            return first & 15
        case _ if first < 0xC0:
            walk.content(first & 31, is_text=True)
        case _ if first in _FIXED:
            walk.skip(_FIXED[first])
        case _ if first in _BYTES:
            walk.content(walk.number(_BYTES[first]), is_text=False)
        case _ if first in _TEXTS:
            walk.content(walk.number(_TEXTS[first]), is_text=True)
        case _ if first in _ITEMS:
            size, values = _ITEMS[first]
            return values * walk.number(size)
        case _ if first in _EXTENSIONS or first in _FIXED_EXTENSIONS:
            size = walk.number(_EXTENSIONS[first]) if first in _EXTENSIONS else _FIXED_EXTENSIONS[first]
            _extension(walk, size, scan, is_inner=is_inner)
        case _:
            raise HeaderError(f"byte {walk.position - 1} begins no value of msgpack")
    return 0


def _extension(walk: Walk, size: int, scan: Scan, *, is_inner: bool) -> None:
    """Pass over an extension; one of Flax has msgpack in it, without extensions."""
    kind = walk.number(1)
    content = walk.part(size)
    if kind in _OF_FLAX and not is_inner:
        _values(content, scan, is_inner=True)
    elif kind != _TIMESTAMP:
        held.report_source(content, scan, offset=walk.position - size)
        scan.report(PART, detail=f"an extension of type {kind}")
