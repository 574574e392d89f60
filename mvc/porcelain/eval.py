"""`mvc eval`: what versions measured on versions of datasets, in all and by class.

An evaluation is not part of a version's identity. Evaluations are only appended: removing one adds an entry that withdraws
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.labelmap import Labelmap
from mvc.model.version import Timestamp
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.storage.records.annotations import log as logs
from mvc.storage.records.annotations.evaluations import Curve, Evaluation, Number, SourceFile
from mvc.storage.records.annotations.remarks import Value

_ORDER = ("mAP50", "mAP50-95", "mAP75", "AP50", "AP", "AP75", "precision", "recall", "f1", "accuracy")
"""The usual metrics, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class ListedEvaluation(Document):
    """An evaluation of a version on `dataset` in `dataset_version`: its number among those of that version, and its metrics.

    `version_number` is the version's number, None if that version is not here. `files` are the files that were read, each
    with the BLAKE3 of its bytes and its form; `thresholds` those that the metrics depend on; `values` what else its author
    recorded; `class_count` how many classes have results. `removed` is True for a removed evaluation.
    """

    KEYS = keys(
        "version version_number number dataset dataset_version time by files metrics thresholds values class_count removed"
    )

    version: VersionId
    version_number: int | None
    number: int
    dataset: str
    dataset_version: str
    time: Timestamp
    by: str
    files: tuple[SourceFile, ...]
    metrics: Mapping[str, Number]
    thresholds: Mapping[str, Number]
    values: Mapping[str, Value]
    class_count: int
    removed: bool = False

    @classmethod
    def of(cls, entry: Evaluation, version_number: int | None, *, removed: bool = False) -> ListedEvaluation:
        """Return an entry of a log."""
        return cls(
            entry.version,
            version_number,
            entry.seq,
            entry.dataset,
            entry.dataset_version,
            entry.at,
            entry.by,
            entry.files,
            entry.metrics,
            entry.thresholds,
            entry.values,
            len(entry.classes),
            removed,
        )

    @property
    def named(self) -> str:
        """The dataset with its version: `night@3`."""
        return f"{self.dataset}@{self.dataset_version}"


@dataclass(frozen=True, slots=True)
class EvaluatedClass(Document):
    """The results of one class: `class_number` is its number in the labelmap, None if it has none there."""

    KEYS = keys("name class_number support metrics")

    name: str
    class_number: int | None
    support: int | None
    metrics: Mapping[str, Number]


@dataclass(frozen=True, slots=True)
class ConfusionMatrix(Document):
    """A confusion matrix. A cell has the place of its actual class, that of its predicted class, and its value.

    Cells of zero are left out. `background` is the class of objects that were not found, and of detections without an object.
    """

    KEYS = keys("names cells")

    names: tuple[str, ...]
    cells: tuple[tuple[Number, ...], ...]


@dataclass(frozen=True, slots=True)
class ShownEvaluation(Document):
    """An evaluation in full: its results by class, its confusion matrix, and precision, recall and F1 by threshold.

    The curve of all classes has an empty name.
    """

    KEYS = keys("*listed classes matrix curves")

    listed: ListedEvaluation
    classes: tuple[EvaluatedClass, ...]
    matrix: ConfusionMatrix | None
    curves: tuple[Curve, ...]

    @classmethod
    def of(
        cls, entry: Evaluation, version_number: int | None, labelmap: Labelmap, *, removed: bool = False
    ) -> ShownEvaluation:
        """Return an entry of a log, with the class numbers of a version."""
        numbers = {name: number for number, name in labelmap}
        return cls(
            ListedEvaluation.of(entry, version_number, removed=removed),
            tuple(EvaluatedClass(row.name, numbers.get(row.name), row.support, row.metrics) for row in entry.classes),
            None
            if entry.matrix is None
            else ConfusionMatrix(entry.matrix.names, tuple(tuple(cell) for cell in entry.matrix.cells)),
            entry.curves,
        )


def show(model: Model, id_: VersionId, dataset: str | None = None, *, removed: bool = False) -> list[ShownEvaluation]:
    """Return the evaluations of a version, oldest first, on `dataset` (`night` or `night@3`) or on all.

    With `removed`, also those. Raises NoSuchEvaluation for a dataset without one.
    """
    number, labelmap = version_of(model, id_)
    entries = model.repository.evaluations.entries(model.key, id_) if id_ in model.evaluated() else []
    current = {entry.nonce for entry in logs.current(entries)}
    chosen = [entry for entry in entries if entry.withdraws is None and (removed or entry.nonce in current)]
    found = [entry for entry in chosen if dataset in (None, entry.dataset, entry.named)]
    if dataset is not None and not found:
        raise no_such(history.label(model.repository, id_), f"on {dataset}", chosen)
    return [ShownEvaluation.of(entry, number, labelmap, removed=entry.nonce not in current) for entry in found]


def listed(
    model: Model, id_: VersionId | None = None, dataset: str | None = None, *, removed: bool = False
) -> list[ListedEvaluation]:
    """Return the evaluations of a version, or of all, newest first, on `dataset` or on all; with `removed`, also those.

    Raises NoModel, NoSuchEvaluation for a dataset without one.
    """
    model.check()
    every = [
        each.listed
        for version in (sorted(model.evaluated()) if id_ is None else [id_])
        for each in reversed(show(model, version, removed=removed))
    ]
    found = [each for each in every if dataset in (None, each.dataset, each.named)]
    if dataset is not None and not found:
        raise no_such(model.key if id_ is None else history.label(model.repository, id_), f"on {dataset}", every)
    return sorted(found, key=lambda each: each.time.seconds, reverse=True)


@writes
def remove(model: Model, id_: VersionId, numbers: Sequence[int] | None, actor: Actor) -> list[ListedEvaluation]:
    """Remove evaluations of a version by their numbers, None for all; they stay in the history. Raises NoSuchEvaluation.

    A damaged one is replaced by its removal.
    """
    logs, (at, _) = model.repository.evaluations, version_of(model, id_)
    with model.repository.locked():
        removed = logs.withdraw(
            *(model.key, id_, numbers),
            lambda: Evaluation(id_, 1, str(actor.person), actor.at, actor.nonce()),
            lambda number: no_such(history.label(model.repository, id_), str(number), logs.current(model.key, id_)),
        )
    return [ListedEvaluation.of(entry, at, removed=True) for entry in removed]


def ordered(names: Iterable[str]) -> list[str]:
    """Return the names of metrics, each once: the usual ones first."""
    return sorted(dict.fromkeys(names), key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


def append(model: Model, entry: Evaluation) -> Evaluation:
    """Add an entry to the log of its version. Raises BadEvaluation."""
    with model.repository.locked():
        return model.repository.evaluations.add(model.key, entry)


def no_such(version: str, name: str, entries: Iterable[Evaluation | ListedEvaluation]) -> errors.NoSuchEvaluation:
    """Return the error for an evaluation that a version does not have; `entries` are those that it has."""
    known = ", ".join(dict.fromkeys(entry.named for entry in entries))
    hint = (
        f"There are evaluations on {known}."
        if known
        else "Add one with `mvc eval add REV --dataset NAME@VERSION --file FILE`."
    )
    return errors.NoSuchEvaluation(version=version, name=name, known=hint)


def version_of(model: Model, id_: VersionId) -> tuple[int | None, Labelmap]:
    """Return the number and the labelmap of a version; None and no classes if it is not here."""
    try:
        version = model.repository.objects.version(id_)
        return version.number, model.repository.objects.manifest(version.manifest).labelmap
    except errors.Missing:
        return None, ()
