"""Evaluations: what a version measured on a version of a dataset, in all and by class.

    evaluations/<model>/<version id>/0000000001   {"dataset":"night","dataset_version":"3","metrics":{"mAP50":0.61},…}

A cell of the confusion matrix is the count of one actual and one predicted class, by their places in its `names`; cells of
zero are left out. A curve has a point for each threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import partial
from typing import Any, NamedTuple, Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId
from mvc.storage.records.annotations.log import Annotation
from mvc.storage.records.annotations.remarks import Value
from mvc.storage.records.record import OMITTED
from mvc.storage.records.reflog import EVALUATIONS

MAX_CLASSES = 5_000
MAX_CELLS = 100_000
MAX_POINTS = 20_000
MAX_METRICS = 200
MAX_NAME = 500
"""Classes, cells of the matrix, points of all curves, metrics of all or of one class, and letters of a name, at most."""
BACKGROUND = "background"
"""The class of a matrix for an object that was not found, or for a detection of no object."""

Number = int | float


class SourceFile(NamedTuple):
    """A file that was read: its name, the BLAKE3 of its bytes, and the form that was recognised."""

    name: str
    id: FileId
    form: str


@dataclass(frozen=True, slots=True)
class ClassResult:
    """The metrics of one class; `support` is the number of its objects or images, None if it is not known."""

    name: str
    metrics: Mapping[str, Number]
    support: int | None = field(default=None, metadata=OMITTED)


class Cell(NamedTuple):
    """A cell of a confusion matrix that is not zero: places in `names`, and the count, or the share of a normalized one."""

    actual: int
    predicted: int
    value: Number


_cell = partial(tuple.__new__, Cell)
"""Cell._make, without a call in Python for each cell."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix by the names of its classes; `background` may be among them."""

    names: tuple[str, ...]
    cells: tuple[Cell, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the matrix as a record has it: the numbers of the cells, one after the other."""
        return {"names": [*self.names], "cells": [number for cell in self.cells for number in cell]}

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """Return the matrix in `values`; raise ValueError and the like. Thousands of cells are checked at once."""
        names, numbers = values["names"], values["cells"]
        columns = [numbers[at::3] for at in range(3)]
        if (
            len(values) > len(("names", "cells"))
            or (type(names), type(numbers), len(numbers) % 3) != (list, list, 0)
            or not {str} >= {*map(type, names)}
            or not {int} >= {*map(type, columns[0]), *map(type, columns[1])}
            or not {int, float} >= {*map(type, columns[2])}
            or min((*columns[0], *columns[1]), default=0) < 0
        ):
            raise ValueError
        return cls(tuple(names), tuple(map(_cell, zip(*columns, strict=True))))


class Point(NamedTuple):
    """A point of a curve; None for what is not known."""

    threshold: Number
    precision: Number | None
    recall: Number | None
    f1: Number | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision, recall and F1 by confidence threshold, of a class, or of all with the name ""."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Evaluation(Annotation):
    """The results of a version on `dataset` in `dataset_version`; `values` are what else its author recorded."""

    KIND = "evaluation"
    NOUN = "evaluation"
    FOLDER = EVALUATIONS
    MAX_BYTES = 4 << 20

    dataset: str = ""
    dataset_version: str = ""
    files: tuple[SourceFile, ...] = ()
    metrics: Mapping[str, Number] = field(default_factory=dict)
    classes: tuple[ClassResult, ...] = ()
    matrix: Matrix | None = field(default=None, metadata=OMITTED)
    curves: tuple[Curve, ...] = ()
    thresholds: Mapping[str, Number] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def named(self) -> str:
        """The dataset with its version: `night@3`."""
        return f"{self.dataset}@{self.dataset_version}"

    def content_fault(self) -> str | None:
        """Return the reason why the evaluation is invalid; None for a valid one."""
        if not self.dataset or not self.dataset_version or "@" in self.dataset_version:
            return "it names no version of a dataset"
        if not (self.metrics or self.classes or self.matrix or self.curves):
            return "it has no result"
        return (
            self._excess() or _repeated(self.classes, "class") or _repeated(self.curves, "curve") or self._misplaced()
        )

    def _excess(self) -> str | None:
        """Return what there is too much of."""
        cells = len(self.matrix.cells) if self.matrix is not None else 0
        labels = len(self.matrix.names) if self.matrix is not None else 0
        metrics = max(len(self.metrics), *(len(each.metrics) for each in self.classes), 0)
        counts = (
            (max(len(self.classes), labels - 1), MAX_CLASSES, "classes"),
            (cells, MAX_CELLS, "cells of the confusion matrix that are not zero"),
            (sum(len(curve.points) for curve in self.curves), MAX_POINTS, "points of curves"),
            (metrics, MAX_METRICS, "metrics"),
            (max(map(len, self._names()), default=0), MAX_NAME, "letters of a name"),
        )
        return next(
            (f"it has {count:,} {what}, more than {most:,}" for count, most, what in counts if count > most), None
        )

    def _names(self) -> Iterable[str]:
        yield from (self.dataset, self.dataset_version, *self.metrics, *self.thresholds, *self.values)
        yield from (file.name for file in self.files)
        for each in self.classes:
            yield from (each.name, *each.metrics)
        yield from (curve.name for curve in self.curves)
        yield from self.matrix.names if self.matrix is not None else ()

    def _misplaced(self) -> str | None:
        """Return the fault of the confusion matrix."""
        if self.matrix is None:
            return None
        names, cells = self.matrix.names, self.matrix.cells
        places = {cell[:2] for cell in cells}
        if len(set(names)) < len(names) or len(places) < len(cells):
            return "a class or a cell of the confusion matrix occurs twice"
        last = max((place for pair in places for place in pair), default=-1)
        return None if last < len(names) else "a cell is outside of the confusion matrix"

    @classmethod
    def refusal(cls, reason: str) -> errors.MvcError:
        """Return the error for an evaluation that cannot be added."""
        return errors.BadEvaluation(reason=reason)


def _repeated(parts: Iterable[ClassResult | Curve], what: str) -> str | None:
    """Return the fault of parts of which two have the same name."""
    seen: set[str] = set()
    for part in parts:
        if part.name in seen:
            return f"{what} {part.name!r} occurs twice"
        seen.add(part.name)
    return None


def newest(evaluations: Iterable[Evaluation]) -> dict[str, Evaluation]:
    """Return the newest evaluation on each dataset, by `night` and by `night@3`; they come oldest first."""
    return {name: each for each in evaluations for name in (each.dataset, each.named)}


def values(evaluation: Evaluation) -> dict[str, Any]:
    """Return what expressions find: further values and metrics by name, those of classes below `class`."""
    classes = {row.name: {"support": row.support, **row.metrics} for row in evaluation.classes}
    return {**evaluation.values, **evaluation.metrics, "class": classes}
