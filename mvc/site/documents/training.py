"""What a version has of its training: the curves that a trainer logged, and the environment it ran in."""

from __future__ import annotations

import dataclasses
from typing import Any

from mvc import errors
from mvc.formats.values import curves as logs
from mvc.formats.values.malformed import MalformedError
from mvc.model.compare import environment_record
from mvc.model.compare.environment_record import EnvironmentRecord
from mvc.model.ids import VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.porcelain import curve
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.promised import State

MAX_ROWS = 500
"""Rows of a curve, at most: of a longer log, every n-th, the last one included."""
_MAX_BYTES = 8 << 20
_MAX_COLUMNS = 64


def environment(repository: Repository, tree: Tree) -> dict[str, Any] | None:
    """Return the environment record; None without one, or if its bytes are not here."""
    entry = tree.by_role.get(environment_record.ROLE)
    data = _data(repository, entry, environment_record.MAX_BYTES) if entry is not None else None
    record = EnvironmentRecord.decode(data) if data is not None else None
    return dataclasses.asdict(record) if record is not None else None


def curves(model: Model, id_: VersionId) -> list[dict[str, Any]]:
    """Return the columns and rows of each log of the training whose bytes are here; one that is malformed is left out."""
    found = []
    for entry in curve.logs(model, id_):
        data = _data(model.repository, entry, _MAX_BYTES)
        if data is None:
            continue
        try:
            columns, rows = logs.table(data, entry.path)
        except MalformedError:
            continue
        step = -(-len(rows) // MAX_ROWS) or 1
        chosen = [row[:_MAX_COLUMNS] for row in rows[::-step][::-1]]
        if chosen:
            found.append({"role": entry.role, "path": entry.path, "columns": columns[:_MAX_COLUMNS], "rows": chosen})
    return found


def _data(repository: Repository, entry: TreeEntry, limit: int) -> bytes | None:
    """Return the bytes of a file; None if they are not here, damaged or more than `limit`. Nothing is fetched."""
    if entry.size > limit or repository.promised.state(entry.file) is not State.COMPLETE:
        return None
    try:
        return repository.extract.small(entry.file)
    except errors.Damaged:
        return None
