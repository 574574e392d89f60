"""Tables of text with aligned columns, as CSV and in Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mvc.cli.app.terminal import date, escape
from mvc.cli.output import markdown, screen
from mvc.deferred import dataclass
from mvc.model.version import Timestamp

_GAP = "  "
ABSENT = "-"
"""The cell of a value that is absent."""


def aligned(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> Iterator[str]:
    """Yield one line per row, two spaces between columns; the columns in `right` are right-aligned."""
    widths = [max(map(screen.width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            screen.padded(cell, width, right=number in right)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield _GAP.join(cells).rstrip()


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
            body = [
                [value if isinstance(value, markdown.Written) else cell(value) for value in row] for row in self.rows
            ]
            return markdown.table(self.head, body, [at for at in range(len(self.head)) if self._is_numeric(at)])
        right = frozenset(at for at in range(len(self.head)) if self._is_numeric(at))
        rows = [[escape(name) for name in self.head], *([cell(value) for value in row] for row in self.rows)]
        return _in_blocks(rows, right, screen.columns())

    def _is_numeric(self, at: int) -> bool:
        values = [row[at] for row in self.rows if row[at] is not None]
        return bool(values) and all(isinstance(value, int | float) for value in values)


def _in_blocks(rows: Sequence[Sequence[str]], right: frozenset[int], columns: int | None) -> Iterator[str]:
    """Yield a table; one that is wider than the screen in blocks of columns, each with the first column."""
    widths = [max(map(screen.width, column)) + len(_GAP) for column in zip(*rows, strict=True)]
    if columns is None or sum(widths) - len(_GAP) <= columns:
        yield from aligned(rows, right=right)
        return
    blocks: list[list[int]] = [[0]]
    for at in range(1, len(widths)):
        if len(blocks[-1]) > 1 and sum(widths[column] for column in (*blocks[-1], at)) - len(_GAP) > columns:
            blocks.append([0])
        blocks[-1].append(at)
    for number, block in enumerate(blocks):
        if number:
            yield ""
        numeric = frozenset(place for place, at in enumerate(block) if at in right)
        yield from aligned([[row[at] for at in block] for row in rows], right=numeric)


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
