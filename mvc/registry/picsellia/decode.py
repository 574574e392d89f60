"""Decoders of the platform's answers: required keys are checked, all others are kept unchanged.

Raises KeyError, TypeError or ValueError for an answer of another shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mvc.registry.experiments.protocol import RemoteExperiment, RemoteJob, RemoteLog, RemoteProject
from mvc.registry.protocol import (
    RemoteContext,
    RemoteDataset,
    RemoteFile,
    RemoteModel,
    RemoteTag,
    RemoteVersion,
)

Row = Mapping[str, Any]
_MAX_DIGITS = 18
"""Digits of a size in bytes, at most."""


def model(row: Row) -> RemoteModel:
    """Decode a model."""
    return RemoteModel(_text(row, "id"), _text(row, "name"), _without_signed(row))


def version(row: Row) -> RemoteVersion:
    """Decode a version and its model."""
    origin = model(_table(row, "origin"))
    return RemoteVersion(
        _text(row, "id"), origin, _number(row, "version"), _optional_text(row, "name"), _without_signed(row)
    )


def file(row: Row) -> RemoteFile:
    """Decode a file."""
    name, filename, object_name = (
        _optional_text(row, "name"),
        _optional_text(row, "filename"),
        _text(row, "object_name"),
    )
    return RemoteFile(_text(row, "id"), name, filename, object_name, row.get("large") is True, _without_signed(row))


def context(row: Row) -> RemoteContext:
    """Decode a context; skip rows of another shape."""
    rows = row.get("datas")
    datasets = tuple(
        RemoteDataset(_text(item, "version_id"), _text(item, "name")) for item in rows or [] if isinstance(item, dict)
    )
    experiment_id, parameters = row.get("experiment_id"), row.get("parameters")
    return RemoteContext(
        str(experiment_id) if experiment_id else None,
        datasets,
        dict(parameters) if isinstance(parameters, dict) else {},
    )


def experiment(row: Row, host: str, project: str | None = None) -> RemoteExperiment:
    """Decode an experiment of a project of that name, and derive its page as the SDK does."""
    id_, base = _text(row, "id"), row.get("base_model_version_id")
    page = f"{host}/experiment/{id_}"
    status = row.get("status")
    return RemoteExperiment(
        id_,
        _text(row, "name"),
        page,
        project,
        base if isinstance(base, str) and base else None,
        status if isinstance(status, str) else None,
    )


def project(row: Row) -> RemoteProject:
    """Decode a project."""
    return RemoteProject(_text(row, "id"), _text(row, "name"))


def log(row: Row) -> RemoteLog:
    """Decode something that was logged; its data is of any shape."""
    return RemoteLog(_text(row, "name"), _text(row, "type"), row.get("data"))


def job(row: Row) -> RemoteJob:
    """Decode a job, whatever its answer has: the job is started by then."""
    return RemoteJob(str(row.get("id") or ""), str(row.get("status") or ""))


def attached(row: Row) -> RemoteDataset:
    """Decode a dataset version and its alias in an experiment."""
    dataset = _table(row, "dataset_version")
    name, number = dataset.get("origin_name"), dataset.get("version")
    return RemoteDataset(
        _text(dataset, "id"),
        _text(row, "name"),
        name if isinstance(name, str) else None,
        str(number) if number is not None else None,
    )


def tag(row: Row) -> RemoteTag:
    """Decode a tag."""
    return RemoteTag(_text(row, "id"), _text(row, "name"))


def tags(rows: Any) -> list[RemoteTag]:
    """Decode the tags of a version; skip rows of another shape, which need not stop an import."""
    if not isinstance(rows, list):
        return []
    named = [
        row for row in rows if isinstance(row, dict) and all(isinstance(row.get(key), str) for key in ("id", "name"))
    ]
    return [tag(row) for row in named if row["id"] and row["name"]]


def key(row: Row) -> str:
    """Return the identity of a row of a listing."""
    return str(row.get("id") or row)


def path_part(id_: str) -> str:
    """Quote an id as one path component."""
    return quote(id_, safe="")


def length(headers: Mapping[str, str]) -> int | None:
    """Return the Content-Length of an answer; None for none."""
    text = headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def _without_signed(row: Row) -> Row:
    """Return an answer without the signed addresses of files, which expire."""
    return {name: value for name, value in row.items() if name != "presigned_url"}


def _text(row: Row, name: str) -> str:
    if not isinstance(row[name], str) or not row[name]:
        message = f"{name} is not a text"
        raise ValueError(message)
    return str(row[name])


def _optional_text(row: Row, name: str) -> str:
    """Return a text that may be empty."""
    return "" if row[name] == "" else _text(row, name)


def _number(row: Row, name: str) -> int:
    if type(row[name]) is not int:
        message = f"{name} is not a number"
        raise ValueError(message)
    return int(row[name])


def _table(row: Row, name: str) -> Row:
    if not isinstance(row[name], dict):
        message = f"{name} is not an object"
        raise TypeError(message)
    return dict(row[name])
