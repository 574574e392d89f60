"""Labelmaps: the names of class numbers, from `model.toml` or a file beside it.

{"0": "helmet", "1": "head"}   →   ((0, "helmet"), (1, "head"))
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Mapping
from typing import Any

from mvc import errors
from mvc.deferred import regex
from mvc.model.paths import escape_name

Labelmap = tuple[tuple[int, str], ...]
"""Pairs of class number and name, sorted by number."""

MAX_CLASSES = 200_000
"""Classes of a labelmap, at most."""
_NUMBER = regex(r"(?:0|[1-9][0-9]{0,9})\Z")
_FIRST = (0, 1)


def from_table(table: Mapping[str, Any], where: str) -> Labelmap:
    """Return the labelmap of a table keyed by class numbers; raise BadLabels. `where` names the source."""
    if len(table) > MAX_CLASSES:
        raise errors.BadLabels(where=where, reason=f"it has {len(table)} classes, more than {MAX_CLASSES}")
    return tuple(sorted(_pair(key, name, where) for key, name in table.items()))


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
    if not _NUMBER.match(key) and _NUMBER.match(str(name)):
        reason = f"{escape_name(key)!r} is not a class number"
        raise errors.LabelByName(where=where, reason=reason, assignment=shlex.quote(f"labelmap.{name}={key}"))
    if not _NUMBER.match(key):
        raise errors.BadLabels(where=where, reason=f"{escape_name(key)!r} is not a class number")
    if not isinstance(name, str):
        raise errors.BadLabels(where=where, reason=f"the name of class {key} is not text")
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        raise errors.BadLabels(where=where, reason=f"the name of class {key} is not valid Unicode")
    return int(key), name
