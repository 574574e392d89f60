"""GGUF: the chat templates among its key-value pairs, which llama.cpp's bindings render with Jinja.

    tokenizer.chat_template             text
    tokenizer.chat_template.tool_use    text
    tokenizer.chat_templates            names of further ones

Source: docs/gguf.md of ggml, versions 2 and 3, little-endian.
"""

from __future__ import annotations

from mvc.formats import gguf as header
from mvc.formats.gguf import MAX_NAME, MAX_TEXTS
from mvc.formats.source import Cursor, HeaderError, Source, TooLongError
from mvc.scan.formats.jinja import templates
from mvc.scan.pickles import embedded
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

VERSION = Rule("gguf-version", Verdict.UNREADABLE, "A loader may read this version of GGUF, which the scan cannot: {}.")
TWICE = Rule("gguf-key-twice", Verdict.UNREADABLE, "Loaders read the key {} differently, since it occurs twice.")
RULES = (VERSION, TWICE, *templates.RULES, *embedded.RULES)

_VERSIONS = (2, 3)
_SHORTEST = 24
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Sizes in bytes of the fixed-size value types."""
_TEXT, _ARRAY = 8, 9
_MAX_DEPTH = 8
_TEMPLATE = "template"


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins as GGUF."""
    return (
        start.startswith(b"GGUF") and source.size >= _SHORTEST and (_is_small(start[4:8]) or _is_small(start[7:3:-1]))
    )


def _is_small(version: bytes) -> bool:
    """Return whether a number may be a version: loaders take no other, and a text about GGUF has one of 30 bits."""
    return version[1:] == bytes(3)


def scan(source: Source, scan: Scan) -> None:
    """Report the constructions of its templates. Raises HeaderError if a pair is truncated."""
    version = int.from_bytes(source.read(4, 4), "little")
    if version not in _VERSIONS:
        scan.report(VERSION, detail=str(version))
        return
    cursor = Cursor(source, 8)
    cursor.skip(8)
    _Pairs(cursor, scan).read(cursor.number(8))
    try:
        segments = header.read(source).segments
    except HeaderError:  # a malformed list of tensors, which the scan does not need
        return
    end = max((segment.offset + segment.size for segment in segments), default=cursor.position)
    if end < source.size:
        embedded.report(source, scan, end)


class _Pairs:
    """A parser of key-value pairs, which skips all but templates."""

    def __init__(self, cursor: Cursor, scan: Scan) -> None:
        self._cursor = cursor
        self._scan = scan
        self._texts = 0

    def read(self, pairs: int) -> None:
        """Examine `pairs` of them."""
        keys: set[str] = set()
        for _ in range(pairs):
            self._count()
            length = self._cursor.number(8)
            if length > MAX_NAME:
                raise TooLongError(f"a name is longer than {MAX_NAME} bytes")
            key = self._cursor.take(length).decode("utf-8", "replace")
            is_template = _TEMPLATE in key
            if is_template and key in keys:
                self._scan.report(TWICE, detail=key)
            keys.add(key)
            self._value(self._cursor.number(4), key if is_template else "", 0)

    def _value(self, kind: int, key: str, depth: int) -> None:
        if kind in _WIDTHS:
            self._cursor.skip(_WIDTHS[kind])
        elif kind == _TEXT:
            self._count()
            self._text(key)
        elif kind == _ARRAY and depth < _MAX_DEPTH:
            inner, count = self._cursor.number(4), self._cursor.number(8)
            if inner in _WIDTHS:
                self._cursor.skip(_WIDTHS[inner] * count)
                return
            for _ in range(count):
                self._count()
                self._value(inner, key, depth + 1)
        else:
            raise HeaderError(f"a value has the unknown type {kind}")

    def _text(self, key: str) -> None:
        """Examine a text under a key of templates; skip it under any other, whose key is `""` here."""
        length = self._cursor.number(8)
        if not key:
            self._cursor.skip(length)
        elif length > templates.MAX_TEMPLATE:
            raise TooLongError(f"the template {key} is longer than {templates.MAX_TEMPLATE >> 20} MiB")
        else:
            templates.examine(self._cursor.take(length).decode("utf-8", "replace"), self._scan, key)

    def _count(self) -> None:
        self._texts += 1
        if self._texts > MAX_TEXTS:
            raise TooLongError(f"it has more than {MAX_TEXTS} keys and values")
