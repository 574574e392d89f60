"""Evaluations as columns of the index: the metrics of the newest on each dataset, named as `mvc log --sort` takes them.

{"eval.night.mAP50":[0.61,null],"eval.night.loss":[null,0.2],…}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mvc.model.ids import VersionId
from mvc.model.query import order
from mvc.model.query.subject import EVAL, spelled
from mvc.model.toml.schema import Path

Columns = dict[Path, list[Any]]
Newest = dict[tuple[str, str | None], Mapping[str, Any]]
"""Metrics of all classes, of the newest evaluation on a dataset, and on a version of a dataset."""


def newest(state: Mapping[str, Any]) -> Newest:
    """Return what counts of the evaluations in a document of state."""
    found: Newest = {}
    for each in state["evaluations"]:  # oldest first
        found[each["dataset"], None] = found[each["dataset"], each["dataset_version"]] = each["metrics"]
    return found


def columns(ids: Iterable[VersionId], found: Mapping[VersionId, Newest]) -> Columns:
    """Return a column for each metric, with the values of the versions `ids`.

    Of a dataset of which several versions were used, each of these has columns of its own, too: values on different
    versions of a dataset cannot be compared.
    """
    keys = dict.fromkeys(key for each in found.values() for key in each)
    used = Counter(dataset for dataset, version in keys if version is not None)
    rows = [found.get(id_, {}) for id_ in ids]
    return {
        (EVAL, dataset if version is None else f"{dataset}@{version}", metric): [
            row.get((dataset, version), {}).get(metric) for row in rows
        ]
        for dataset, version in keys
        if version is None or used[dataset] > 1
        for metric in dict.fromkeys(metric for row in rows for metric in row.get((dataset, version), ()))
    }


def by_name(found: Columns) -> dict[str, list[Any]]:
    """Return columns by the keys of queries."""
    return {spelled(key): column for key, column in found.items()}


def lowest(keys: Iterable[Path]) -> list[str]:
    """Return the names of those columns of which the lowest number is the best, as queries sort them."""
    return [spelled(key) if key[0] == EVAL else key[-1] for key in keys if order.lowest_is_best(key)]
