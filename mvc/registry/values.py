"""Conversion of values in a registry's answers to values that model.toml can hold.

    null in a table     left out        NaN, 1 << 70     text
    null in a list      "null"          deep nesting     JSON text

Labels that are not names by class number are kept beside model.toml, in the manifest's `ext`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mvc.deferred import dataclass
from mvc.model import labelmap

NOTHING: tuple[Any, ...] = (None, "", {}, [])
"""Values that a registry does not distinguish from no value."""
_CLASS = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")
_INT_MIN, _INT_MAX = -(1 << 63), (1 << 63) - 1
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded value, the rest that model.toml cannot hold, and a warning about it."""

    value: Any = None
    rest: Any = None
    warning: str = ""


def unchanged(value: Any) -> Any:
    """Return `value`."""
    return value


def one_of(words: Sequence[str]) -> Callable[[Any], str | None]:
    """Return a function that returns its argument if it is one of `words`, else None."""
    return lambda word: word if word in words else None


def text(raw: Any) -> Decoded:
    """Decode a text; any other value counts as none."""
    return Decoded(raw if isinstance(raw, str) else None)


def texts(raw: Any) -> Decoded:
    """Decode a list of texts."""
    return Decoded([str(value) for value in raw if value is not None] if isinstance(raw, list) else None)


def environment(raw: Any) -> Decoded:
    """Decode environment variables; a value that is not text becomes JSON text."""
    if not isinstance(raw, Mapping):
        return Decoded()
    given = {key: value for key, value in raw.items() if value is not None}
    return Decoded(
        {key: value if isinstance(value, str) else json.dumps(value, sort_keys=True) for key, value in given.items()}
    )


def labels(raw: Any) -> Decoded:
    """Decode names by class number, in the order of the numbers. Raises BadLabels."""
    if isinstance(raw, Mapping) and all(map(_is_class, raw, raw.values())):
        return Decoded({str(number): name for number, name in labelmap.from_table(raw, "labels")})
    rest = plain(raw)
    return Decoded(rest=rest, warning="labels: not names by class number; kept in ext only" if rest else "")


def parameters(raw: Any) -> Decoded:
    """Decode a table of any values."""
    if not isinstance(raw, Mapping):
        return Decoded({}, warning="parameters: not a table; left out" if raw else "")
    table = plain(raw)
    warning = "parameters: null values are left out, and numbers that TOML cannot hold are text"
    return Decoded(table, warning=warning if table != dict(raw) else "")


def plain(value: Any, depth: int = 1) -> Any:
    """Convert `value` to one that TOML can hold: without null, numbers out of range and deep nesting."""
    if isinstance(value, Mapping | list | tuple) and depth > _MAX_DEPTH:
        return json.dumps(value, sort_keys=True)
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return ["null" if item is None else plain(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if type(value) is int and not _INT_MIN <= value <= _INT_MAX:
        return repr(value)
    return value


def are_equal(one: Any, two: Any) -> bool:
    """Return True if two values are equal to a registry, which distinguishes neither 1 from 1.0 nor none from empty."""
    if one in NOTHING and two in NOTHING:
        return True
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(are_equal(one[key], two[key]) for key in one)
    if _is_list(one) and _is_list(two):
        return len(one) == len(two) and all(map(are_equal, one, two))
    if isinstance(one, int | float) and isinstance(two, int | float):
        return one == two
    return type(one) is type(two) and bool(one == two)


def _is_class(number: Any, name: Any) -> bool:
    return isinstance(number, str) and isinstance(name, str) and _CLASS.match(number) is not None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
