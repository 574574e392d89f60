"""UBJSON, as XGBoost writes its models: objects, arrays and numbers, to the end of the file.

    { L 0000000000000007 learner { … } }        an object; a key has a size and no marker
    [ $ d # L 0000000000000004 …                four numbers of one type

Nothing of it runs when it is read. Source: the specification of Universal Binary JSON, draft 12; src/common/json.cc of XGBoost.
"""

from __future__ import annotations

from mvc.formats.source import HeaderError, Source
from mvc.scan.formats.trees.walk import MAX_VALUES, Walk
from mvc.scan.pickles import held
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

PART = Rule("ubjson-part", Verdict.UNKNOWN, "A loader may read a part of it that no rule knows: {}.")
RULES = (PART, *held.RULES)

MAGIC = b"{L\0\0\0\0\0\0\0"
"""An object whose first key has less than 256 bytes, with a size of eight bytes, as XGBoost writes it."""
_FIXED = {b"Z": 0, b"N": 0, b"T": 0, b"F": 0, b"i": 1, b"U": 1, b"C": 1, b"I": 2, b"l": 4, b"d": 4, b"L": 8, b"D": 8}
"""Bytes of values by their markers."""
_COUNTS = frozenset((b"i", b"U", b"I", b"l", b"L"))
_TEXTS = frozenset((b"S", b"H"))
_OPEN = {b"{": b"}", b"[": b"]"}


class _Level:
    """An object or an array: the mark that ends it, and the count and type of its values if it has them."""

    def __init__(self, end: bytes, kind: bytes = b"", left: int = -1) -> None:
        self.end = end
        self.kind = kind
        self.left = left


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the first bytes suffice
    """Return whether it begins as a model of XGBoost."""
    return start.startswith(MAGIC)


def scan(source: Source, scan: Scan) -> None:
    """Report parts that no rule knows, and values that are pickles. Raises HeaderError if it is truncated."""
    walk = Walk(source, scan)
    levels = [_Level(b"", left=1)]
    count = 0
    while levels:
        count += 1
        if count > MAX_VALUES:
            scan.report(PART, detail=f"more than {MAX_VALUES:,} values")
            return
        level = levels[-1]
        if level.left == 0 or (level.left < 0 and _ends(walk, level)):
            levels.pop()
            continue
        level.left -= level.left > 0
        if level.end == b"}":
            walk.content(_size(walk), is_text=True)
        marker = level.kind or _marker(walk)
        if marker in _OPEN:
            levels.append(_opened(walk, marker))
        else:
            _value(walk, marker)
    if not walk.is_at_end:
        scan.report(PART, detail=f"{source.size - walk.position} bytes behind its end")


def _ends(walk: Walk, level: _Level) -> bool:
    """Pass over the mark that ends a level, if it is next."""
    is_end = walk.peek(1) == level.end
    walk.position += is_end
    return is_end


def _opened(walk: Walk, marker: bytes) -> _Level:
    """Return the level that a marker begins; numbers of one type are passed over at once."""
    level = _Level(_OPEN[marker])
    if walk.peek(1) == b"$":
        walk.skip(1)
        level.kind = _marker(walk)
        if walk.peek(1) != b"#":
            raise HeaderError(f"an array at byte {walk.position} has a type and no count")
    if walk.peek(1) == b"#":
        walk.skip(1)
        level.left = _size(walk)
        if level.end == b"]" and level.kind in _FIXED:
            walk.skip(level.left * _FIXED[level.kind])
            level.left = 0
    return level


def _value(walk: Walk, marker: bytes) -> None:
    """Pass over a value that holds no others."""
    if marker in _FIXED:
        walk.skip(_FIXED[marker])
    elif marker in _TEXTS:
        walk.content(_size(walk), is_text=True)
    else:
        raise HeaderError(f"byte {walk.position - 1} begins no value of UBJSON")


def _size(walk: Walk) -> int:
    """Return a count or a size, with the marker of its type before it."""
    marker = _marker(walk)
    if marker not in _COUNTS:
        raise HeaderError(f"byte {walk.position - 1} begins no size of UBJSON")
    return walk.number(_FIXED[marker])


def _marker(walk: Walk) -> bytes:
    marker = walk.peek(1)
    walk.skip(1)
    return marker
