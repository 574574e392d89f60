"""Documents in JSON: results as Ultralytics, COCO, torchmetrics and scikit-learn give them, and a plain form.

{"metrics/mAP50(B)": 0.61, …}                           Ultralytics, `metrics.results_dict`
{"stats": [0.41, 0.61, …]}  or  [0.41, 0.61, …]         pycocotools, 12 numbers, of keypoints 10
{"map": 0.41, "map_50": 0.61, "map_per_class": […]}     torchmetrics, MeanAveragePrecision
{"helmet": {"precision": 0.9, …}, "macro avg": {…}}     scikit-learn, classification_report
[[50, 3], [4, 43]]                                      scikit-learn, confusion_matrix
{"metrics": {…}, "classes": […], "confusion_matrix": {"labels": […], "matrix": […]}, "curve": […]}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mvc.formats.values.malformed import MalformedError
from mvc.intake.evaluations import results, tables
from mvc.intake.evaluations.results import Results

_STATS = {
    12: ("map", "map_50", "map_75", "map_small", "map_medium", "map_large",
         "mar_1", "mar_10", "mar_100", "mar_small", "mar_medium", "mar_large"),
    10: ("map", "map_50", "map_75", "map_medium", "map_large", "AR", "AR50", "AR75", "mar_medium", "mar_large"),
}  # fmt: skip
"""The numbers of pycocotools, of boxes and masks, and of keypoints."""
_BY_CLASS = ("per_category", "per_class", "categories", "classes", "class_results")
_PARTS = {"metrics", "thresholds", "confusion_matrix", "curve", "curves", *_BY_CLASS}
_REPORTED = {"precision", "recall", "support"}


def coco(value: Any, known: Collection[str]) -> Results | None:
    """Read the `stats` of pycocotools, with the results of each category if they are beside it."""
    stats = value.get("stats") if isinstance(value, Mapping) else value
    if (
        not isinstance(stats, list)
        or len(stats) not in _STATS
        or not all(isinstance(each, int | float) for each in stats)
    ):
        return None
    found = Results("COCO")
    found.add_metrics(dict(zip(_STATS[len(stats)], stats, strict=True)), absent=True)
    if isinstance(value, Mapping):
        _add_classes(found, value, known)
    return found


def torchmetrics(value: Any, known: Collection[str]) -> Results | None:  # noqa: ARG001 - as every form
    """Read what `MeanAveragePrecision.compute()` returns."""
    if not isinstance(value, Mapping) or not {"map", "map_50"} <= value.keys():
        return None
    found = Results("torchmetrics")
    found.add_metrics({name: part for name, part in value.items() if name != "classes"}, absent=True)
    for name in ("map_per_class", "mar_100_per_class"):
        found.metrics.pop(name, None)
    classes = value.get("classes")
    columns = {"map": value.get("map_per_class"), "mar_100": value.get("mar_100_per_class")}
    if isinstance(classes, int):  # of one class, lists are numbers
        classes, columns = [classes], {name: [part] for name, part in columns.items() if part not in (None, -1)}
    lists = {name: part for name, part in columns.items() if isinstance(part, list)}
    if not isinstance(classes, list) or any(len(part) != len(classes) for part in lists.values()):
        if lists:
            raise MalformedError("it has results of classes, and another number of `classes`")
        return found
    for at, key in enumerate(classes if lists else ()):
        found.add_class(key, {name: part[at] for name, part in lists.items()}, absent=True)
    return found


def report(value: Any, known: Collection[str]) -> Results | None:
    """Read `classification_report(…, output_dict=True)`."""
    if not isinstance(value, Mapping):
        return None
    parts = {name: part for name, part in value.items() if isinstance(part, Mapping)}
    if not parts or not all(part.keys() >= _REPORTED for part in parts.values()):
        return None
    found = tables.by_class([{"class": name, **part} for name, part in parts.items()], known) or Results("")
    found.form = "classification report"
    found.add_metrics({name: part for name, part in value.items() if results.is_number(part)})
    return found


def metrics(value: Any, known: Collection[str]) -> Results | None:  # noqa: ARG001 - as every form
    """Read a map of metrics of all classes, as `results_dict` of Ultralytics is one."""
    if not results.is_metrics(value):
        return None
    found = Results("metrics (Ultralytics)" if any(name.startswith("metrics/") for name in value) else "metrics")
    found.add_metrics(value)
    return found


def square(value: Any, known: Collection[str]) -> Results | None:  # noqa: ARG001 - as every form
    """Read a confusion matrix without the names of its classes."""
    if not results.is_square(value):
        return None
    found = Results("confusion matrix")
    _set_matrix(found, value, None)
    return found


def parts(value: Any, known: Collection[str]) -> Results | None:
    """Read the plain form, whose parts are named; each is optional."""
    if not isinstance(value, Mapping):
        return None
    alone = {"matrix", "labels"} <= value.keys()
    if not alone and not any(isinstance(value.get(name), dict | list) for name in _PARTS):
        return None
    found = Results("parts")
    for name in ("metrics", "thresholds"):
        if not isinstance(value.get(name, {}), Mapping):
            raise MalformedError(f"its {name} are not a map")
    found.add_metrics(value.get("metrics", {}))
    found.thresholds |= {name: part for name, part in value.get("thresholds", {}).items() if results.is_number(part)}
    _add_classes(found, value, known)
    _add_matrix(found, value, value if alone else value.get("confusion_matrix"), known)
    for name in ("curve", "curves"):
        if value.get(name):
            read = tables.curve(value[name], known)
            if read is None:
                raise MalformedError(f"its {name} has no rows with a threshold")
            found.points |= read.points
    return found


def _add_classes(found: Results, value: Mapping[str, Any], known: Collection[str]) -> None:
    """Add the results of classes: rows with a class, or a map of each class to its metrics, or to its AP."""
    for name in _BY_CLASS:
        part = value.get(name)
        if isinstance(part, Mapping):
            part = [{"class": key, **(row if isinstance(row, Mapping) else {"AP": row})} for key, row in part.items()]
        if not part or not results.is_rows(part):
            continue
        read = tables.by_class(part, known)
        if read is None:
            raise MalformedError(f"its {name} have no name, or no numbers")
        found.classes |= read.classes
        found.metrics = {**read.metrics, **found.metrics}
        found.dropped += read.dropped
        return


def _add_matrix(found: Results, value: Mapping[str, Any], part: Any, known: Collection[str]) -> None:
    if part is None:
        return
    labels = value.get("labels")
    if isinstance(part, Mapping):
        labels, part = part.get("labels", labels), part.get("matrix")
    if results.is_rows(part) and labels is None and (read := tables.matrix(part, known)) is not None:
        found.grid = read.grid
        return
    if not results.is_square(part) or (labels is not None and len(labels) != len(part)):
        raise MalformedError("its confusion matrix is not square, or has another number of labels")
    _set_matrix(found, part, labels)


def _set_matrix(found: Results, rows: list[list[Any]], labels: list[Any] | None) -> None:
    found.is_unnamed = labels is None
    labels = list(range(len(rows))) if labels is None else labels
    found.set_grid(labels, rows)
