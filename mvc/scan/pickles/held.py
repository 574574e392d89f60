"""Pickles that a file holds as a value: bytes, or a text in base64 or hexadecimal digits, which a program may load later.

    {"weights": …, "hook": "gASVIQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOU…"}     ─►  posix.system

No loader of the file itself reads such a value, so it is a finding only where it would run something.
"""

from __future__ import annotations

import base64
import binascii
import re

from mvc.formats.source import Source
from mvc.scan import known
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

HELD = Rule(
    "pickle-held",
    Verdict.HOSTILE,
    "It holds a pickle as a value, and whatever loads that would call functions that no file of weights needs.",
)
RULES = (HELD,)

PEEKED = 3
"""First bytes of a value that show whether it may be one."""
MAX_HELD = 16 * 1024 * 1024
"""Bytes of a value, at most."""
_SHORTEST = 12
_BEGINNINGS = ("gA", "Y29z", "Y3Bvc2l4", "Y3N1YnByb2Nlc3M", "Y2J1aWx0aW5z", "Y19fYnVpbHRpbl9f", "H4sI", "eJ", "eN")
"""Of pickles in base64: a protocol, functions of Python as text, and streams of gzip and zlib."""
_START = tuple(dict.fromkeys(beginning[:3].encode() for beginning in _BEGINNINGS))
_BASE64 = re.compile(rf"(?:{'|'.join(_BEGINNINGS)})[A-Za-z0-9+/_\-\s]+=*\s*")
_DIGITS = r"[A-Za-z0-9+/_-]"
_LINES = rf"{_DIGITS}{{16,}}(?:\s+{_DIGITS}{{24,}})*={{0,2}}"
SPELLED = re.compile(
    "|".join(f"{first[0]}(?<!{_DIGITS}.){first[1:]}{_LINES}" for first in _BEGINNINGS)
    + r"|8(?<!\w.)00[2-5][0-9a-fA-F]{24,}(?:\s+[0-9a-fA-F]{24,})*"
)
"""A pickle in base64 or hexadecimal digits inside of a text, in one or more lines.

Each form begins with its first character, which `re` seeks four times faster than a place to look behind.
"""
_HEX = re.compile(r"80(?:0[0-5])[0-9a-fA-F\s]+")


def may_be(start: bytes, size: int) -> bool:
    """Return whether a value of `size` bytes with these first ones may be a pickle, as bytes or as text."""
    if size < _SHORTEST or size > MAX_HELD:
        return False
    return (start[:1] == b"\x80" and start[1:2] <= b"\5") or start.startswith((*_START, b"800"))


def decoded(text: str) -> bytes:
    """Return the pickle that a text may be in base64 or hexadecimal digits; nothing if it is none."""
    try:
        if _BASE64.fullmatch(text):
            digits = "".join(text.split()).translate({45: "+", 95: "/"}).rstrip("=")
            return base64.b64decode(digits[: len(digits) - (len(digits) % 4 == 1)] + "==")
        if _HEX.fullmatch(text):
            return bytes.fromhex(text)
    except (binascii.Error, ValueError):
        pass
    return b""


def report(content: bytes, scan: Scan, *, member: str = "", offset: int = -1) -> None:
    """Report a pickle in memory that would run something."""
    if content:
        source = Source(lambda start, size: content[start : start + size], len(content))
        report_source(source, scan, member=member, offset=offset)


def report_source(source: Source, scan: Scan, *, member: str = "", offset: int = -1) -> None:
    """Report a pickle that would run something."""
    trial = scan.trial()
    trial.nested(source, "value", known.HELD)
    result = trial.result()
    names = [name for finding in result.findings if finding.verdict is Verdict.HOSTILE for name in finding.names]
    if result.verdict is Verdict.HOSTILE:
        scan.report(HELD, member=member, offset=offset, names=names)
