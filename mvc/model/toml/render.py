"""TOML text of values: for files that are made whole, and for single values on the command line.

    {"docker": {"image": "acme/yolo", "env": {"A": "1"}}}   →   [docker]
                                                                image = "acme/yolo"
                                                                env = { A = "1" }

Changing a file that somebody wrote is another matter: that keeps comments, and lies in `edit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvc.model.toml.schema import basic_string, quoted


def document(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of tables, each under its name."""
    return "\n".join(f"[{quoted(name)}]\n{_lines(values)}" for name, values in sections.items())


def value(item: Any) -> str:
    """The text of one value, on one line; tables become inline tables."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return basic_string(item)
    if isinstance(item, Mapping):
        inside = ", ".join(f"{quoted(key)} = {value(each)}" for key, each in item.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(item, list | tuple):
        return f"[{', '.join(map(value, item))}]"
    return repr(item)


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{quoted(key)} = {value(item)}\n" for key, item in values.items())
