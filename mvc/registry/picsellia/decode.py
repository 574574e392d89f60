"""Answers of the platform as values: what must be there is asked for, all else is kept as it came.

Raises ValueError and its like for an answer of another shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mvc.registry.protocol import RemoteContext, RemoteDataset, RemoteExperiment, RemoteFile, RemoteModel, RemoteVersion

Row = Mapping[str, Any]


def model(row: Row) -> RemoteModel:
    """A model."""
    return RemoteModel(_text(row, "id"), _text(row, "name"), _kept(row))


def version(row: Row) -> RemoteVersion:
    """A version, with the model that it names as its own."""
    origin = model(_table(row, "origin"))
    return RemoteVersion(_text(row, "id"), origin, _number(row, "version"), _typed(row, "name"), _kept(row))


def file(row: Row) -> RemoteFile:
    """A file."""
    name, filename, object_name = _typed(row, "name"), _typed(row, "filename"), _text(row, "object_name")
    return RemoteFile(_text(row, "id"), name, filename, object_name, row.get("large") is True, _kept(row))


def context(row: Row) -> RemoteContext:
    """A context, as far as it can be read."""
    rows = row.get("datas")
    found = [
        RemoteDataset(_text(each, "version_id"), _text(each, "name")) for each in rows or [] if isinstance(each, dict)
    ]
    named, parameters = row.get("experiment_id"), row.get("parameters")
    return RemoteContext(
        str(named) if named else None, tuple(found), dict(parameters) if isinstance(parameters, dict) else {}
    )


def experiment(row: Row, host: str) -> RemoteExperiment:
    """An experiment, with its page."""
    id_, project = _text(row, "id"), row.get("project_id")
    page = f"{host}/project/{project}/experiment/{id_}" if isinstance(project, str) else None
    return RemoteExperiment(id_, _text(row, "name"), page)


def attached(row: Row) -> RemoteDataset:
    """A dataset version under the name that an experiment has for it."""
    found = _table(row, "dataset_version")
    name, number = found.get("origin_name"), found.get("version")
    return RemoteDataset(
        _text(found, "id"),
        _text(row, "name"),
        name if isinstance(name, str) else None,
        str(number) if number is not None else None,
    )


def key(row: Row) -> str:
    """What tells a row of a listing from the others."""
    return str(row.get("id") or row)


def path_part(id_: str) -> str:
    """An id that somebody wrote, as one part of a path."""
    return quote(id_, safe="")


def length(headers: Mapping[str, str]) -> int | None:
    """How many bytes an answer announces."""
    text = headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def _kept(row: Row) -> Row:
    """All of an answer but the addresses of files, which expire."""
    return {name: value for name, value in row.items() if name != "presigned_url"}


def _text(row: Row, name: str) -> str:
    if not isinstance(row[name], str) or not row[name]:
        message = f"{name} is no text"
        raise ValueError(message)
    return str(row[name])


def _typed(row: Row, name: str) -> str:
    """What a person may have typed, or left empty."""
    return "" if row[name] == "" else _text(row, name)


def _number(row: Row, name: str) -> int:
    if type(row[name]) is not int:
        message = f"{name} is no number"
        raise ValueError(message)
    return int(row[name])


def _table(row: Row, name: str) -> Row:
    if not isinstance(row[name], dict):
        message = f"{name} is no object"
        raise TypeError(message)
    return dict(row[name])
