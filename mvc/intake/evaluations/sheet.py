"""Tables of results in CSV, as people and spreadsheets write them.

class;AP50;recall          separated by `,` `;` or tabs; with `;` and tabs, `0,9` is a number if no cell has a point
helmet;0,9;80%             80% is 0.8, and so is 80 in a column `recall (%)`
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from mvc.formats.values import csv_text
from mvc.formats.values.malformed import MalformedError

_POINT = re.compile(r"[0-9]\.[0-9]")
_COMMA = re.compile(r"([+-]?[0-9]{1,15}),([0-9]{1,20}(?:[eE][+-]?[0-9]{1,4})?\s*%?)\Z")
_PERCENT = re.compile(r"([+-]?[0-9]{1,15}(?:\.[0-9]{1,20})?)\s*%\Z")
_IN_PERCENT = re.compile(r"\s*(?:\(%\)|\[%\]|%)\Z")
"""The end of the name of a column in percent."""


class Sheet(NamedTuple):
    """The rows of a table by column, and how its cells were read, for the person who adds it."""

    rows: list[dict[str, Any]]
    remarks: list[str]


def load(text: str) -> Sheet:
    """Return a table with a header; its first column may have no name, as pandas writes an index. Raises MalformedError."""
    if "\x00" in text:
        raise MalformedError("it is not a text")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        lines = [[cell.strip() for cell in cells] for cells in reader if cells]
    except csv.Error as error:
        raise MalformedError(f"line {reader.line_num} is not CSV: {error}") from None
    columns = [_IN_PERCENT.sub("", name) or name for name in header]
    csv_text.check(["index", *columns[1:]] if columns[:1] == [""] else columns)
    if not lines and len(columns) > 1:
        raise MalformedError("it has a header and no rows")
    remarks = []
    if delimiter != "," and _has_commas(lines):
        lines = [[_COMMA.sub(r"\1.\2", cell) for cell in cells] for cells in lines]
        remarks.append("numbers with a decimal comma")
    shares = [column != name for column, name in zip(columns, header, strict=True)]
    rows = [_row(columns, shares, cells, number) for number, cells in enumerate(lines, start=2)]
    if any(shares) or any(_PERCENT.match(cell) for cells in lines for cell in cells):
        remarks.append("percentages, as shares: 80% is 0.8")
    return Sheet(rows, remarks)


def _has_commas(lines: Sequence[Sequence[str]]) -> bool:
    """Return whether numbers have a decimal comma: some could, and none has a point."""
    cells = [cell for line in lines for cell in line]
    return any(map(_COMMA.match, cells)) and not any(map(_POINT.search, cells))


def _row(columns: Sequence[str], shares: Sequence[bool], cells: Sequence[str], number: int) -> dict[str, Any]:
    if number > csv_text.MAX_ROWS:
        raise MalformedError(f"it has more than {csv_text.MAX_ROWS:,} rows")
    if len(cells) > len(columns):
        raise MalformedError(f"line {number} has {len(cells)} cells, and the header {len(columns)}")
    placed = zip(columns, shares, cells, strict=False)
    return {name: _typed(cell, is_share=is_share) for name, is_share, cell in placed if cell}


def _typed(cell: str, *, is_share: bool) -> Any:
    """Return a cell as a number, a truth value or a text; a percentage as a share, exactly as it is written."""
    if _PERCENT.match(f"{cell}%" if is_share else cell):
        return float(Decimal(cell.rstrip("% \t")) / 100)
    return csv_text.typed(cell)
