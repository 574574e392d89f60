"""JSON: values of a text that is not trusted; a key that occurs twice is refused."""

from __future__ import annotations

import json
from typing import Any

from mvc import errors
from mvc.model.labelmap import MAX_CLASSES
from mvc.model.paths import escape_name

_MAX_MARKS = 5 * MAX_CLASSES
"""Commas and brackets, including those in texts: each may be a value in memory."""


def load(text: str, where: str) -> Any:
    """Return the value of a JSON text; raise BadLabels."""
    if sum(map(text.count, (",", "[", "{"))) > _MAX_MARKS:
        raise errors.BadLabels(where=where, reason=f"it has more than {_MAX_MARKS} commas and brackets")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key, value in pairs:
            if key in table:
                raise errors.BadLabels(where=where, reason=f"class {escape_name(key)} occurs twice")
            table[key] = value
        return table

    try:
        return json.loads(text, object_pairs_hook=unique)
    except RecursionError:
        raise errors.BadLabels(where=where, reason="it is nested too deeply") from None
    except ValueError as error:
        raise errors.BadLabels(where=where, reason=f"it is not JSON: {error}") from None
