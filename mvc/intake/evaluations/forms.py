"""The forms of results, in the order in which a file is compared with them; content decides, not its name.

bytes ─► JSON, else a table in CSV (`sheet`) ─► the first form that it has ─► Results
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from mvc.formats.values import json_text
from mvc.formats.values.malformed import MalformedError
from mvc.intake.evaluations import documents, sheet, tables
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
    tables.named,
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
    "tables in CSV or JSON with a column `class` or `threshold`, or the columns `metric` and `value`."
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
    if text.lstrip()[:1] in ("{", "["):
        return recognized(json_text.load(text), known)
    table = sheet.load(text)
    found = recognized(table.rows, known)
    found.remarks += table.remarks
    return found


def recognized(value: Any, known: Collection[str]) -> Results:
    """Return the results in a value of JSON, or in rows of a table; raise MalformedError."""
    for form in FORMS:
        found = form(value, known)
        if found is not None and not found.is_empty:
            return found
    raise MalformedError(UNKNOWN)
