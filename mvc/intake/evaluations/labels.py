"""The classes of results, by the names that a version gives them.

"helmet"            the class of that name
0                   the class of that number in the labelmap
"hard_hat"          the class `hard hat`: Ultralytics replaces other signs in the names of a confusion matrix
"background"        what is no class, in a confusion matrix
anything else       unknown
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from mvc import lazy
from mvc.formats.values.malformed import MalformedError
from mvc.intake.evaluations import metric_names
from mvc.intake.evaluations.results import ClassKey, Results, Row, class_key
from mvc.model.labelmap import Labelmap
from mvc.model.paths import escape_name
from mvc.storage.records.annotations.evaluations import BACKGROUND, ClassResult, Curve, Matrix, Number

_CLEANED = re.compile(r"[^a-zA-Z0-9_]")
_SHOWN = 5
_ROWS = "Name the class of each row, in order, with --classes; a row is an actual class, a column a predicted one."
_DIGITS = 6
"""Digits of a mean behind its point."""
T = TypeVar("T")


class OrderUnknownError(MalformedError):
    """A confusion matrix without names, whose classes may be in several orders; `fix` says how to name them."""

    def __init__(self, reason: str, fix: str) -> None:
        """Store both."""
        self.fix = fix
        super().__init__(reason)


class Labels:
    """The classes of a version; `unknown` are those of results that it does not have."""

    def __init__(self, labelmap: Labelmap) -> None:
        """Take the classes of a labelmap."""
        self.names = {name: number for number, name in labelmap}
        self._by_number = dict(labelmap)
        self._by_cleaned: dict[str, list[str]] = {}
        for name in self.names:
            self._by_cleaned.setdefault(_CLEANED.sub("_", name), []).append(name)
        self.unknown: dict[str, None] = {}

    def name(self, key: ClassKey) -> str:
        """Return the name of a class; one that is unknown keeps the name that it has, or its number."""
        text = str(key)
        if text in self.names:
            return text
        number = int(text) if text.isdecimal() and len(text) < 11 else None
        if number is not None and number in self._by_number:
            return self._by_number[number]
        alike = self._by_cleaned.get(text, [])
        if len(alike) == 1:
            return alike[0]
        if self.names or number is not None:
            self.unknown[text] = None
        return text

    def classes(self, found: Results) -> tuple[ClassResult, ...]:
        """Return the results of classes, in the order of the labelmap; raise MalformedError for a class that occurs twice."""
        named = self._named(found.classes)
        return tuple(ClassResult(name, row.metrics, row.support) for name, row in named if row.metrics or row.support)

    def order(self, found: Results, names: Sequence[str]) -> None:
        """Name the rows of a confusion matrix without names: by `names`, else by the labelmap if that order is the only one.

        scikit-learn sorts names, so a labelmap that is sorted leaves no doubt. Raises OrderUnknownError.
        """
        if found.grid is None or not found.is_unnamed:
            return
        count, known = len(found.grid.labels), [name for _, name in sorted(self._by_number.items())]
        if names and len(names) != count:
            raise OrderUnknownError(f"its confusion matrix has {count} rows, and {len(names)} classes are named", _ROWS)
        if not names and (len(known) != count or known != sorted(known)):
            raise OrderUnknownError(f"its confusion matrix has {count} rows without the names of classes", _fix(known))
        if not names:
            found.remarks.append(
                "a confusion matrix without names: its rows are the classes of the labelmap, which are sorted"
            )
        found.grid = found.grid._replace(labels=[class_key(name) for name in names or known])

    def matrix(self, found: Results) -> Matrix | None:
        """Return the confusion matrix, in its own order. Raises as `classes`."""
        if found.grid is None:
            return None
        labels = found.grid.labels
        names = [BACKGROUND if key == BACKGROUND and key not in self.names else self.name(key) for key in labels]
        _check_once(names)
        return Matrix(tuple(names), tuple(found.grid.cells))

    def curves(self, found: Results) -> tuple[Curve, ...]:
        """Return the curves, that of all classes first. Raises as `classes`."""
        ordered = {
            key: tuple(sorted(points, key=lambda point: point.threshold)) for key, points in found.points.items()
        }
        of_all = [Curve("", points) for key, points in ordered.items() if key is None]
        by_class = self._named({key: points for key, points in ordered.items() if key is not None})
        return (*of_all, *(Curve(name, points) for name, points in by_class))

    def _named(self, parts: Mapping[ClassKey, T]) -> Sequence[tuple[str, T]]:
        named = [(self.name(key), part) for key, part in parts.items()]
        _check_once([name for name, _ in named])
        return sorted(named, key=lambda pair: self.names.get(pair[0], len(self.names) + len(named)))

    def suggestion(self) -> str:
        """Return a hint at the classes that the unknown ones may mean."""
        if not self.names:
            return "The version has no labelmap: name the classes in the file, or set it with `mvc set labelmap.path=FILE`."
        pairs = [f"{escape_name(near)} for {escape_name(name)}" for name in self.unknown for near in self._near(name)]
        if pairs:
            return f"Did you mean {', '.join(pairs[:_SHOWN])}?"
        listed = ", ".join(escape_name(name) for name in list(self.names)[:_SHOWN])
        return f"Its classes are {listed}{', …' if len(self.names) > _SHOWN else ''}."

    def _near(self, name: str) -> Iterator[str]:
        by_letters = {each.lower(): each for each in self.names}
        close: list[str] = lazy.load("difflib").get_close_matches(name.lower(), list(by_letters), 1, 0.6)
        yield from (by_letters[each] for each in close)


def _fix(known: Sequence[str]) -> str:
    """Return how to name the rows of a confusion matrix, for a labelmap."""
    given, ordered = (shlex.quote(",".join(map(escape_name, names))) for names in (known, sorted(known)))
    if not known or len(known) > _SHOWN:
        return _ROWS
    other = f"; scikit-learn sorts names, --classes {ordered}" if ordered != given else ""
    return f"{_ROWS} The labelmap has --classes {given}{other}."


def with_means(metrics: Mapping[str, Number], rows: Sequence[Row]) -> dict[str, Number]:
    """Return the metrics of all; a mean over classes is added where only these have it."""
    found = dict(metrics)
    for of_class, overall in metric_names.MEANS.items():
        values = [row.metrics[of_class] for row in rows if of_class in row.metrics]
        if values and overall not in found:
            found[overall] = round(_mean(values), _DIGITS)
    return found


def _mean(values: Sequence[Number]) -> float:
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return math.fsum(value / len(values) for value in values)


def _check_once(names: Sequence[str]) -> None:
    twice = (
        next((name for at, name in enumerate(names) if name in names[:at]), None)
        if len(set(names)) < len(names)
        else None
    )
    if twice is not None:
        raise MalformedError(f"class {escape_name(twice[:40])} occurs twice")
