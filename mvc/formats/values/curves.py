"""Curves: one metric over a training, from the file that its trainer logged.

    epoch, step, train/loss, metrics/mAP50(B)
    1,     100,  0.91,       0.31
    2,     200,  0.80,                              mAP50  ─►  metrics/mAP50(B) by epoch: (1, 0.31), (3, 0.58)
    3,     300,  nan,        0.58

Also rows in JSON (`log_history` of Transformers) and JSON lines. Cells that are empty, or not finite numbers, are left out.
A metric is named by its column, or by the end of it that is the same for all trainers.
"""

from __future__ import annotations

import csv
import io
import itertools
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from mvc.deferred import dataclass
from mvc.formats.values import csv_text, json_text, nested, rows
from mvc.formats.values.malformed import MalformedError
from mvc.model import textfile

MAX_BYTES = 64 << 20
"""Bytes of a CSV file, at most; a JSON file is bounded by its parser."""
MAX_JSON = 8 << 20
MAX_ROWS = 2_000_000
EPOCH, STEP, ROW = "epoch", "step", "row"
"""The columns of the x axis, and its name where neither can be."""
_HISTORY = "log_history"
_SECTION = "metrics."
_TASK = re.compile(r"\([A-Z]\)\Z")
"""The task at the end of a name of Ultralytics: `mAP50(B)` of boxes, `(M)` of masks."""


class Point(NamedTuple):
    """A point of a curve."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of a column, in the order of its rows; `axis` is what x counts: epoch, step or row."""

    column: str
    axis: str
    points: tuple[Point, ...]


class NoSuchColumnError(Exception):
    """No column, or several, have that name; `columns` are those that may be meant, or all with numbers."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Hold the names."""
        super().__init__()
        self.columns = columns


def read(data: bytes, path: str, key: str) -> Curve:
    """Return the curve of the metric `key` in a file; raise NoSuchColumnError, MalformedError."""
    columns, logged = _log(data, path)
    column = _column([name for name in columns if name not in (EPOCH, STEP)], key)
    return Curve(column, *_points(logged, column))


def table(data: bytes, path: str) -> tuple[list[str], list[list[float | None]]]:
    """Return the columns with numbers, and the rows of a file: None in a cell without one. Raises MalformedError."""
    columns, logged = _log(data, path)
    cells = [[cell(column) for column in columns] for cell in itertools.islice(logged, MAX_ROWS)]
    used = [at for at in range(len(columns)) if any(rows.is_finite(row[at]) for row in cells)]
    return [columns[at] for at in used], [
        [row[at] if rows.is_finite(row[at]) else None for at in used] for row in cells
    ]


_Row = Callable[[str], Any]
"""Returns the cell of a row in a column; None for none."""


def _log(data: bytes, path: str) -> tuple[list[str], Iterator[_Row]]:
    """Return the columns and the rows of a file, by its suffix. Raises MalformedError."""
    suffix = posixpath.splitext(path.lower())[1]
    readers: dict[str, Callable[[bytes], tuple[list[str], Iterator[_Row]]]] = {
        ".csv": lambda data: _table(data, ","),
        ".tsv": lambda data: _table(data, "\t"),
        ".json": lambda data: _logged(_history(json_text.load(_text(data)))),
        ".jsonl": lambda data: _logged(json_text.load_lines(_text(data))),
    }
    if suffix not in readers:
        raise MalformedError(f"its name ends with none of {', '.join(readers)}")
    if len(data) > (MAX_BYTES if suffix in (".csv", ".tsv") else MAX_JSON):
        raise MalformedError(f"it is larger than {(MAX_BYTES if suffix in ('.csv', '.tsv') else MAX_JSON) >> 20} MiB")
    return readers[suffix](data)


def _column(columns: Sequence[str], key: str) -> str:
    """Return the column that `key` names: in full, else by its end."""
    names = {key, key.removeprefix(_SECTION), _unquoted(key)}
    exact = [column for column in columns if column in names]
    alike = exact or [column for column in columns if {column.rpartition("/")[2], _plain(column)} & names]
    if len(alike) != 1:
        raise NoSuchColumnError(alike or columns)
    return alike[0]


def _plain(column: str) -> str:
    return _TASK.sub("", column.rpartition("/")[2])


def _unquoted(key: str) -> str:
    """Return the last part of a key of model.toml, such as `metrics."mAP50(B)"`."""
    part = key.removeprefix(_SECTION)
    return part[1:-1] if len(part) > 1 and part[0] == part[-1] == '"' else part


def _points(logged: Iterable[_Row], column: str) -> tuple[str, tuple[Point, ...]]:
    """Return the x axis and the points: epochs if they grow from point to point, else steps, else rows."""
    values: list[tuple[Any, Any, int, float]] = []
    for number, cell in enumerate(logged, start=1):
        if number > MAX_ROWS:
            raise MalformedError(f"it has more than {MAX_ROWS:,} rows")
        y = cell(column)
        if rows.is_finite(y):
            values.append((cell(EPOCH), cell(STEP), number, y))
    for place, axis in enumerate((EPOCH, STEP)):
        xs = [value[place] for value in values]
        if all(map(rows.is_finite, xs)) and all(one < other for one, other in pairwise(xs)):
            return axis, tuple(Point(value[place], value[3]) for value in values)
    return ROW, tuple(Point(value[2], value[3]) for value in values)


# --- the forms of files


def _table(data: bytes, delimiter: str) -> tuple[list[str], Iterator[_Row]]:
    """Return the columns and the rows of a CSV file; cells are read where they are asked for."""
    if b"\x00" in data:
        raise MalformedError("it is not a text")
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=delimiter, skipinitialspace=True, strict=True)
    lines = _lines(reader)
    columns = [name.strip() for name in next(lines, [])]
    csv_text.check(columns)
    places = {name: place for place, name in enumerate(columns)}

    return columns, (partial(_cell, line, places) for line in lines if line)


def _lines(reader: Any) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise MalformedError(f"line {reader.line_num} is not CSV: {error}") from None
    except UnicodeDecodeError:
        raise MalformedError("it is not UTF-8") from None


def _cell(line: Sequence[str], places: Mapping[str, int], column: str) -> Any:
    place = places.get(column)
    return csv_text.typed(line[place].strip()) if place is not None and place < len(line) else None


def _logged(log: Any) -> tuple[list[str], Iterator[_Row]]:
    if not isinstance(log, list) or not all(isinstance(row, Mapping) for row in log):
        raise MalformedError("it has no rows of values")
    columns = dict.fromkeys(name for row in log for name, value in row.items() if rows.is_finite(value))
    return list(columns), (row.get for row in log)


def _history(value: Any) -> Any:
    return nested.at(value, _HISTORY) if isinstance(value, Mapping) else value


def _text(data: bytes) -> str:
    try:
        return textfile.decode(data)
    except textfile.TextError as error:
        raise MalformedError(f"it is {error.reason}") from None
