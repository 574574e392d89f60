"""Evaluations as queries over thousands of them need them: without matrix and curves, and not decoded field by field.

    bytes ─► checksum ─► without cells and points ─► JSON ─► the parts that expressions find

A log with an entry that is not as expected is left to `Logs`, which says what is wrong with it. What is read in brief selects and
orders versions; what is shown is read in full.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from mvc import errors
from mvc.deferred import regex
from mvc.model.ids import VersionId, digest
from mvc.storage.records.annotations.evaluations import Evaluation
from mvc.storage.records.annotations.log import Logs

_SUM = regex(rb',"sum":"([0-9a-f]{64})"')
_CELLS = (b'"matrix":{"cells":[', b"]")
_CURVES = (b'"curves":[', b'],"dataset":"')
"""What is left out, between two marks. A mark has quotes, which are escaped in every text, so it is in none."""
_NUMBERS = {int, float}
_SCALARS = {str, int, float, bool}


class _Brief(NamedTuple):
    """An entry: the key of its place, its nonce, the one that it removes, its dataset and version, and its values by name."""

    order: tuple[int, int, str]
    nonce: str
    withdraws: str | None
    dataset: str
    dataset_version: str
    values: dict[str, Any]


def newest(logs: Logs[Evaluation], model: str, version: VersionId) -> dict[str, Mapping[str, Any]] | None:
    """Return the values of the newest evaluation on each dataset, by `night` and by `night@3`; None if an entry is not as expected."""
    found: list[_Brief] = []
    for seq in logs.numbers(model, version):
        try:
            entry = _read(logs.data(model, version, seq), version, seq)
        except (errors.MvcError, OSError):
            return None
        if entry is None:
            return None
        found.append(entry)
    removed = {entry.withdraws for entry in found}
    current = (entry for entry in sorted(found) if entry.withdraws is None and entry.nonce not in removed)
    return {
        name: entry.values for entry in current for name in (entry.dataset, f"{entry.dataset}@{entry.dataset_version}")
    }


def _read(data: bytes, version: VersionId, seq: int) -> _Brief | None:
    """Return an entry; None for one that is damaged, or not as expected."""
    sealed = _SUM.search(data)
    if sealed is None or digest(data[: sealed.start()] + data[sealed.end() :]) != sealed[1].decode():
        return None
    try:
        record = _JSON.decode(_without(_without(data, *_CELLS), *_CURVES).decode())
        if (record["kind"], record["version"], record["seq"]) != (Evaluation.KIND, version, seq):
            return None
        order = (record["at"]["seconds"], record["known"], record["nonce"])
        texts = (record["dataset"], record["dataset_version"])
        if [*map(type, (*order, *texts))] != [int, int, str, str, str]:
            return None
        return _Brief(order, record["nonce"], record.get("withdraws"), *texts, _values(record))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _values(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what expressions find, as `evaluations.values` does. Raises ValueError and the like."""
    metrics, values = record["metrics"], record["values"]
    classes = {row["name"]: {"support": row.get("support"), **row["metrics"]} for row in record["classes"]}
    numbers = itertools.chain(metrics.values(), *(row["metrics"].values() for row in record["classes"]))
    supports = {type(row["support"]) for row in classes.values()}
    if not (_of(_NUMBERS, numbers) and _of(_SCALARS, values.values()) and supports <= {int, type(None)}):
        raise ValueError
    return {**values, **metrics, "class": classes}


def _of(kinds: set[type], values: Iterable[Any]) -> bool:
    return {*map(type, values)} <= kinds


def _without(data: bytes, start: bytes, end: bytes) -> bytes:
    """Return a record without what is between two marks."""
    at = data.find(start)
    if at < 0:
        return data
    at += len(start)
    last = data.find(end, at)
    return data[:at] + data[last:] if last >= 0 else data


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


_JSON = json.JSONDecoder(parse_constant=_no_number)
