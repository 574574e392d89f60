"""Stale metrics: values set by hand that did not change although the weights that they were measured on did.

    v3  best.pt a  mAP50 0.71  ─►  best.pt b  mAP50 0.71       stale: 0.71 was measured on v3's weights
                               ─►  best.pt a, best.onnx c      not stale: the weights of v3 are still there

A metric that is read from a file is never stale: it is that of the file. The setting `metrics.stale` decides whether a commit
warns, refuses or ignores.
"""

from __future__ import annotations

import itertools

from mvc import errors
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.model import canonical
from mvc.model.compare.diff import Snapshot
from mvc.model.ids import FileId, VersionId
from mvc.model.toml.rules import ERROR, WARNING, Problem
from mvc.model.toml.schema import dotted
from mvc.model.toml.value_file import METRICS
from mvc.model.tree import Tree
from mvc.plural import first
from mvc.repository import history
from mvc.repository.repository import Repository
from mvc.storage.records.config import STALE_METRICS, WARN

REFUSE, IGNORE = "refuse", "ignore"
_SEARCHED = 1_000
"""Versions of history searched for the one that set the metrics, at most."""
_SHOWN = 3


def problem(repository: Repository, base: VersionId | None, old: Snapshot | None, new: Snapshot) -> Problem | None:
    """Return the problem if `new`, whose parent `base` is `old`, has stale metrics; None if it has none."""
    values = new.manifest.own(METRICS)
    policy = repository.config.get(STALE_METRICS) or WARN
    if policy == IGNORE or base is None or old is None or not values or not _holds(old, values):
        return None
    if not _weights_replaced(old.tree, new.tree):
        return None
    listed = first([f"{dotted((key,))} {value}" for key, value in values.items()], _SHOWN)
    verb = "was" if len(values) == 1 else "were"
    where = history.label(repository, _origin(repository, base, values)).partition(" ")[0]
    message = f"unchanged although the weights changed: {listed} {verb} measured on {where}'s weights"
    fix = "set the new values, or `mvc unset metrics`, or keep them with `mvc commit --keep-metrics`"
    return Problem(ERROR if policy == REFUSE else WARNING, METRICS, message, fix)


def check(found: Problem | None) -> tuple[Problem, ...]:
    """Return the warning, if there is one; raise StaleMetrics if commits with stale metrics are refused."""
    if found is not None and found.severity == ERROR:
        raise errors.StaleMetrics(reason=found.message)
    return (found,) if found is not None else ()


def _holds(snapshot: Snapshot, values: dict[str, float]) -> bool:
    """Return whether a version has all of these metrics."""
    known = snapshot.manifest.metrics
    return all(key in known and canonical.encode(known[key]) == canonical.encode(values[key]) for key in values)


def _weights_replaced(old: Tree, new: Tree) -> bool:
    """Return whether weights are gone and others are new: a file that moved, or came in addition, replaces none."""
    before, after = _weights(old), _weights(new)
    return bool(before - after) and bool(after - before)


def _weights(tree: Tree) -> set[FileId]:
    return {entry.file for entry in tree.entries if entry.path.lower().endswith(WEIGHT_SUFFIXES)}


def _origin(repository: Repository, base: VersionId, values: dict[str, float]) -> VersionId:
    """Return the version on the line of `base` that the metrics were set in."""
    origin = base
    for id_, _ in itertools.islice(history.line(repository.objects, base), _SEARCHED):
        if not _holds(history.snapshot(repository, id_), values):
            break
        origin = id_
    return origin
