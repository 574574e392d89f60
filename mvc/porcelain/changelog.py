"""`mvc changelog`: what changed from one version to another, and the versions between: notes for a release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.document import Document, keys, rows
from mvc.model.ids import VersionId
from mvc.model.version import Version
from mvc.porcelain import compare_eval
from mvc.porcelain.diff import Diff, diff, sides
from mvc.repository import history, refnames
from mvc.repository.model import Model
from mvc.storage.records.annotations.evaluations import Evaluation, Number, newest


@dataclass(frozen=True, slots=True)
class ChangelogVersion(Document):
    """A version of a changelog, with its branches, tags and aliases as (kind, name)."""

    KEYS = keys(
        "id number=version.number author=version.author time=version.time message=version.message",
        {"names": rows("names", "kind=0 name=1")},
    )

    id: VersionId
    version: Version
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ChangedEvaluation(Document):
    """A metric of the newest evaluation of each version on a dataset: of one class, or of all with a `class_name` of None.

    The value and the version of the dataset are None for a version without such an evaluation.
    """

    KEYS = keys("dataset class_name metric", {"old": keys("dataset_version=versions.0 value=values.0")},
                {"new": keys("dataset_version=versions.1 value=values.1")})  # fmt: skip

    dataset: str
    class_name: str | None
    metric: str
    versions: tuple[str | None, str | None]
    values: tuple[Number | None, Number | None]


@dataclass(frozen=True, repr=False, slots=True)
class Changelog(Result):
    """The difference of two versions and of their evaluations, and the versions reachable from the new one only, newest first."""

    KEYS = keys("*diff evaluations versions")

    diff: Diff
    evaluations: tuple[ChangedEvaluation, ...]
    versions: tuple[ChangelogVersion, ...]

    def summary(self) -> str:
        """Return what matters most, in one line."""
        return f"{self.diff.summary()} ({len(self.versions)} version{'s' * (len(self.versions) != 1)})"


def changelog(model: Model, text: str, *, tensors: Literal["headers"] | None = None) -> Changelog:
    """Return the changelog of the range `A..B`, `A...B` or `A`, which ends at HEAD. Raises as resolving does, Damaged."""
    return between(model, *sides(model, text if ".." in text else f"{text}..HEAD"), tensors=tensors)


def between(
    model: Model, old: VersionId | None, new: VersionId, *, tensors: Literal["headers"] | None = None
) -> Changelog:
    """Return the changelog of two versions; None for no version. Raises Damaged."""
    names = refnames.decorations(model).names
    walked = history.walk(model.repository.objects, (new,), exclude=() if old is None else (old,))
    versions = tuple(ChangelogVersion(id_, version, tuple(names.get(id_, ()))) for id_, version in walked)
    difference = diff(model, old, new, tensors=tensors, context=None)
    return Changelog(difference, tuple(_evaluations(_newest(model, old), _newest(model, new))), versions)


def _newest(model: Model, id_: VersionId | None) -> dict[str, Evaluation]:
    """Return the newest evaluation of a version on each dataset."""
    if id_ is None or id_ not in model.evaluated():
        return {}
    entries = model.repository.evaluations.current(model.key, id_)
    by_name = newest(entries)
    return {entry.dataset: by_name[entry.dataset] for entry in entries}


def _evaluations(old: Mapping[str, Evaluation], new: Mapping[str, Evaluation]) -> Iterator[ChangedEvaluation]:
    """Yield the metrics that differ, those of all classes first."""
    for dataset in {**old, **new}:
        pair = (old.get(dataset), new.get(dataset))
        versions = tuple(entry.dataset_version if entry is not None else None for entry in pair)
        for row in compare_eval.metrics(pair):
            if row.values[0] != row.values[1]:
                yield ChangedEvaluation(
                    dataset, row.class_name, row.metric, (versions[0], versions[1]), (row.values[0], row.values[1])
                )
