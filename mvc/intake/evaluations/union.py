"""Results of several files of one evaluation, as one: the metrics of one, the confusion matrix of another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from mvc.formats.values.malformed import MalformedError
from mvc.intake.evaluations.results import ClassKey, Results, Row
from mvc.model.paths import escape_name

K = TypeVar("K")
V = TypeVar("V")


def joined(results: Iterable[Results]) -> Results:
    """Return what all have together; raise MalformedError for what two of them have, with other values."""
    every = Results("")
    for each in results:
        if each.grid is not None and every.grid is not None and each.grid != every.grid:
            raise MalformedError("it is the second file with a confusion matrix")
        every = replace(
            every,
            metrics=_union(every.metrics, each.metrics),
            thresholds=_union(every.thresholds, each.thresholds),
            classes=_classes(every.classes, each.classes),
            points=_union(every.points, each.points),
            grid=each.grid or every.grid,
            is_unnamed=each.is_unnamed or every.is_unnamed,
            remarks=[*every.remarks, *each.remarks],
            dropped=[*every.dropped, *each.dropped],
        )
    return every


def _classes(one: Mapping[ClassKey, Row], other: Mapping[ClassKey, Row]) -> dict[ClassKey, Row]:
    rows = dict(one)
    for key, row in other.items():
        known = rows.get(key, Row({}, None))
        support = known.support if row.support is None else row.support
        rows[key] = Row(_union(known.metrics, row.metrics), support)
    return rows


def _union(one: Mapping[K, V], other: Mapping[K, V]) -> dict[K, V]:
    for key, value in other.items():
        if one.get(key, value) != value:
            raise MalformedError(f"another file has another value of {escape_name(str(key)[:40])}")
    return {**one, **other}
