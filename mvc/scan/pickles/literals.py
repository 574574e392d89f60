"""Numbers and strings that a pickle of protocol 0 has as lines of text: whether an unpickler can read them, and their value.

CPython's unpicklers differ in unusual spellings, such as `1_000`, a number behind spaces, or one before a NUL. A line that one
of them may read is read; at any other line, each stops with an error.
"""

from __future__ import annotations

import codecs
import re
import warnings

from mvc.formats.source import HeaderError
from mvc.scan.pickles.values import NUMBER, OldText

_WHOLE = re.compile(
    rb"\s*([+-]?(0[xX]_?[0-9a-fA-F_]+|0[oO]_?[0-7_]+|0[bB]_?[01_]+|[0-9_]+)[lL]?\s*)?(\0.*)?", re.DOTALL
)
"""Digits may be absent: the unpickler in C reads an empty line as 0."""
_REAL = re.compile(rb"\s*[+-]?([0-9_.]+(e[+-]?[0-9_]+)?|inf(inity)?|nan)\s*(\0.*)?", re.DOTALL | re.IGNORECASE)
_TRUTHS = {b"00": False, b"01": True}
_LONGEST = 20


def is_usual(line: bytes) -> bool:
    """Return whether a line is a whole number as writers spell it."""
    return line.isdigit() and len(line) < _LONGEST and (line == b"0" or not line.startswith(b"0"))


def unusual(line: bytes) -> int:
    """Return a whole number in any spelling that an unpickler may read. Raises HeaderError where it is none."""
    if _WHOLE.fullmatch(line) is None:
        raise HeaderError("a number in its pickle cannot be read")
    try:
        return int(line.partition(b"\0")[0].strip().rstrip(b"lL") or b"0")
    except ValueError:  # only in another base
        return 0


def whole(line: bytes) -> object:
    """Return a whole number or a truth value; NUMBER for an unusual spelling. Raises HeaderError where it is none."""
    digits = line.removesuffix(b"L")
    if is_usual(digits):
        return int(digits)
    if line in _TRUTHS:
        return _TRUTHS[line]
    unusual(line)
    return NUMBER


def real(line: bytes) -> object:
    """Return NUMBER for a real number. Raises HeaderError where it is none."""
    if _REAL.fullmatch(line) is None:
        raise HeaderError("a number in its pickle cannot be read")
    return NUMBER


def quoted(line: bytes) -> OldText:
    """Return a string in quotes. Raises HeaderError where it has none, or its escapes cannot be read."""
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise HeaderError("a string in its pickle has no quotes")
    inner = line[1:-1]
    if b"\\" in inner:
        try:
            with warnings.catch_warnings(action="ignore"):
                inner = codecs.escape_decode(inner)[0]
        except ValueError as error:
            raise HeaderError("the escapes of a string in its pickle cannot be read") from error
    return OldText(inner.decode("latin1"))
