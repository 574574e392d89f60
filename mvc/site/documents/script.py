r"""A document as a classic script, which a page opened from disk can load: `mvc("data/site-3f9c…",JSON.parse('{…}'));`.

The document is text for `JSON.parse`, since a key `__proto__` of an object literal would not be a key. No part of it is
markup, wherever the script is put: `<`, `>`, `&` and line separators are escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mvc.model.ids import digest

_ESCAPES = (("\\", "\\\\"), ("'", "\\'"), *((each, f"\\u{ord(each):04x}") for each in "<>&\u2028\u2029"))
"""In this order; a table for `str.translate` takes ten times as long."""
_JSON = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
)
HASH = 16
"""Hex digits of the digest in a file's name."""


def text(document: Mapping[str, Any]) -> str:
    """Return a document as canonical JSON, inside single quotes of JavaScript."""
    found = _JSON.encode(document)
    if not found.isascii():  # half a pair, as in the name of a folder, is no text
        found = found.encode("utf-8", "replace").decode()
    for letter, escape in _ESCAPES:
        found = found.replace(letter, escape)
    return found


def script(path: str, document: str) -> bytes:
    """Return the file at `path`, which is given without its suffix, of a document as `text` returns it."""
    return f"mvc(\"{path}\",JSON.parse('{document}'));\n".encode()


def name(document: str) -> str:
    """Return the part of a file's name that identifies its content."""
    return digest(document.encode())[:HASH]
