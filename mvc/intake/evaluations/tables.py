"""Tables: rows by class, rows by threshold, a training log, or one row of metrics. CSV and JSON give the same rows.

class,precision,recall,AP50          threshold,precision,recall        epoch,metrics/mAP50(B),…
helmet,0.91,0.84,0.88                0.1,0.61,0.95                     1,0.31
all,0.87,0.80,0.85                   0.5,0.88,0.84                     2,0.58
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mvc.formats.values import rows as value_rows
from mvc.formats.values.malformed import MalformedError
from mvc.intake.evaluations import results
from mvc.intake.evaluations.results import Results
from mvc.model.paths import escape_name

Rows = Sequence[Mapping[str, Any]]
CLASS = (
    *("class", "class_name", "classname", "name", "label", "category", "category_name"),
    *("class_id", "category_id", "id", ""),
)
"""The columns with a class, the best first; of a table that pandas wrote, the first column has no name."""
_METRIC, _VALUE = ("metric", "metrics", "measure"), ("value", "values", "score", "result")
"""The columns of a table with a row for each metric."""
_PREDICTED = "predicted"
_ACTUAL = ("actual", "true", "truth", "label", "class", "")
_ALL = {"all": "", "overall": "", "total": "", "mean": "", "average": "", "macro avg": "", "weighted avg": "weighted-",
        "micro avg": "micro-", "samples avg": "samples-"}  # fmt: skip
"""The rows about all classes, and what the names of their metrics begin with."""
_ACCURACY = "accuracy"
_BEST = ("metrics/mAP50-95(B)", "metrics/mAP50-95(M)", "metrics/mAP50(B)", "metrics/accuracy_top1", "metrics/mIoU")
"""The columns of Ultralytics by which the best epoch is chosen, the first that is there."""


def matrix(value: Any, known: Collection[str]) -> Results | None:  # noqa: ARG001 - as every form
    """Read a confusion matrix with a row and a column for each class; of Ultralytics, the rows are predictions."""
    if not results.is_rows(value):
        return None
    if next(iter(value[0]), None) == "" and results.column(value[0], (_PREDICTED,)) is not None:  # an index of pandas
        value = [{name: cell for name, cell in row.items() if name} for row in value]
    first = next(iter(value[0]), "")
    labels = [name for name in value[0] if name != first]
    named = [str(row.get(first)) for row in value]
    is_predicted = first.strip().lower() == _PREDICTED
    if named != labels or not (is_predicted or first.strip().lower() in _ACTUAL):
        return None
    found = Results("confusion matrix (Ultralytics)" if is_predicted else "confusion matrix")
    keys = [row[first] for row in value]
    found.set_grid(keys, ([row.get(name, 0) for name in labels] for row in value), transposed=is_predicted)
    return found


def curve(value: Any, known: Collection[str]) -> Results | None:  # noqa: ARG001 - as every form
    """Read precision, recall and F1 by threshold, of all classes or of each."""
    if not results.is_rows(value) or results.column(value[0], results.THRESHOLD) is None:
        return None
    key = results.column(value[0], CLASS)
    if key is not None and len({row.get(key) for row in value}) == len(value):
        return None  # a threshold of each class
    found = Results("curve")
    for row in value:
        found.add_point(None if key is None else row.get(key), row)
    return found


def by_class(value: Any, known: Collection[str]) -> Results | None:
    """Read the rows of classes; those named `all`, `macro avg` and the like are about all, unless a class is named so.

    The column of the classes is known by its name, else by what it has: classes of the labelmap.
    """
    if not results.is_rows(value):
        return None
    key = results.column(value[0], CLASS)
    if key is None:
        key = _class_column(value, known)
    if key is None or not any(_is_measured(row) for row in value):
        return None
    found = Results("classes (Ultralytics)" if "Box-P" in value[0] or "Class" in value[0] else "classes")
    for row in value:
        cells = {name: cell for name, cell in row.items() if name != key and results.plain(name) not in CLASS}
        label = str(row.get(key, "")).strip()
        if label in known or label.lower() not in (*_ALL, _ACCURACY):
            found.add_class(row.get(key, ""), cells)
        elif label.lower() == _ACCURACY:
            found.add_metrics({_ACCURACY: next((cell for cell in cells.values() if results.is_number(cell)), None)})
        else:
            _add_all(found, label.lower(), cells)
    return found


def _class_column(value: Rows, known: Collection[str]) -> str | None:
    """Return the first column that has classes of the labelmap, and rows about all, in each row; None for none."""
    for name in value[0]:
        cells = [str(row.get(name, "")).strip() for row in value]
        if any(cell in known for cell in cells) and all(cell in known or cell.lower() in _ALL for cell in cells):
            return name
    return None


def _is_measured(row: Mapping[str, Any]) -> bool:
    """Return whether a row has a number beside its class, be it NaN or infinite."""
    return any(type(cell) in (int, float) for name, cell in row.items() if results.plain(name) not in CLASS)


def _add_all(found: Results, label: str, cells: Mapping[str, Any]) -> None:
    begin = _ALL[label]
    about = {name: cell for name, cell in cells.items() if name.lower() not in (*results.SUPPORT, "images")}
    found.add_metrics({f"{begin}{name}": cell for name, cell in about.items()})


def training_log(value: Any, known: Collection[str]) -> Results | None:  # noqa: ARG001 - as every form
    """Read the best epoch of a log of Ultralytics, or its only row."""
    if not results.is_rows(value) or not any(name.startswith("metrics/") for name in value[-1]):
        return None
    epochs = value_rows.joined(value)
    by = next((name for name in _BEST if any(name in row for row in epochs)), "")
    best = value_rows.best(epochs, by) or epochs[-1]
    found = Results("results.csv (Ultralytics)")
    found.add_metrics({name: cell for name, cell in best.items() if name.startswith("metrics/")})
    if len(epochs) > 1:
        found.remarks.append(f"epoch {best.get('epoch', epochs.index(best) + 1)} of {len(epochs)}, the best by {by}")
    return found


def named(value: Any, known: Collection[str]) -> Results | None:  # noqa: ARG001 - as every form
    """Read metrics of all classes, a row for each: `metric,value`."""
    if not results.is_rows(value):
        return None
    metric, number = results.column(value[0], _METRIC), results.column(value[0], _VALUE)
    if metric is None or number is None:
        return None
    found = Results("metrics")
    for row in value:
        label = str(row.get(metric, "")).strip()
        if label in found.metrics:
            raise MalformedError(f"metric {escape_name(label[:40])} occurs twice")
        found.add_metrics({label: row.get(number)})
    return found


def one_row(value: Any, known: Collection[str]) -> Results | None:  # noqa: ARG001 - as every form
    """Read one row of metrics of all classes."""
    if not results.is_rows(value) or len(value) != 1 or not results.is_metrics(value[0]):
        return None
    found = Results("metrics")
    found.add_metrics(value[0])
    return found


def predictions(value: Any, known: Collection[str]) -> Results | None:  # noqa: ARG001 - as every form
    """Refuse the predictions that `model.val(save_json=True)` writes."""
    if results.is_rows(value) and {"image_id", "score"} <= value[0].keys():
        raise MalformedError("it has predictions, not results: evaluate them first, for example with pycocotools")
    return None
