r"""Canonical JSON: one byte form for each value, so that equal values have equal ids.

UTF-8; no spaces; keys sorted by code point, none twice; only `"`, `\` and U+0000-001F are escaped (`\n \r \t \b \f`,
else `\u00xx` in lower case); no surrogates, no normalisation; integers within 64 bits signed; a float is the shortest
decimal that reads back as the same IEEE 754 double (CPython's `repr`), always with `.` or `e`, so `1.0` is not `1`; no
NaN, no infinity. Decoding encodes again and compares, so bytes in any other form are refused.

A few KB of a compressed document may stand for very many values, of which each takes tens of bytes in memory. So the
values are counted before any of them is built, and a long document is compared piece by piece.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from mvc import errors

MAX_BYTES = 64 << 20
"""The largest document, in bytes."""
MAX_DEPTH = 64
"""How deep arrays and maps may lie in each other."""
MAX_VALUES = 2_200_000
"""Values in a document. A marker of the largest tree (9 for each of 200,000 files) has 1.8 million."""
MAX_CONTAINERS = 700_000
"""Arrays and maps among them. A recipe has one for each chunk, so this bounds a file: to about 200 GB in chunks of text."""
MAX_MAPS = 450_000
"""Maps among these, which take the most memory. A marker has two for each file."""
MAX_TEXT = 96 << 20
"""Bytes of the document as text in memory, where one character beyond U+00FF makes each take 2 bytes, beyond U+FFFF 4."""
_LONG = 4 << 20
_PIECE = 1_000
_MARKS = (b"[", b"{", b",")
_CONTAINERS = frozenset({dict, list})
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_INT_MIN, _INT_MAX = -(1 << 63), (1 << 63) - 1
_INT_DIGITS = 20


def encode(value: Any) -> bytes:
    """The bytes of a value of dicts with str keys, lists, tuples, str, int, float, bool and None; raises NotCanonical."""
    _check(value, 1)
    data = _dump(value)
    _bound(data)
    return data


def decode(data: bytes) -> Any:
    """The value of canonical bytes, at most `MAX_BYTES` of them; raises NotCanonical."""
    _bound(data)
    try:
        value = json.loads(_text(data), parse_int=_integer, parse_constant=_refuse)
    except ValueError as error:
        raise errors.NotCanonical(reason=str(error)) from error
    except RecursionError:
        raise errors.NotCanonical(reason=f"nested deeper than {MAX_DEPTH}") from None
    _check_depth(value)
    if not _is_encoded(value, data):
        raise errors.NotCanonical(reason="the same value has another byte form")
    return value


def _bound(data: bytes) -> None:
    """Raise NotCanonical for a document that is too long or has too many values, before any of them is built."""
    if len(data) > MAX_BYTES:
        raise errors.NotCanonical(reason=f"{len(data)} bytes are more than {MAX_BYTES}")
    if len(data) < MAX_MAPS:  # too short for too many
        return
    if not _excess([*map(data.count, _MARKS), 0]):  # empty containers, slow to count, only lower the number of values
        return
    counts = _counts(data)
    if _excess(counts):
        counts = [count - inside for count, inside in zip(counts, _in_strings(data), strict=True)]
    if excess := _excess(counts):
        raise errors.NotCanonical(reason=excess)


def _counts(data: bytes) -> list[int]:
    """How many arrays, maps, commas and empty containers there are, those in strings included."""
    arrays, maps, commas = (data.count(mark) for mark in _MARKS)
    return [arrays, maps, commas, data.count(b"[]") + data.count(b"{}")]


def _in_strings(data: bytes) -> list[int]:
    total = [0, 0, 0, 0]
    strings = (match.group() for match in _STRING.finditer(data))
    while some := b"".join(itertools.islice(strings, _PIECE)):
        total = [count + more for count, more in zip(total, _counts(some), strict=True)]
    return total


def _excess(counts: list[int]) -> str:
    """Why there are too many values; a container that is not empty has one more of them than it has commas."""
    arrays, maps, commas, empty = counts
    for count, most, what in (
        (maps, MAX_MAPS, "maps"),
        (arrays + maps, MAX_CONTAINERS, "arrays and maps"),
        (1 + commas + arrays + maps - empty, MAX_VALUES, "values"),
    ):
        if count > most:
            return f"{count} {what} are more than {most}"
    return ""


def _text(data: bytes) -> str:
    text = data.decode("utf-8")
    if sys.getsizeof(text) > MAX_TEXT:
        raise errors.NotCanonical(reason=f"as text it takes more than {MAX_TEXT} bytes of memory")
    return text


def _is_encoded(value: Any, data: bytes) -> bool:
    """Whether `data` is the canonical form of `value`; a long one is never in memory twice."""
    if len(data) <= _LONG:
        return _dump(value) == data
    view, at = memoryview(data), 0
    for piece in _pieces(value):
        if view[at : at + len(piece)] != piece:
            return False
        at += len(piece)
    return at == len(data)


def _pieces(value: Any) -> Iterator[bytes]:
    """The canonical form of a value, in pieces."""
    if isinstance(value, dict):
        yield b"{"
        for number, key in enumerate(sorted(value)):
            yield (b"," if number else b"") + _dump(key) + b":"
            yield from _pieces(value[key])
        yield b"}"
    elif isinstance(value, list) and len(value) > _PIECE:
        for first in range(0, len(value), _PIECE):
            yield (b"," if first else b"[") + _dump(value[first : first + _PIECE])[1:-1]
        yield b"]"
    else:
        yield _dump(value)


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
    level = [value] if type(value) in _CONTAINERS else []
    depth = 0
    while level:
        depth += 1
        _limit(depth)
        parts = [each.values() if type(each) is dict else each for each in level]
        if _CONTAINERS.isdisjoint(map(type, itertools.chain.from_iterable(parts))):
            return
        level = [item for part in parts for item in part if type(item) in _CONTAINERS]


def _limit(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise errors.NotCanonical(reason=f"nested deeper than {MAX_DEPTH}")
