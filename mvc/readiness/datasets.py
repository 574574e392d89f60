"""Conditions on the dataset versions of a job or a training, which only their registry knows.

OfDatasets("the dataset", has_type_of)(subject)   → unknown: requires the dataset
with `--online`                                   → no: traffic@12 has the type SEGMENTATION
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mvc.deferred import dataclass
from mvc.readiness import verdict
from mvc.readiness.conditions import External
from mvc.readiness.outside import Dataset
from mvc.readiness.subject import Subject
from mvc.readiness.values import NOT_CONFIGURED
from mvc.readiness.verdict import OK, Verdict, no, unknown

_MAX_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OfDatasets(External):
    """A test that holds for every dataset version; unknown as long as none may be asked for, or none is known."""

    test: Callable[[Subject, Dataset], Verdict]

    def __call__(self, subject: Subject) -> Verdict:
        """Test each dataset version."""
        if subject.outside is None:
            return External.__call__(self, subject)
        datasets = subject.outside.datasets()
        if not datasets:
            return unknown(f"requires {self.source}: none is recorded in source.datasets or named with --dataset")
        return verdict.all_of(
            unknown(f"{dataset.label}: {dataset.fault}") if dataset.fault else self.test(subject, dataset)
            for dataset in datasets
        )


def has_type_of(subject: Subject, dataset: Dataset) -> Verdict:
    """Compare `model.type` with the type of a dataset version, if that has one."""
    type_ = subject.manifest.type
    if dataset.type in (None, type_):
        return OK
    if type_ in (None, NOT_CONFIGURED):
        return unknown("depends on model.type, which is not set")
    return no(f"{dataset.label} has the type {dataset.type}", f"mvc set model.type={dataset.type}")


def shares_class(subject: Subject, dataset: Dataset) -> Verdict:
    """Check that a dataset version has at least one class of the labelmap."""
    classes = _classes(subject)
    if not classes:
        return unknown("depends on the labelmap, which is not set")
    if classes & dataset.classes:
        return OK
    return no(f"{dataset.label} has none of them, but {_listed(dataset.classes) or 'no class at all'}")


def has_classes_of(subject: Subject, dataset: Dataset) -> Verdict:
    """Check that a dataset version has exactly the classes of the labelmap; if not, it depends on the job."""
    classes = _classes(subject)
    sides = (("the labelmap", classes - dataset.classes), (dataset.label, dataset.classes - classes))
    reasons = [f"only in {side}: {_listed(only)}" for side, only in sides if only]
    if not reasons:
        return OK
    return unknown(f"requires the job's parameters, since classes differ: {'; '.join(reasons)}")


def _classes(subject: Subject) -> frozenset[str]:
    return frozenset(name for _, name in subject.manifest.labelmap)


def _listed(names: Iterable[str]) -> str:
    names = sorted(names)
    rest = len(names) - _MAX_SHOWN
    return ", ".join([*names[:_MAX_SHOWN], *([f"{rest} more"] if rest > 0 else [])])
