"""Results as a file has them: classes by name or by number, not yet compared with a labelmap."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple

from mvc.deferred import dataclass
from mvc.formats.values.malformed import MalformedError
from mvc.intake.evaluations import metric_names
from mvc.model.paths import escape_name
from mvc.storage.records.annotations.evaluations import MAX_CELLS, MAX_CLASSES, MAX_POINTS, Cell, Number, Point

ClassKey = str | int
"""A class as a file names it: its name, or its number."""
SUPPORT = ("support", "instances", "targets", "labels", "pixels")
"""The columns with the number of objects of a class."""
THRESHOLD = ("threshold", "confidence", "conf")
"""The columns with the threshold of a point of a curve."""
_LARGEST = 1 << 63
_MOST = 1 + 1e-6
"""The largest share, with what rounding adds."""
_ABSENT = -1
"""What COCO and torchmetrics write for a metric that has no objects to be measured on."""


class Row(NamedTuple):
    """The results of one class."""

    metrics: dict[str, Number]
    support: int | None


class Grid(NamedTuple):
    """A confusion matrix: actual classes by predicted ones."""

    labels: list[ClassKey]
    cells: list[Cell]


@dataclass(slots=True)
class Results:
    """What a file has. `points` are the curves by class, None for that of all; `remarks` are for the person who adds it."""

    form: str
    metrics: dict[str, Number] = field(default_factory=dict)
    classes: dict[ClassKey, Row] = field(default_factory=dict)
    grid: Grid | None = None
    is_unnamed: bool = False
    """True if the labels of the confusion matrix are the numbers of its rows, since it has no names."""
    points: dict[ClassKey | None, list[Point]] = field(default_factory=dict)
    thresholds: dict[str, Number] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    """The names of values that are left out: not finite, or -1 for a metric that has no objects."""

    def add_metrics(self, values: Mapping[str, Any], *, absent: bool = False) -> None:
        """Add metrics of all classes; what is no number is skipped. With `absent`, -1 is none, too."""
        self.metrics |= self._numbers(values, overall=True, absent=absent)

    def add_class(self, key: Any, values: Mapping[str, Any], *, absent: bool = False) -> None:
        """Add the metrics of a class; raise MalformedError for one that occurs twice, or is no class."""
        key = class_key(key)
        if key in self.classes:
            raise MalformedError(f"class {escape_name(str(key)[:40])} occurs twice")
        if len(self.classes) >= MAX_CLASSES:
            raise MalformedError(f"it has more than {MAX_CLASSES:,} classes")
        support = next((value for name, value in values.items() if name.strip().lower() in SUPPORT), None)
        measured = {name: value for name, value in values.items() if name.strip().lower() not in (*SUPPORT, "images")}
        metrics = self._numbers(measured, overall=False, absent=absent)
        for name in [name for name, value in metrics.items() if value == _ABSENT and _is_precision(name)]:
            del metrics[name]
            self.dropped.append(name)
        self.classes[key] = Row(metrics, _objects(support))

    def add_point(self, key: Any, values: Mapping[str, Any]) -> None:
        """Add a point of the curve of a class, None for that of all; raise MalformedError without a threshold."""
        names = {metric_names.overall(name): value for name, value in values.items()}
        threshold = next((value for name, value in values.items() if name.strip().lower() in THRESHOLD), None)
        if threshold is None or not is_number(threshold):
            raise MalformedError("a point of a curve has no threshold")
        if sum(map(len, self.points.values())) >= MAX_POINTS:
            raise MalformedError(f"it has more than {MAX_POINTS:,} points of curves")
        parts = (names.get(name) for name in ("precision", "recall", "f1"))
        point = Point(threshold, *(part if is_number(part) else None for part in parts))
        self.points.setdefault(None if key is None else class_key(key), []).append(point)

    def set_grid(self, labels: Sequence[Any], rows: Iterable[Sequence[Any]], *, transposed: bool = False) -> None:
        """Set the confusion matrix: a row for each actual class, or with `transposed` for each predicted one."""
        if len(labels) > MAX_CLASSES + 1:
            raise MalformedError(f"its confusion matrix has more than {MAX_CLASSES:,} classes")
        cells: list[Cell] = []
        for at, row in enumerate(rows):
            if len(row) != len(labels) or at >= len(labels):
                raise MalformedError("its confusion matrix is not square")
            for other, value in enumerate(row):
                if not is_number(value) or value < 0:
                    raise MalformedError("a cell of its confusion matrix is not a number from 0")
                if value:
                    cells.append(Cell(*((other, at) if transposed else (at, other)), _whole(value)))
            if len(cells) > MAX_CELLS:
                raise MalformedError(f"its confusion matrix has more than {MAX_CELLS:,} cells that are not zero")
        self.grid = Grid([class_key(label) for label in labels], sorted(cells))

    @property
    def is_empty(self) -> bool:
        """True without any result."""
        return not (self.metrics or self.classes or self.grid or self.points)

    def _numbers(self, values: Mapping[str, Any], *, overall: bool, absent: bool) -> dict[str, Number]:
        found: dict[str, Number] = {}
        for spelling, value in values.items():
            name = (metric_names.overall if overall else metric_names.of_class)(spelling)
            if isinstance(value, int | float) and not isinstance(value, bool) and spelling.strip():
                if not is_number(value) or (absent and value == _ABSENT):
                    self.dropped.append(name)
                elif metric_names.is_share(name) and value > _MOST:
                    raise MalformedError(
                        f"{escape_name(spelling.strip()[:40])} is {value}, and at most 1: write it as a share, or in a table with %"
                    )
                else:
                    found.setdefault(name, value)
            elif isinstance(value, str) and metric_names.is_share(name):  # such as n/a
                self.dropped.append(name)
        return found


def _is_precision(name: str) -> bool:
    """Return whether a metric of a class is an AP or AR, of which -1 is none whatever the file."""
    return name.partition("-")[0] in ("AP", "AP50", "AP75", "AR", "AR1", "AR10", "AR100", "mAP")


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number that a record can hold."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < _LARGEST
    return isinstance(value, float) and math.isfinite(value)


def class_key(value: Any) -> ClassKey:
    """Return a class as it is named in a file; raise MalformedError."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise MalformedError(f"{escape_name(str(value)[:40]) or 'an empty name'} is not a class")
    return value.strip() if isinstance(value, str) else value


def is_metrics(value: Any) -> bool:
    """Return whether a value is a map of metrics: a number or more, and no list and no map."""
    return (
        isinstance(value, Mapping)
        and any(isinstance(part, int | float) for part in value.values())
        and not any(isinstance(part, list | dict) for part in value.values())
    )


def is_rows(value: Any) -> bool:
    """Return whether a value is a list of maps."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def is_square(value: Any) -> bool:
    """Return whether a value is a list of as many lists as it is long."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, list) and len(row) == len(value) for row in value)
    )


def plain(name: str) -> str:
    """Return the name of a column as it is compared: `Class Name` is `class_name`."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def column(row: Mapping[str, Any], names: Collection[str]) -> str | None:
    """Return the first of `names` that is a key of a row, whatever its letter case; None for none."""
    keys = {plain(key): key for key in row}
    return next((keys[name] for name in names if name in keys), None)


def _objects(support: Any) -> int | None:
    """Return the number of objects of a class; None if it is none."""
    return int(support) if is_number(support) and 0 <= support < _LARGEST and float(support).is_integer() else None


def _whole(value: Number) -> Number:
    return int(value) if abs(value) < _LARGEST and float(value).is_integer() else value
