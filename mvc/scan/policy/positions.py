"""The lines of the rules in a `policy.toml`, and of the keys in each: tomllib returns values without their places.

    1  # who may be prod
    2  [[rule]]                          Lines(2, {"on": 3, "licenses.allow": 4})
    3  on = ["alias:prod"]
    4  licenses.allow = [
    5      "MIT",
    6  ]

The text was parsed by tomllib before, so its strings and brackets are known to be closed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

_PART = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")'
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]"
    r"|[^\"'\#\[\]{}\n]+",
    re.DOTALL,
)
_KEY_END = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|[^"'=])*""")


class Lines(NamedTuple):
    """The line of a `[[rule]]`, from 1, and those of its keys, with dots as in `licenses.allow`."""

    line: int
    keys: dict[str, int]


def rules(text: str) -> list[Lines]:
    """Return the lines of each `[[rule]]` table of a valid TOML text, in their order."""
    tables: list[Lines] = []
    above: tuple[str, ...] = ()
    for line, statement in _statements(text):
        header = _header(statement)
        if header is not None:
            above = _path(header)
            if statement.startswith("[[") and above == ("rule",):
                tables.append(Lines(line, {}))
        elif tables and above[:1] == ("rule",):
            key = _KEY_END.match(statement)
            path = (*above[1:], *_path(key[0] if key else ""))
            tables[-1].keys.setdefault(".".join(path), line)
    return tables


def table(text: str, name: str) -> dict[str, int]:
    """Return the lines of the keys of a table at the top of the text, each the first that sets the key."""
    lines: dict[str, int] = {}
    above: tuple[str, ...] = ()
    for line, statement in _statements(text):
        header = _header(statement)
        if header is not None:
            above = _path(header)
            continue
        key = _KEY_END.match(statement)
        path = (*above, *_path(key[0] if key else ""))
        if path[:1] == (name,):
            lines.setdefault(".".join(path[1:]), line)
    return lines


def first(text: str, key: str) -> int:
    """Return the line of the first statement that sets or opens `key` at the top of the text; 1 for none."""
    is_top = True  # below a header, a key of the same name is that of the table
    for line, statement in _statements(text):
        header = _header(statement)
        name = header if header is not None else statement.partition("=")[0]
        if (is_top or header is not None) and _path(name)[:1] == (key,):
            return line
        is_top = is_top and header is None
    return 1


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each header or assignment, without comments, with the line on which it begins."""
    line, start, depth, parts = 1, 1, 0, list[str]()
    for match in _PART.finditer(text.replace("\r\n", "\n")):
        part = match[0]
        if part == "\n" and depth == 0:
            if statement := "".join(parts).strip():
                yield start, statement
            parts = []
        elif not part.startswith("#") and (parts or not part.isspace()):
            if not parts:
                start = line
            parts.append(part)
            depth += (part in "[{") - (part in "]}") if len(part) == 1 else 0
        line += part.count("\n")
    if statement := "".join(parts).strip():
        yield start, statement


def _header(statement: str) -> str | None:
    """Return the key of a table's header; None for an assignment."""
    return statement.strip("[] \t") if statement.startswith("[") else None


def _path(key: str) -> tuple[str, ...]:
    """Return the parts of a dotted key, none for a text that is not a key."""
    try:
        value: Any = tomllib.loads(f"{key.strip()} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts = []
    while isinstance(value, dict) and value:
        name = next(iter(value))
        parts.append(name)
        value = value[name]
    return tuple(parts)
