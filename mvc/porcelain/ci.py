"""`mvc ci report`: two versions compared for a merge request, and the conditions under which it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.compare.metrics import moved
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.query.parse import parse_keys
from mvc.model.query.subject import EVAL
from mvc.porcelain.changelog import Changelog, between
from mvc.porcelain.check import check
from mvc.readiness.evaluation import Readiness
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.query import select

BREAKING, NOT_READY, UNCOMMITTED = "breaking", "not-ready", "uncommitted"
_METRIC, _EVAL = "metric:", f"{EVAL}."


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that fails a report: `breaking`, `not-ready`, `uncommitted`, or `metric:NAME:CHANGE`.

    A metric fails if it fell by more than a negative change, or rose by more than another one, or is not set. Its name may be
    that of a metric of an evaluation, `eval.night.mAP50`, as in queries.
    """

    text: str
    metric: str = ""
    change: Decimal = Decimal(0)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the condition that `text` states; raise BadFailOn, BadQuery."""
        if text in (BREAKING, NOT_READY, UNCOMMITTED):
            return cls(text)
        if not text.startswith(_METRIC):
            raise errors.BadFailOn(text=text, reason="it is unknown")
        name, _, number = text.removeprefix(_METRIC).rpartition(":")
        try:
            change = Decimal(number)
        except InvalidOperation:
            change = Decimal("nan")
        if not name or not change.is_finite():
            raise errors.BadFailOn(text=text, reason="a metric needs a name and a change, which is a number")
        if name.startswith(_EVAL) and len(parse_keys(name)) != 1:
            raise errors.BadFailOn(text=text, reason="it has several keys")
        return cls(text, name, change)

    @property
    def is_fall(self) -> bool:
        """True if a fall of the metric fails; -0 is one, too."""
        return self.change.is_signed()


@dataclass(frozen=True, slots=True)
class Failure(Document):
    """A condition that is met, and why."""

    condition: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadyChange(Document):
    """The readiness of a version for a use, and of the one before (None if unknown); `lacks` are the rules it fails."""

    use: str
    before: bool | None
    ready: bool
    lacks: tuple[str, ...]


@dataclass(frozen=True, repr=False, slots=True)
class CiReport(Result):
    """A changelog, the readiness for each declared use, and the conditions that are met.

    `uncommitted` are the sections of model.toml in Git with values that no version has.
    """

    KEYS = keys("*changes readiness failures uncommitted")

    changes: Changelog
    readiness: tuple[ReadyChange, ...]
    failures: tuple[Failure, ...]
    uncommitted: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return what matters most, in one line."""
        failed = ", ".join(failure.condition for failure in self.failures)
        return f"{self.changes.summary()}{f'; failed: {failed}' if failed else ''}"


def report(
    model: Model,
    old: VersionId | None,
    new: VersionId,
    *,
    conditions: Sequence[Condition] = (),
    uses: Sequence[str] = (),
    uncommitted: tuple[str, ...] = (),
) -> CiReport:
    """Compare the version of a base branch (None for none) with that of a branch.

    `uses` are checked, else those of `intent.ready_for`. `uncommitted` are sections whose values no version has. Nothing is fetched. Raises UnknownUse, Missing, Damaged.
    """
    changes = between(model, old, new, tensors="headers")
    checked = check(model, new, uses=uses)
    readiness = tuple(_ready(model, old, use) for use in checked.uses) if checked.asked else ()
    values = {name: (_value(model, old, name), _value(model, new, name)) for name in {one.metric for one in conditions}}
    failures = [
        Failure(condition.text, reason)
        for condition in conditions
        for reason in _reasons(condition, changes, readiness, values, uncommitted)
    ]
    return CiReport(changes, readiness, tuple(failures), uncommitted)


def _ready(model: Model, old: VersionId | None, now: Readiness) -> ReadyChange:
    before = None
    if old is not None:
        try:
            before = check(model, old, uses=(now.use,)).ready
        except errors.UnknownUse:  # a use of the team's own, which is new
            before = None
    return ReadyChange(now.use, before, now.ready, tuple(finding.rule.requirement for finding in now.blockers))


def _value(model: Model, id_: VersionId | None, name: str) -> float | None:
    """Return a metric of a version, or of its evaluations; None if it is not set."""
    if id_ is None:
        return None
    if not name.startswith(_EVAL):
        snapshot = history.snapshot(model.repository, id_)
        return snapshot.manifest.metrics.get(name)
    (key,) = parse_keys(name)
    value = select.entry(model, id_).value(key)
    return value if isinstance(value, int | float) else None


def _reasons(
    condition: Condition,
    changes: Changelog,
    readiness: Sequence[ReadyChange],
    values: Mapping[str, tuple[float | None, float | None]],
    uncommitted: Sequence[str],
) -> Iterator[str]:
    """Yield why a condition is met."""
    if condition.text == BREAKING:
        labels = changes.diff.difference.labelmap
        kinds = {"re-indexed": labels.reindexed, "renamed": labels.renamed, "removed": labels.removed}
        if labels.breaking:
            yield f"classes are {' and '.join(kind for kind, classes in kinds.items() if classes)}"
    elif condition.text == UNCOMMITTED:
        if uncommitted:
            yield f"no version has the {', '.join(uncommitted)} of model.toml in Git"
    elif condition.text == NOT_READY:
        if not readiness:
            yield "no use is declared: set intent.ready_for, or name one with --for"
        yield from (f"{each.use} lacks {', '.join(each.lacks)}" for each in readiness if not each.ready)
    else:
        yield from _metric(condition, *values[condition.metric])


def _metric(condition: Condition, old: float | None, new: float | None) -> Iterator[str]:
    if new is None:
        yield f"{condition.metric} is not set"
    elif old is not None:
        by = moved(old, new)
        if by < condition.change if condition.is_fall else by > condition.change:
            yield f"{condition.metric} {old} -> {new} ({float(by):+.4g})"
