"""CSV: rows by column, as trainers log them; a cell is a number, a truth value or a text, and an empty one is absent.

epoch, train/loss, metrics/mAP50(B)
1,     0.91,       0.31                →   {"epoch": 1, "train/loss": 0.91, "metrics/mAP50(B)": 0.31}
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from mvc.formats.values.malformed import MalformedError
from mvc.model.paths import escape_name

MAX_ROWS = 200_000
MAX_COLUMNS = 2_000
"""Rows and columns, at most."""
_INT = re.compile(r"[+-]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?\Z")
_NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|nan)\Z", re.IGNORECASE)
_FLAGS = {"true": True, "false": False}


def load(text: str, delimiter: str = ",") -> list[dict[str, Any]]:
    """Return the rows of a text with a header; raise MalformedError, which names the line."""
    if "\x00" in text:
        raise MalformedError("it is not a text")
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        return list(_rows(reader))
    except csv.Error as error:
        raise MalformedError(f"line {reader.line_num} is not CSV: {error}") from None


def load_tabs(text: str) -> list[dict[str, Any]]:
    """Return the rows of a text whose cells are separated by tabs; raise MalformedError."""
    return load(text, "\t")


def _rows(reader: Any) -> Iterator[dict[str, Any]]:
    columns = [name.strip() for name in next(reader, [])]
    check(columns)
    for number, cells in enumerate(filter(None, reader), start=1):
        if number > MAX_ROWS:
            raise MalformedError(f"it has more than {MAX_ROWS:,} rows")
        if len(cells) > len(columns):
            raise MalformedError(f"line {reader.line_num} has {len(cells)} cells, and the header {len(columns)}")
        named = zip(columns, map(str.strip, cells), strict=False)
        yield {name: typed(cell) for name, cell in named if cell}


def check(columns: list[str]) -> None:
    """Raise MalformedError unless the columns have names, each its own."""
    if len(columns) > MAX_COLUMNS:
        raise MalformedError(f"it has more than {MAX_COLUMNS:,} columns")
    seen: set[str] = set()
    for number, name in enumerate(columns, start=1):
        if not name:
            raise MalformedError(f"line 1, column {number} has no name" if len(columns) > 1 else "it has no header")
        if name in seen:
            raise MalformedError(f"line 1, column {number}: {escape_name(name[:40])} occurs twice")
        seen.add(name)
    if not columns:
        raise MalformedError("it is empty")


def typed(cell: str) -> Any:
    """Return a cell as a number, a truth value or a text."""
    if _INT.match(cell):
        return int(cell)
    if _FLOAT.match(cell) or _NOT_FINITE.match(cell):
        return float(cell)
    return _FLAGS.get(cell.lower(), cell)
