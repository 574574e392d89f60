"""`mvc source check`: compare the recorded experiment and dataset versions with what the registry has now.

    experiment       there? its name and project as recorded?
    dataset version  there? its name as recorded? ─┬─► a newer version of the dataset?
                                                   └─► the classes of the labelmap?

Nothing is changed, and the training data itself is not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.document import Document, keys
from mvc.model.ids import SHORT, VersionId
from mvc.porcelain import source
from mvc.registry import lineage
from mvc.registry.protocol import Registry, RemoteDatasetVersion
from mvc.repository.model import Model

OK, MISSING, NEWER, DIFFERS, DENIED, UNKNOWN = "ok", "missing", "newer", "differs", "denied", "unknown"
"""Verdicts. Unknown: what is recorded does not suffice."""
EXPERIMENT, DATASET, NEWEST, LABELS = "experiment", "dataset", "newest", "labels"
"""Kinds of rows."""
_MAX_SHOWN = 5
_NUMBERS = re.compile(r"v?(\d{1,9}(?:\.\d{1,9})*)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceRow(Document):
    """One thing that was compared: `id` and `name` are the recorded ones, `alias` is that of a dataset in its experiment.

    `newer` are the newer versions of a dataset, newest first; the last two are classes that only one side has.
    """

    KEYS = keys("kind alias name id verdict detail newer only_in_labelmap only_in_dataset")
    OPTIONAL = ("newer", "only_in_labelmap", "only_in_dataset")

    kind: str
    alias: str
    name: str
    id: str
    verdict: str
    detail: str = ""
    newer: tuple[str, ...] = ()
    only_in_labelmap: tuple[str, ...] = ()
    only_in_dataset: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """True unless something is not as recorded, or may not be read."""
        return self.verdict in (OK, UNKNOWN)


@dataclass(frozen=True, repr=False, slots=True)
class SourceChecked(Result):
    """The comparison of a source with a registry; no rows if the version records none."""

    KEYS = keys("model", {"version": keys("id number")}, "organization holds rows")

    model: str
    id: VersionId
    number: int
    organization: str
    rows: tuple[SourceRow, ...]

    @property
    def holds(self) -> bool:
        """True if every row holds."""
        return all(row.holds for row in self.rows)

    def summary(self) -> str:
        """Return the most important facts in one line."""
        changes = [f"{row.kind} {row.alias or row.name} {row.verdict}" for row in self.rows if not row.holds]
        return f"{self.model} v{self.number} {self.id[:SHORT]}: {', '.join(changes) or 'the source is as recorded'}"


def check(model: Model, id_: VersionId, registry: Registry) -> SourceChecked:
    """Compare the source of the version `id_` with a registry.

    Raises Missing, Damaged, and as the registry does, except where access to a single thing is denied.
    """
    objects = model.repository.objects
    version = objects.version(id_)
    classes = [name for _, name in objects.manifest(version.manifest).labelmap]
    recorded = source.show(model, id_)
    organization = registry.organization  # a token that is refused is an error, not a row
    rows = [_experiment(registry, recorded["experiment"])] if recorded.get("experiment") else []
    for dataset in recorded.get("datasets", ()):
        rows += _dataset(registry, dataset, classes)
    return SourceChecked(model.key, id_, version.number, organization, tuple(rows))


def _experiment(registry: Registry, recorded: Mapping[str, Any]) -> SourceRow:
    id_ = recorded.get("id", "")
    row = SourceRow(EXPERIMENT, "", recorded.get("name") or id_, id_, UNKNOWN, "no id is recorded")
    return _unless_denied(row, partial(_judged_experiment, registry, recorded)) if id_ else row


def _judged_experiment(registry: Registry, recorded: Mapping[str, Any], row: SourceRow) -> SourceRow:
    live = registry.experiment(row.id)
    if live is None:
        return _judged(row, MISSING)
    pairs = [("renamed to", recorded.get("name"), live.name), ("now in project", recorded.get("project"), live.project)]
    changes = [f"{what} {new}" for what, old, new in pairs if old and new and old != new]
    return _judged(row, DIFFERS if changes else OK, ", ".join(changes))


def _dataset(registry: Registry, recorded: Mapping[str, Any], classes: Collection[str]) -> list[SourceRow]:
    """Return the row of a dataset version, and if the registry has it, the rows about its dataset and its classes."""
    alias, id_, label = recorded.get("alias", ""), recorded.get("id", ""), lineage.dataset_label(recorded)
    row = SourceRow(DATASET, alias, label, id_, UNKNOWN, "neither its id nor its name and version are recorded")
    if not lineage.is_named(recorded):
        return [row]
    try:
        live = lineage.find_dataset(registry, recorded)
    except errors.RegistryDenied as error:
        return [_denied(row, error)]
    if live is None:
        return [_judged(row, MISSING)]
    pairs = ((recorded.get("name"), live.name), (recorded.get("version"), live.version))
    renamed = any(old and old != new for old, new in pairs)
    rows = [_judged(row, DIFFERS, f"renamed to {live.label}") if renamed else _judged(row, OK)]
    row = replace(row, kind=NEWEST, name=live.label, id=live.id)
    rows.append(_unless_denied(row, partial(_judged_newest, registry, live)))
    if classes:
        rows.append(_unless_denied(replace(row, kind=LABELS), partial(_judged_labels, registry, classes)))
    return rows


def _judged_newest(registry: Registry, live: RemoteDatasetVersion, row: SourceRow) -> SourceRow:
    others = [version for version in registry.dataset_versions(live.dataset) if version.id != live.id]
    newer = sorted((version for version in others if _is_newer(version, live)), key=_order, reverse=True)
    unordered = [version.version for version in others if _is_newer(version, live) is None]
    if newer:
        names = tuple(version.version for version in newer)
        return replace(_judged(row, NEWER, f"newer: {_listed(names)}"), newer=names)
    if unordered:
        return _judged(row, UNKNOWN, f"the registry does not say whether these are newer: {_listed(unordered)}")
    return _judged(row, OK)


def _judged_labels(registry: Registry, classes: Collection[str], row: SourceRow) -> SourceRow:
    names = registry.dataset_labels(row.id)
    here, there = tuple(sorted(set(classes) - set(names))), tuple(sorted(set(names) - set(classes)))
    sides = (("labelmap", here), ("dataset", there))
    reasons = [f"only in the {side}: {_listed(only)}" for side, only in sides if only]
    judged = _judged(row, DIFFERS if reasons else OK, "; ".join(reasons))
    return replace(judged, only_in_labelmap=here, only_in_dataset=there)


def _unless_denied(row: SourceRow, judge: Callable[[SourceRow], SourceRow]) -> SourceRow:
    try:
        return judge(row)
    except errors.RegistryDenied as error:
        return _denied(row, error)


def _denied(row: SourceRow, error: errors.RegistryDenied) -> SourceRow:
    return _judged(row, DENIED, str(error.fields["reason"]))


def _judged(row: SourceRow, verdict: str, detail: str = "") -> SourceRow:
    return replace(row, verdict=verdict, detail=detail)


def _is_newer(one: RemoteDatasetVersion, other: RemoteDatasetVersion) -> bool | None:
    """Return whether a version is newer than another, by their times or else by their numbers; None if neither is known."""
    if one.created is not None and other.created is not None:
        return one.created > other.created
    numbers = [_numbers(version.version) for version in (one, other)]
    return None if numbers[0] is None or numbers[1] is None else numbers[0] > numbers[1]


def _order(version: RemoteDatasetVersion) -> tuple[int, tuple[int, ...]]:
    return version.created or 0, _numbers(version.version) or ()


def _numbers(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a version's name such as 12, v3 or 1.4."""
    match = _NUMBERS.match(text)
    return tuple(map(int, match[1].split("."))) if match else None


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _MAX_SHOWN
    return ", ".join([*names[:_MAX_SHOWN], *([f"{rest} more"] if rest > 0 else [])])
