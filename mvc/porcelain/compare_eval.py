"""`mvc compare --eval`: what several versions measured on a dataset, side by side, in all and by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.document import Document, keys
from mvc.model.query import order
from mvc.porcelain import eval as evaluations
from mvc.porcelain.compare import ComparedVersion, versions
from mvc.repository.model import Model
from mvc.storage.records.annotations.evaluations import Evaluation, Number, newest


@dataclass(frozen=True, slots=True)
class EvaluatedVersion(Document):
    """A compared version, with the version of the dataset that it was measured on, and the number of that evaluation.

    Both are None for a version without an evaluation on the dataset.
    """

    KEYS = keys("*version dataset_version evaluation")

    version: ComparedVersion
    dataset_version: str | None
    evaluation: int | None


@dataclass(frozen=True, slots=True)
class ComparedMetric(Document):
    """A metric of one class, or of all with a `class_name` of None, with its value in each version.

    `differences` are those to the first version that has a value; `best` are the positions of the best values.
    """

    class_name: str | None
    metric: str
    values: tuple[Number | None, ...]
    differences: tuple[Number | None, ...]
    best: tuple[int, ...]


@dataclass(frozen=True, repr=False, slots=True)
class EvaluationComparison(Result):
    """Versions, and their metrics on a dataset, those of all classes first."""

    dataset: str
    versions: tuple[EvaluatedVersion, ...]
    metrics: tuple[ComparedMetric, ...]

    def summary(self) -> str:
        """Return what matters most, in one line."""
        names = ", ".join(f"{each.version.model} v{each.version.number}" for each in self.versions)
        return f"{names} on {self.dataset}: {len(self.metrics)} metrics"


def compare(model: Model, texts: Sequence[str], dataset: str) -> EvaluationComparison:
    """Compare the newest evaluations on `dataset` (`night` or `night@3`) of the versions that `texts` name.

    Raises NoSuchEvaluation if no version has one, WrongVersionCount, UnknownRevision, Missing, Damaged and the like.
    """
    compared = versions(model, texts)
    entries = {each.id: _entries(model, each) for each in compared}
    found = [newest(entries[each.id]).get(dataset) for each in compared]
    if not any(found):
        known = [entry for every in entries.values() for entry in every]
        raise evaluations.no_such("these versions", f"on {dataset}", known)
    rows = [
        EvaluatedVersion(version, *((entry.dataset_version, entry.seq) if entry is not None else (None, None)))
        for version, entry in zip(compared, found, strict=True)
    ]
    return EvaluationComparison(dataset, tuple(rows), tuple(metrics(found)))


def _entries(model: Model, version: ComparedVersion) -> list[Evaluation]:
    of = Model(model.repository, version.model)
    return of.repository.evaluations.current(of.key, version.id) if version.id in of.evaluated() else []


def metrics(found: Sequence[Evaluation | None]) -> Iterator[ComparedMetric]:
    """Yield the metrics of evaluations on one dataset, None for none: those of all classes, then those of each."""
    yield from _compared(None, [entry.metrics if entry is not None else {} for entry in found])
    by_class = [{row.name: row.metrics for row in entry.classes} if entry is not None else {} for entry in found]
    for name in dict.fromkeys(name for each in by_class for name in each):
        yield from _compared(name, [each.get(name, {}) for each in by_class])


def _compared(name: str | None, parts: Sequence[Mapping[str, Number]]) -> Iterator[ComparedMetric]:
    for metric in evaluations.ordered(name for part in parts for name in part):
        values = tuple(part.get(metric) for part in parts)
        first = next((value for value in values if value is not None), 0)
        differences = tuple(None if value is None else value - first for value in values)
        yield ComparedMetric(name, metric, values, differences, order.best(("eval", metric), values))
