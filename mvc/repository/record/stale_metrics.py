"""Stale metrics: values that did not change although the weights that they were measured on did.

    v3  best.pt a  mAP50 0.71  ─►  best.pt b  mAP50 0.71       stale: 0.71 was measured on v3's weights
                               ─►  best.pt a, best.onnx c      not stale: the weights of v3 are still there

    ours best.pt a mAP50 0.71, theirs best.pt b  ─►  best.pt b  mAP50 0.71       stale: a merge of both sides

A metric that is read from a file is stale if that file did not change either. The setting `metrics.stale` decides whether a
commit warns, refuses or ignores.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from mvc import errors
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.model import canonical
from mvc.model.compare.diff import Snapshot
from mvc.model.ids import FileId, VersionId
from mvc.model.paths import escape_name
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
    policy = repository.config.get(STALE_METRICS) or WARN
    if policy == IGNORE or base is None or old is None or not _weights_replaced(old.tree, new.tree):
        return None
    file = _unchanged_file(old, new)
    own = new.manifest.own(METRICS)
    values = own if own and _holds(old, own) else {}
    if file is not None:
        values = {**values, **{key: value for key, value in new.manifest.metrics.items() if key not in own}}
    if not values:
        return None
    place = f" in {escape_name(file)}" if file is not None else ""
    verb = "was" if len(values) == 1 else "were"
    where = history.label(repository, _origin(repository, base, values)).partition(" ")[0]
    message = f"unchanged{place} although the weights changed: {_listed(values)} {verb} measured on {where}'s weights"
    fix = "set the new values, or `mvc unset metrics`, or keep them with `mvc commit --keep-metrics`"
    if file is not None:
        fix = "name the new file with `mvc set from.metrics=FILE`, or keep it with `mvc commit --keep-metrics`"
    return Problem(_severity(policy), METRICS, message, fix)


def of_merge(repository: Repository, ours: Snapshot, theirs: Snapshot, merged: Snapshot) -> Problem | None:
    """Return the problem if a merge has weights of one side, and metrics that only the other side has."""
    policy = repository.config.get(STALE_METRICS) or WARN
    for name, side, other in (("our", ours, theirs), ("their", theirs, ours)):
        values = {
            key: value
            for key, value in merged.manifest.metrics.items()
            if _holds(side, {key: value}) and not _holds(other, {key: value})
        }
        if policy != IGNORE and values and _weights_replaced(side.tree, merged.tree):
            message = f"measured on the weights of {name} side, which the merge replaces: {_listed(values)}"
            fix = "take weights and metrics from one side, or set the new values, or `mvc unset` them"
            return Problem(_severity(policy), METRICS, message, fix)
    return None


def check(found: Problem | None) -> tuple[Problem, ...]:
    """Return the warning, if there is one; raise StaleMetrics if commits with stale metrics are refused."""
    if found is not None and found.severity == ERROR:
        raise errors.StaleMetrics(reason=found.message)
    return (found,) if found is not None else ()


def _severity(policy: str) -> str:
    return ERROR if policy == REFUSE else WARNING


def _listed(values: Mapping[str, float]) -> str:
    """Return `mAP50 0.71, recall 0.6`."""
    return first([f"{dotted((key,))} {value}" for key, value in values.items()], _SHOWN)


def _unchanged_file(old: Snapshot, new: Snapshot) -> str | None:
    """Return the file of the metrics if it has the path and content of before; None if it has not, or there is none."""
    path = new.manifest.value_paths.get(METRICS)
    before, after = (side.tree.by_path.get(path or "") for side in (old, new))
    is_same = path == old.manifest.value_paths.get(METRICS) and before is not None and after is not None
    return path if is_same and before is not None and after is not None and before.file == after.file else None


def _holds(snapshot: Snapshot, values: Mapping[str, float]) -> bool:
    """Return whether a version has all of these metrics."""
    known = snapshot.manifest.metrics
    return all(key in known and canonical.encode(known[key]) == canonical.encode(values[key]) for key in values)


def _weights_replaced(old: Tree, new: Tree) -> bool:
    """Return whether weights are gone and others are new: a file that moved, or came in addition, replaces none."""
    before, after = _weights(old), _weights(new)
    return bool(before - after) and bool(after - before)


def _weights(tree: Tree) -> set[FileId]:
    return {entry.file for entry in tree.entries if entry.path.lower().endswith(WEIGHT_SUFFIXES)}


def _origin(repository: Repository, base: VersionId, values: Mapping[str, float]) -> VersionId:
    """Return the version on the line of `base` that the metrics were set in."""
    origin = base
    for id_, _ in itertools.islice(history.line(repository.objects, base), _SEARCHED):
        if not _holds(history.snapshot(repository, id_), values):
            break
        origin = id_
    return origin
