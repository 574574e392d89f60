"""Labelmaps: the names of class numbers, from `model.toml` or a labels.json beside it.

{"0": "helmet", "1": "head"}   or   ["helmet", "head"]   →   ((0, "helmet"), (1, "head"))
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from typing import Any

from mvc import errors
from mvc.model import textfile
from mvc.model.paths import escape_name

Labelmap = tuple[tuple[int, str], ...]
"""Pairs of class number and name, sorted by number."""

MAX_BYTES = 8 << 20
"""Bytes of a labels.json, at most."""
MAX_CLASSES = 200_000
"""Classes of a labelmap, at most."""
_MARKS = 5 * MAX_CLASSES
"""Commas and brackets in a labels.json, including those in names: each may be a value in memory."""
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")
_FIRST = (0, 1)


def from_table(table: Mapping[str, Any], where: str) -> Labelmap:
    """Return the labelmap of a table keyed by class numbers; raise BadLabels. `where` names the source."""
    if len(table) > MAX_CLASSES:
        raise errors.BadLabels(where=where, reason=f"it has {len(table)} classes, more than {MAX_CLASSES}")
    return tuple(sorted(_pair(key, name, where) for key, name in table.items()))


def parse(data: bytes, where: str) -> Labelmap:
    """Parse a labels.json named `where`; raise BadLabels."""
    value = _load(data, where)
    if isinstance(value, list):
        value = {str(number): name for number, name in enumerate(value)}
    if not isinstance(value, dict):
        raise errors.BadLabels(where=where, reason="it is neither an object nor a list")
    return from_table(value, where)


def gaps(labelmap: Labelmap) -> tuple[range, ...]:
    """Return the ranges of numbers missing before the last class; numbers begin at 0 or 1."""
    numbers = [number for number, _ in labelmap]
    first = numbers[0] if numbers and numbers[0] in _FIRST else 0
    return tuple(range(low + 1, high) for low, high in itertools.pairwise([first - 1, *numbers]) if high > low + 1)


def duplicates(labelmap: Labelmap) -> dict[str, tuple[int, ...]]:
    """Return the names that several classes share, with their numbers."""
    numbers: dict[str, list[int]] = {}
    for number, name in labelmap:
        numbers.setdefault(name, []).append(number)
    return {name: tuple(shared) for name, shared in numbers.items() if len(shared) > 1}


def nameless(labelmap: Labelmap) -> tuple[int, ...]:
    """Return the classes with an empty or blank name."""
    return tuple(number for number, name in labelmap if not name.strip())


def _pair(key: str, name: Any, where: str) -> tuple[int, str]:
    if not _NUMBER.match(key):
        raise errors.BadLabels(where=where, reason=f"{escape_name(key)!r} is not a class number")
    if not isinstance(name, str):
        raise errors.BadLabels(where=where, reason=f"the name of class {key} is not text")
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        raise errors.BadLabels(where=where, reason=f"the name of class {key} is not valid Unicode")
    return int(key), name


def _load(data: bytes, where: str) -> Any:
    if len(data) > MAX_BYTES:
        raise errors.BadLabels(where=where, reason=f"it is larger than {MAX_BYTES >> 20} MiB")
    if sum(map(data.count, (b",", b"[", b"{"))) > _MARKS:
        raise errors.BadLabels(where=where, reason=f"it has more than {_MARKS} commas and brackets")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key, name in pairs:
            if key in table:
                raise errors.BadLabels(where=where, reason=f"class {escape_name(key)} occurs twice")
            table[key] = name
        return table

    try:
        return json.loads(textfile.decode(data), object_pairs_hook=unique)
    except textfile.TextError as error:
        raise errors.BadLabels(where=where, reason=f"it is {error.reason}") from None
    except RecursionError:
        raise errors.BadLabels(where=where, reason="it is nested too deeply") from None
    except ValueError as error:
        raise errors.BadLabels(where=where, reason=f"it is not JSON: {error}") from None
