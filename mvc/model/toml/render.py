"""Rendering of values as TOML: for new files, and for single values on the command line.

    {"docker": {"image": "acme/yolo", "env": {"A": "1"}}}   →   [docker]
                                                                image = "acme/yolo"
                                                                env = { A = "1" }

Edits of an existing file keep its comments, and are in `edit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvc.model.toml.schema import basic_string, quoted


def document(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of tables, each under its name."""
    return "\n".join(f"[{quoted(name)}]\n{_lines(values)}" for name, values in sections.items())


def value(item: Any) -> str:
    """Return the text of one value, on one line; tables become inline tables."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return basic_string(item)
    if isinstance(item, Mapping):
        items = ", ".join(f"{quoted(key)} = {value(child)}" for key, child in item.items())
        return f"{{ {items} }}" if items else "{}"
    if isinstance(item, list | tuple):
        return f"[{', '.join(map(value, item))}]"
    return repr(item)


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{quoted(key)} = {value(item)}\n" for key, item in values.items())
