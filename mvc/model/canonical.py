r"""Canonical JSON: one byte form for each value, so that equal values have equal ids.

UTF-8; no spaces; keys sorted by code point, none twice; only `"`, `\` and U+0000-001F are escaped (`\n \r \t \b \f`,
else `\u00xx` in lower case); no surrogates, no normalisation; integers within 64 bits signed; a float is the shortest
decimal that reads back as the same IEEE 754 double (CPython's `repr`), always with `.` or `e`, so `1.0` is not `1`; no
NaN, no infinity. Decoding re-encodes and compares, so any other byte form is refused.

A compressed document of a few KB may expand to millions of values, each of tens of bytes in memory. So values are
counted before any of them is built, and a long document is compared in pieces.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from mvc import errors
from mvc.deferred import regex

MAX_BYTES = 64 << 20
"""Bytes of a document, at most."""
MAX_DEPTH = 64
"""Nesting of arrays and maps, at most."""
MAX_VALUES = 2_200_000
"""Values of a document, at most. A marker of the largest tree (9 for each of 200,000 files) has 1.8 million."""
MAX_CONTAINERS = 700_000
"""Arrays and maps, at most. A recipe has one for each chunk, which limits a file to about 200 GB in chunks of text."""
MAX_MAPS = 450_000
"""Maps, at most: they take the most memory. A marker has two for each file."""
MAX_TEXT = 96 << 20
"""Bytes of the decoded text in memory, at most. One character above U+00FF makes each take 2 bytes, above U+FFFF 4."""
_LONG = 4 << 20
_PIECE_ITEMS = 1_000
_MARKS = (b"[", b"{", b",")
_CONTAINERS = frozenset({dict, list})
_STRING = regex(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_INT_MIN, _INT_MAX = -(1 << 63), (1 << 63) - 1
_INT_DIGITS = 20


def encode(value: Any) -> bytes:
    """Return the canonical bytes of a value of dicts with str keys, lists, tuples and scalars; raise NotCanonical."""
    _check(value, 1)
    data = _dump(value)
    _check_size(data)
    return data


def decode(data: bytes) -> Any:
    """Return the value of canonical bytes, at most `MAX_BYTES` of them; raise NotCanonical."""
    _check_size(data)
    try:
        value = _DECODER.decode(_text(data))
    except ValueError as error:
        raise errors.NotCanonical(reason=str(error)) from error
    except RecursionError:
        raise errors.NotCanonical(reason=f"it is nested deeper than {MAX_DEPTH}") from None
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if not _is_encoded(value, data):
        raise errors.NotCanonical(reason="its value is encoded in another way")
    return value


def _check_size(data: bytes) -> None:
    """Raise NotCanonical for a document with too many bytes or values, before any value is built."""
    if len(data) > MAX_BYTES:
        raise errors.NotCanonical(reason=f"{len(data)} bytes are more than {MAX_BYTES}")
    if len(data) < MAX_MAPS:  # too short for too many values
        return
    if not _excess([*map(data.count, _MARKS), 0]):  # empty containers, slow to count, can only lower the total
        return
    counts = _counts(data)
    if _excess(counts):
        counts = [count - quoted for count, quoted in zip(counts, _counts_in_strings(data), strict=True)]
    if excess := _excess(counts):
        raise errors.NotCanonical(reason=excess)


def _counts(data: bytes) -> list[int]:
    """Return the numbers of arrays, maps, commas and empty containers, including those in strings."""
    arrays, maps, commas = (data.count(mark) for mark in _MARKS)
    return [arrays, maps, commas, data.count(b"[]") + data.count(b"{}")]


def _counts_in_strings(data: bytes) -> list[int]:
    totals = [0, 0, 0, 0]
    strings = (match.group() for match in _STRING.finditer(data))
    while batch := b"".join(itertools.islice(strings, _PIECE_ITEMS)):
        totals = [total + count for total, count in zip(totals, _counts(batch), strict=True)]
    return totals


def _excess(counts: list[int]) -> str:
    """Return which limit is exceeded, or "". A container that is not empty has one more value than commas."""
    arrays, maps, commas, empty = counts
    for count, limit, kind in (
        (maps, MAX_MAPS, "maps"),
        (arrays + maps, MAX_CONTAINERS, "arrays and maps"),
        (1 + commas + arrays + maps - empty, MAX_VALUES, "values"),
    ):
        if count > limit:
            return f"{count} {kind} are more than {limit}"
    return ""


def _text(data: bytes) -> str:
    text = data.decode("utf-8")
    if sys.getsizeof(text) > MAX_TEXT:
        raise errors.NotCanonical(reason=f"as text it takes more than {MAX_TEXT} bytes of memory")
    return text


def _is_encoded(value: Any, data: bytes) -> bool:
    """Return whether `data` is the canonical form of `value`, without a second copy of a long document."""
    if len(data) <= _LONG:
        return _dump(value) == data
    view, offset = memoryview(data), 0
    for piece in _pieces(value):
        if view[offset : offset + len(piece)] != piece:
            return False
        offset += len(piece)
    return offset == len(data)


def _pieces(value: Any) -> Iterator[bytes]:
    """Yield the canonical form of a value in pieces."""
    if isinstance(value, dict):
        yield b"{"
        for number, key in enumerate(sorted(value)):
            yield (b"," if number else b"") + _dump(key) + b":"
            yield from _pieces(value[key])
        yield b"}"
    elif isinstance(value, list) and len(value) > _PIECE_ITEMS:
        for first in range(0, len(value), _PIECE_ITEMS):
            yield (b"," if first else b"[") + _dump(value[first : first + _PIECE_ITEMS])[1:-1]
        yield b"]"
    else:
        yield _dump(value)


def _dump(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except (ValueError, TypeError) as error:
        raise errors.NotCanonical(reason=str(error)) from error
    except RecursionError:
        raise errors.NotCanonical(reason=f"it is nested deeper than {MAX_DEPTH}") from None


def _integer(text: str) -> int:
    value = int(text) if len(text) <= _INT_DIGITS else _INT_MAX + 1
    if not _INT_MIN <= value <= _INT_MAX:
        raise errors.NotCanonical(reason=f"the number {text[:_INT_DIGITS]} does not fit in 64 bits")
    return value


def _refuse(constant: str) -> NoReturn:
    raise errors.NotCanonical(reason=f"{constant} is not a number that can be stored")


def _check(value: Any, depth: int) -> None:
    """Raise NotCanonical for values that `json` would accept: keys of other types, wide integers, deep nesting."""
    if isinstance(value, dict):
        _check_level(depth)
        for key, item in value.items():
            if not isinstance(key, str):
                raise errors.NotCanonical(reason=f"the key {key!r} is not text")
            _check(item, depth + 1)
    elif isinstance(value, list | tuple):
        _check_level(depth)
        for item in value:
            _check(item, depth + 1)
    elif type(value) is int and not _INT_MIN <= value <= _INT_MAX:
        raise errors.NotCanonical(reason=f"{value} does not fit in 64 bits")


def _check_depth(value: Any) -> None:
    """Raise NotCanonical for deep nesting in a decoded value, level by level; scalars cost next to nothing."""
    level = [value] if type(value) in _CONTAINERS else []
    depth = 0
    while level:
        depth += 1
        _check_level(depth)
        children = [container.values() if type(container) is dict else container for container in level]
        if _CONTAINERS.isdisjoint(map(type, itertools.chain.from_iterable(children))):
            return
        level = [item for items in children for item in items if type(item) in _CONTAINERS]


def _check_level(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise errors.NotCanonical(reason=f"it is nested deeper than {MAX_DEPTH}")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_constant=_refuse)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
)
"""Made once, not for each of thousands of objects. A value that contains itself was refused before, as too deep."""
