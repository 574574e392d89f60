"""The forms of results, in the order in which a file is compared with them; content decides, not its name.

bytes ─► JSON, else CSV (`,` `;` or tab) ─► the first form that it has ─► Results
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection
from typing import Any

from mvc.formats.values import csv_text, json_text
from mvc.formats.values.malformed import MalformedError
from mvc.intake.evaluations import documents, tables
from mvc.intake.evaluations.results import Results
from mvc.model import textfile

MAX_BYTES = 64 << 20
"""Bytes of a file, at most."""
FORMS: tuple[Callable[[Any, Collection[str]], Results | None], ...] = (
    tables.predictions,
    tables.matrix,
    tables.curve,
    tables.training_log,
    tables.by_class,
    tables.one_row,
    documents.square,
    documents.coco,
    documents.torchmetrics,
    documents.report,
    documents.parts,
    documents.metrics,
)
UNKNOWN = "its form is not known"
"""The reason why a file is refused that has none of the forms."""
KNOWN = (
    "Known forms: results_dict, summary(), to_csv() and to_json() of Ultralytics, also of its confusion matrix; `stats` of "
    "pycocotools; MeanAveragePrecision of torchmetrics; classification_report and confusion_matrix of scikit-learn; and "
    "tables in CSV or JSON with a column `class` or `threshold`."
)
"""What a file may have, for messages."""


def read(data: bytes, known: Collection[str]) -> Results:
    """Return the results in a file, for a model with the classes `known`; raise MalformedError."""
    if len(data) > MAX_BYTES:
        raise MalformedError(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        text = textfile.decode(data)
    except textfile.TextError as error:
        raise MalformedError(f"it is {error.reason}") from None
    is_json = text.lstrip()[:1] in ("{", "[")
    return recognized(json_text.load(text) if is_json else _rows(text), known)


def recognized(value: Any, known: Collection[str]) -> Results:
    """Return the results in a value of JSON, or in rows of a table; raise MalformedError."""
    for form in FORMS:
        found = form(value, known)
        if found is not None and not found.is_empty:
            return found
    raise MalformedError(UNKNOWN)


def _rows(text: str) -> list[dict[str, Any]]:
    """Return the rows of a table; its first column may have no name, as pandas writes an index."""
    if "\x00" in text:
        raise MalformedError("it is not a text")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        columns = [name.strip() for name in next(reader, [])]
        csv_text.check(["index", *columns[1:]] if columns[:1] == [""] else columns)
        return [_row(columns, cells, number) for number, cells in enumerate(filter(None, reader), start=2)]
    except csv.Error as error:
        raise MalformedError(f"line {reader.line_num} is not CSV: {error}") from None


def _row(columns: list[str], cells: list[str], number: int) -> dict[str, Any]:
    if number > csv_text.MAX_ROWS:
        raise MalformedError(f"it has more than {csv_text.MAX_ROWS:,} rows")
    if len(cells) > len(columns):
        raise MalformedError(f"line {number} has {len(cells)} cells, and the header {len(columns)}")
    return {name: csv_text.typed(cell) for name, cell in zip(columns, map(str.strip, cells), strict=False) if cell}
