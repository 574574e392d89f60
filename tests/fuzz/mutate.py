"""Mutations that keep a text JSON: one value of it becomes another, of another type, size or depth.

A mutation of bytes hardly ever makes a list of a map, or half of a surrogate pair of a letter, and these are what readers of
JSON overlook.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

_DEPTH = 3_000
EXTREMES = (
    "null", "true", "[]", "{}", "1e400", "NaN", "-Infinity", "-1", "-0", "0.5", "1e5", "9" * 18, "18446744073709551616",
    "9" * 30, "9" * 5_000, '""', '"x"', '"\\ud800"', '"\\u0000"', '"\\u202e"', '"../x"', '"//[x"', '"2026-13-45"',
    '"' + "a" * 3_000 + '"', "[null]", "[[1]]", "[1,2,3]", '[{"a":[]}]', '{"a":{"b":{"c":1}}}',
    "[" * _DEPTH + "]" * _DEPTH, '{"a":' * _DEPTH + "1" + "}" * _DEPTH,
)  # fmt: skip
"""Texts of values, the last two nested deeper than any parser goes."""
_HERE = "\N{PRIVATE USE ONE}here"


def structured(rng: random.Random, data: bytes) -> bytes | None:
    """Return the input with one value of the JSON in it replaced; None if it has none.

    The JSON is all of it, one of the parts between zero bytes, or what follows a header.
    """
    parts = data.split(b"\0")
    number = rng.randrange(len(parts))
    starts = [at for at in (parts[number].find(b"{"), parts[number].find(b"[")) if at >= 0]
    if not starts:
        return None
    head, body = parts[number][: min(starts)], parts[number][min(starts) :]
    try:
        value = json.loads(body)
        path = rng.choice(list(_paths(value)))
        text = json.dumps(_replaced(value, path), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None
    changed = text.replace(json.dumps(_HERE, ensure_ascii=False), rng.choice(EXTREMES))
    parts[number] = head + changed.encode("utf-8", "surrogatepass")
    return b"\0".join(parts)


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from _paths(part, (*above, key))


def _replaced(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return _HERE
    if isinstance(value, dict):
        return {key: _replaced(part, path[1:]) if key == path[0] else part for key, part in value.items()}
    return [_replaced(part, path[1:]) if at == path[0] else part for at, part in enumerate(value)]
