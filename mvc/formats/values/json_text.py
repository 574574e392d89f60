"""JSON: values of a text that is not trusted; a key that occurs twice is refused.

JSON lines are a list: `{"epoch": 1, "loss": 0.9}` and `{"epoch": 2, "loss": 0.7}`, each on a line of its own.
"""

from __future__ import annotations

import json
from typing import Any

from mvc.formats.values.malformed import MalformedError
from mvc.model.labelmap import MAX_CLASSES
from mvc.model.paths import escape_name

_MAX_MARKS = 5 * MAX_CLASSES
"""Commas and brackets, including those in texts: each may be a value in memory."""


def dump(value: Any, *, sort_keys: bool = False) -> str:
    """Return a value as a text that people read: characters that act on a terminal or reorder a line are escapes."""
    text = json.dumps(value, indent=2, sort_keys=sort_keys, ensure_ascii=False) + "\n"
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def load(text: str) -> Any:
    """Return the value of a JSON text; raise MalformedError."""
    if sum(map(text.count, (",", "[", "{"))) > _MAX_MARKS:
        raise MalformedError(f"it has more than {_MAX_MARKS} commas and brackets")
    return _parsed(text, "it is not JSON")


def load_lines(text: str) -> list[Any]:
    """Return the values of lines, each a JSON text of its own; raise MalformedError."""
    if sum(map(text.count, (",", "[", "{", "\n"))) > _MAX_MARKS:
        raise MalformedError(f"it has more than {_MAX_MARKS} lines, commas and brackets")
    lines = enumerate(text.split("\n"), start=1)
    return [_parsed(line, f"line {number} is not JSON") for number, line in lines if line.strip()]


def _parsed(text: str, otherwise: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise MalformedError("it is nested too deeply") from None
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError(f"{otherwise}: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            raise MalformedError(f"{escape_name(key[:40])} occurs twice")
        table[key] = value
    return table
