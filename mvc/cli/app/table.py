"""Tables of text with aligned columns, as CSV and in Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mvc.cli.app.terminal import date, escape
from mvc.model.version import Timestamp

ABSENT = "-"
"""The cell of a value that is absent."""


def aligned(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> Iterator[str]:
    """Yield one line per row, two spaces between columns; the columns in `right` are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


@dataclass(frozen=True, slots=True)
class Table:
    """A head, and rows of values; None is an absent one."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def lines(self, shape: str | None = None) -> Iterator[str]:
        """Return the lines: aligned, with numbers to the right; or in the shape `csv` or `md`."""
        if shape == "csv":
            return map(_csv_line, [self.head, *([_plain(value) for value in row] for row in self.rows)])
        if shape == "md":
            rule = ["---:" if self._is_numeric(at) else "---" for at in range(len(self.head))]
            body = [[cell(value) for value in row] for row in self.rows]
            return map(_md_line, [[escape(name) for name in self.head], rule, *body])
        right = frozenset(at for at in range(len(self.head)) if self._is_numeric(at))
        return aligned(
            [[escape(name) for name in self.head], *([cell(value) for value in row] for row in self.rows)], right=right
        )

    def _is_numeric(self, at: int) -> bool:
        values = [row[at] for row in self.rows if row[at] is not None]
        return bool(values) and all(isinstance(value, int | float) for value in values)


def cell(value: Any) -> str:
    """Return a value as one escaped cell: a date, a number, a text, or several, separated by commas."""
    return ABSENT if value is None else escape(_plain(value))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Timestamp):
        return date(value)
    if isinstance(value, tuple):
        return ", ".join(map(_plain, value))
    if isinstance(value, str):
        return value
    return json.dumps(dict(value) if isinstance(value, Mapping) else value, ensure_ascii=False)


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([escape(text) for text in cells])
    return line.getvalue()


def _md_line(cells: Sequence[str]) -> str:
    escaped = (text.replace("|", "\\|").replace("<", "&lt;") for text in cells)
    return f"| {' | '.join(escaped)} |"
