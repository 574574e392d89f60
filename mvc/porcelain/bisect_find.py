"""`mvc bisect find`: the version that dropped a metric, or removed or renumbered a class, from records alone.

    good       v3  mAP50 0.71
               v4  mAP50 0.70       0.01 less
    first      v5  mAP50 0.66       the drop of 0.02 or more, against the good version, that its parent has not

No file is read, and each version is looked at: other than in a bisect by tests, a fault need not stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache, partial
from operator import itemgetter
from typing import Any, NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.compare import labels
from mvc.model.document import keys
from mvc.model.ids import VersionId
from mvc.model.query import order, suggest
from mvc.model.query.parse import parse_keys
from mvc.model.query.subject import EVAL, leaves
from mvc.model.toml.schema import Path, dotted
from mvc.model.version import Timestamp
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.query import select

_METRICS = "metrics"


class ValuedVersion(NamedTuple):
    """A version and its value: of a metric, or the numbers of a class."""

    id: VersionId
    number: int
    time: Timestamp
    author: str
    subject: str
    value: Any


@dataclass(frozen=True, repr=False)
class FoundVersion(Result):
    """The `first` version with another value than the `good` one, and the version `before` it; `key` is the metric or class.

    `change` says what became of a class.
    """

    KEYS = keys("model key good before first change")

    model: str
    key: str
    good: ValuedVersion
    before: ValuedVersion
    first: ValuedVersion
    change: str = ""

    def summary(self) -> str:
        """Return the most important facts in one line."""
        return f"{self.model} {self.key}: v{self.first.number} {self.first.id[:10]}"


Value = Callable[[VersionId], Any]
"""A function that returns the value of a version, None for none."""


def find_drop(model: Model, metric: str, drop: float, bad: VersionId, good: VersionId | None = None) -> FoundVersion:
    """Return the first version up to `bad` whose metric is worse than that of `good` by `drop` or more.

    `metric` may be that of an evaluation, `eval.night.mAP50`; versions without one are passed over.
    `good` defaults to the newest of the versions with the best value. Less is worse; of a loss, an error or a duration,
    more is. Raises BadDrop, BisectSameVersion, BisectReversed, NoVersionHasKey, NothingDropped, Missing, Damaged.
    """
    fall = _fall(drop)
    _check_ends(model, bad, good)
    if metric.startswith(f"{EVAL}."):
        key, value = _evaluated(model, metric, bad, good)
    else:
        key = _metric(model, metric, bad, good)
        value = partial(_number, model, key)
    sign = -1 if order.lowest_is_best(key) else 1

    @cache
    def height(id_: VersionId) -> Decimal | None:
        """Return the value as it is written, so that 0.70 to 0.68 is a drop of 0.02; more is better."""
        found = value(id_)
        return None if found is None else sign * Decimal(str(found))

    if good is None:
        found = [(height(id_), id_) for id_, _ in history.walk(model.repository.objects, [bad])]
        good = max((pair for pair in found if pair[0] is not None), key=itemgetter(0), default=(None, bad))[1]
    top = height(good)
    if top is None:
        hint = f"The good version, {_label(model, good)}, has no such metric."
        raise errors.NoVersionHasKey(model=model.key, key=dotted(key), suggestion=hint)
    most = top - fall

    def is_bad(id_: VersionId) -> bool:
        found = height(id_)
        return found is not None and found <= most

    pair = _first(model, good, bad, height, is_bad)
    if pair is None:
        given = {"good": _label(model, good), "key": dotted(key), "value": value(good), "drop": drop}
        raise errors.NothingDropped(**given)
    return _found(model, dotted(key), (good, *pair), value)


def find_class_change(model: Model, name: str, bad: VersionId, good: VersionId | None = None) -> FoundVersion:
    """Return the first version up to `bad` in which the class `name` has another number than in `good`, or none.

    `good` defaults to the oldest version with the class. Raises BisectSameVersion, BisectReversed, NoVersionHasKey,
    ClassUnchanged, Missing, Damaged.
    """
    _check_ends(model, bad, good)

    @cache
    def value(id_: VersionId) -> tuple[int, ...]:
        return tuple(number for number, label in _manifest(model, id_).labelmap if label == name)

    if good is None:
        valued = (id_ for id_, _ in reversed(list(history.walk(model.repository.objects, [bad]))) if value(id_))
        good = next(valued, bad)
    base = value(good)
    if not base:
        key = ("labelmap", name)
        known = [("labelmap", label) for _, label in _manifest(model, bad).labelmap]
        raise errors.NoVersionHasKey(model=model.key, key=dotted(key), suggestion=suggest.suggestion(key, known))
    pair = _first(model, good, bad, value, lambda id_: value(id_) != base)
    if pair is None:
        index = ", ".join(map(str, base))
        raise errors.ClassUnchanged(good=_label(model, good), name=name, index=index)
    return _found(
        model, dotted(("labelmap", name)), (good, *pair), lambda id_: list(value(id_)), _change(model, name, *pair)
    )


def _first(
    model: Model, good: VersionId, bad: VersionId, value: Value, is_bad: Callable[[VersionId], bool]
) -> tuple[VersionId, VersionId] | None:
    """Return the version before the first bad one after `good`, and that one: it has a parent that is not bad.

    The parent of a version is here the nearest ancestor with a value.
    """
    objects = model.repository.objects

    def has_value(id_: VersionId) -> bool:
        return value(id_) is not None

    def parents(id_: VersionId) -> tuple[VersionId, ...]:
        return objects.parents(objects.version(id_))

    for id_, _ in reversed(list(history.walk(objects, [bad], exclude=[good]))):
        if is_bad(id_):
            nearest = (next(filter(has_value, history.reach([parent], parents)), None) for parent in parents(id_))
            innocent = [each for each in nearest if each is not None and not is_bad(each)]
            if innocent:
                return innocent[0], id_
    return None


def _check_ends(model: Model, bad: VersionId, good: VersionId | None) -> None:
    """Raise BisectSameVersion, or BisectReversed for a good version that comes after the bad one."""
    if good is None:
        return
    if good == bad:
        raise errors.BisectSameVersion(version=_label(model, bad))
    if history.is_ancestor(model.repository.objects, bad, good):
        raise errors.BisectReversed(good=_label(model, good), bad=_label(model, bad))


def _fall(drop: float) -> Decimal:
    """Return a drop as it is written; raise BadDrop unless it is a number above 0."""
    try:
        fall = Decimal(str(drop))
    except InvalidOperation:
        raise errors.BadDrop(drop=drop) from None
    if not fall.is_finite() or fall <= 0:
        raise errors.BadDrop(drop=drop)
    return fall


def _number(model: Model, key: Path, id_: VersionId) -> float | None:
    """Return the number at a key of a version; None for none."""
    found: Any = _manifest(model, id_).metrics
    for part in key[1:]:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if _is_number(found) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _evaluated(model: Model, metric: str, bad: VersionId, good: VersionId | None) -> tuple[Path, Value]:
    """Return the key of a metric of evaluations that some version has, and the function of its values.

    Raises NoVersionHasKey, BadQuery.
    """
    key, *others = parse_keys(metric)
    evaluated = model.evaluated()

    def value(id_: VersionId) -> float | None:
        found = select.entry(model, id_).value(key) if id_ in evaluated else None
        return found if _is_number(found) else None

    tips = [bad, *([] if good is None else [good])]
    ids = [id_ for id_, _ in history.walk(model.repository.objects, tips) if id_ in evaluated]
    if others or not any(value(id_) is not None for id_ in ids):
        known = dict.fromkeys(
            known for id_ in ids for known in select.entry(model, id_).known_keys() if known[0] == EVAL
        )
        raise errors.NoVersionHasKey(model=model.key, key=dotted(key), suggestion=suggest.suggestion(key, list(known)))
    return key, value


def _metric(model: Model, metric: str, bad: VersionId, good: VersionId | None) -> Path:
    """Return the key of a metric that some version has. Raises NoVersionHasKey."""
    known: dict[Path, None] = {}
    for id_, _ in history.walk(model.repository.objects, [bad, *([] if good is None else [good])]):
        known.update((path, None) for path, _ in leaves(_manifest(model, id_).metrics, (_METRICS,)))
    for matches in (
        lambda path: metric in (dotted(path), dotted(path[1:]), ".".join(path[1:])),
        lambda path: path[-1] == metric,
    ):
        found = next(filter(matches, known), None)
        if found is not None:
            return found
    key = (_METRICS, metric)
    raise errors.NoVersionHasKey(model=model.key, key=dotted(key), suggestion=suggest.suggestion(key, known))


def _change(model: Model, name: str, before: VersionId, after: VersionId) -> str:
    """Return what became of a class: `removed`, `renamed to hat`, `renumbered from 1 to 2`."""
    difference = labels.compare(_manifest(model, before).labelmap, _manifest(model, after).labelmap)
    moved = next((each for each in difference.reindexed if each.name == name), None)
    if moved is not None:
        return f"renumbered from {moved.old} to {moved.new}"
    renamed = next((each for each in difference.renamed if each.old == name), None)
    return f"renamed to {renamed.new}" if renamed is not None else "removed"


def _found(
    model: Model, key: str, ids: tuple[VersionId, VersionId, VersionId], value: Value, change: str = ""
) -> FoundVersion:
    def valued(id_: VersionId) -> ValuedVersion:
        version = model.repository.objects.version(id_)
        return ValuedVersion(id_, version.number, version.time, version.author.name, version.subject, value(id_))

    good, before, first = map(valued, ids)
    return FoundVersion(model.key, key, good, before, first, change)


def _manifest(model: Model, id_: VersionId) -> Any:
    return model.repository.objects.manifest(model.repository.objects.version(id_).manifest)


def _label(model: Model, id_: VersionId) -> str:
    return history.label(model.repository, id_)
