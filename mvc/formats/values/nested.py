"""A value inside nested tables and lists, by its dotted key: `summary."val/acc"`, `runs.0`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvc import errors
from mvc.formats.values.malformed import MalformedError
from mvc.model.paths import escape_name
from mvc.model.query.parse import parse_key

_SHOWN = 8


def at(value: Any, key: str) -> Any:
    """Return the value at `key`; raise MalformedError, which names the keys that exist."""
    for part in _parts(value, key):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and len(part) < 7 and int(part) < len(value):
            value = value[int(part)]
        else:
            known = f"; it has {listed(value)}" if isinstance(value, Mapping) and value else ""
            raise MalformedError(f"it has no key {escape_name(key[:80])}{known}")
    return value


def listed(names: Mapping[str, Any] | list[str]) -> str:
    """Return the first names as a text."""
    shown = [escape_name(str(name)[:40]) for name in names][:_SHOWN]
    return ", ".join(shown) + (", …" if len(names) > _SHOWN else "")


def _parts(value: Any, key: str) -> tuple[str, ...]:
    """Return the parts of a key; a key of the whole text needs no quotes."""
    if isinstance(value, Mapping) and key in value:
        return (key,)
    try:
        return parse_key(key)
    except errors.BadQuery as error:
        raise MalformedError(f"{escape_name(key[:80])} is not a key: {error.fields['reason']}") from None
