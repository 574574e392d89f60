r"""Canonical JSON: one byte form for each value, so that equal values have equal ids.

UTF-8; no spaces; keys sorted by code point, none twice; only `"`, `\` and U+0000-001F are escaped (`\n \r \t \b \f`,
else `\u00xx` in lower case); no surrogates, no normalisation; integers within 64 bits signed; a float is the shortest
decimal that reads back as the same IEEE 754 double (CPython's `repr`), always with `.` or `e`, so `1.0` is not `1`; no
NaN, no infinity. Decoding encodes again and compares, so bytes in any other form are refused.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from mvc import errors

MAX_BYTES = 64 << 20
"""The largest document, in bytes."""
MAX_DEPTH = 64
"""How deep arrays and maps may lie in each other."""
_INT_MIN, _INT_MAX = -(1 << 63), (1 << 63) - 1
_INT_DIGITS = 20


def encode(value: Any) -> bytes:
    """The bytes of a value of dicts with str keys, lists, tuples, str, int, float, bool and None; raises NotCanonical."""
    _check(value, 1)
    data = _dump(value)
    if len(data) > MAX_BYTES:
        raise errors.NotCanonical(reason=f"{len(data)} bytes are more than {MAX_BYTES}")
    return data


def decode(data: bytes) -> Any:
    """The value of canonical bytes, at most `MAX_BYTES` of them; raises NotCanonical."""
    if len(data) > MAX_BYTES:
        raise errors.NotCanonical(reason=f"{len(data)} bytes are more than {MAX_BYTES}")
    try:
        value = json.loads(data.decode("utf-8"), parse_int=_integer, parse_constant=_refuse)
    except ValueError as error:
        raise errors.NotCanonical(reason=str(error)) from error
    except RecursionError:
        raise errors.NotCanonical(reason=f"nested deeper than {MAX_DEPTH}") from None
    if _dump(value) != data:
        raise errors.NotCanonical(reason="the same value has another byte form")
    _check_depth(value)
    return value


def _dump(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        return text.encode("utf-8")
    except (ValueError, TypeError) as error:
        raise errors.NotCanonical(reason=str(error)) from error
    except RecursionError:
        raise errors.NotCanonical(reason=f"nested deeper than {MAX_DEPTH}") from None


def _integer(text: str) -> int:
    value = int(text) if len(text) <= _INT_DIGITS else _INT_MAX + 1
    if not _INT_MIN <= value <= _INT_MAX:
        raise errors.NotCanonical(reason=f"{text[:_INT_DIGITS]} does not fit in 64 bits")
    return value


def _refuse(constant: str) -> NoReturn:
    raise errors.NotCanonical(reason=f"{constant} is not a number that can be stored")


def _check(value: Any, depth: int) -> None:
    """Refuse what `json` would write in a form of its own: other key types, wide integers, deep nesting."""
    if isinstance(value, dict):
        _limit(depth)
        for key, item in value.items():
            if not isinstance(key, str):
                raise errors.NotCanonical(reason=f"the key {key!r} is not text")
            _check(item, depth + 1)
    elif isinstance(value, list | tuple):
        _limit(depth)
        for item in value:
            _check(item, depth + 1)
    elif type(value) is int and not _INT_MIN <= value <= _INT_MAX:
        raise errors.NotCanonical(reason=f"{value} does not fit in 64 bits")


def _check_depth(value: Any) -> None:
    """Refuse deep nesting in a decoded value, level by level; scalars cost next to nothing."""
    level = [value] if isinstance(value, dict | list) else []
    depth = 0
    while level:
        depth += 1
        _limit(depth)
        parts = [each.values() if isinstance(each, dict) else each for each in level]
        level = [item for part in parts for item in part if isinstance(item, dict | list)]


def _limit(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise errors.NotCanonical(reason=f"nested deeper than {MAX_DEPTH}")
