"""Dataset versions on Picsellia: found by id or by name, listed, and their labels.

    a version by its id       GET /api/dataset/version/{id}                     as DatasetVersion.sync
    a dataset by its name     GET /api/organization/{org}/datasets/find?name=   as client.get_dataset
    its versions              GET /api/dataset/{id}/versions                    as Dataset.list_versions
    labels of a version       GET /api/dataset/version/{id}/labels              as DatasetVersion.list_labels

A version is named by a text, and the SDK states no order. Its time is that of the answer, if it has one, else that of its id:
Picsellia's ids are UUIDs of version 7 since 2023, as in its public code, which begin with their time (RFC 9562, section 5.7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from mvc import errors
from mvc.model.version import Timestamp
from mvc.registry.picsellia import decode
from mvc.registry.picsellia.client import Client
from mvc.registry.picsellia.translate import translated_errors
from mvc.registry.protocol import TIMES, RemoteDatasetVersion, text

T = TypeVar("T")
_UUID_7 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab]", re.IGNORECASE)
_NOT_CONFIGURED = "NOT_CONFIGURED"


def by_id(client: Client, id_: str) -> RemoteDatasetVersion | None:
    """Return the dataset version of that id; None for none."""
    row = client.find(f"/api/dataset/version/{decode.path_part(id_)}")
    return _decoded(client, _version, row) if row is not None else None


def by_name(client: Client, name: str, version: str) -> RemoteDatasetVersion | None:
    """Return the version of a dataset, both by name; None for none."""
    row = client.find(f"/api/organization/{client.id}/datasets/find", {"name": name})
    if row is None:
        return None
    dataset = decode.path_part(_decoded(client, _id, row))
    row = client.find(f"/api/dataset/{dataset}/versions/find", {"version": version})
    return _decoded(client, _version, row) if row is not None else None


def versions(client: Client, dataset: str) -> Sequence[RemoteDatasetVersion]:
    """Return every version of the dataset of that id, in the platform's order."""
    rows = client.all(f"/api/dataset/{decode.path_part(dataset)}/versions")
    return [_decoded(client, _version, row) for row in rows]


def labels(client: Client, id_: str) -> Sequence[str]:
    """Return the names of the labels of a dataset version."""
    rows = client.all(f"/api/dataset/version/{decode.path_part(id_)}/labels")
    return [_decoded(client, _name, row) for row in rows]


def _decoded(client: Client, decoder: Callable[[Mapping[str, Any]], T], row: Mapping[str, Any]) -> T:
    with translated_errors(client.session):
        return decoder(row)


def _version(row: Mapping[str, Any]) -> RemoteDatasetVersion:
    id_, type_ = _id(row), text(row, "type")
    dataset, name, version = (str(row[key]) for key in ("origin_id", "origin_name", "version"))
    known = type_ if type_ not in ("", _NOT_CONFIGURED) else None
    return RemoteDatasetVersion(id_, dataset, name, version, known, _time(row, id_))


def _id(row: Mapping[str, Any]) -> str:
    return str(row["id"])


def _name(row: Mapping[str, Any]) -> str:
    return str(row["name"])


def _time(row: Mapping[str, Any], id_: str) -> int | None:
    """Return the time of creation in milliseconds since 1970; None if neither the answer nor the id has it."""
    for key in TIMES:
        try:
            return Timestamp.parse(text(row, key) or "").seconds * 1000
        except errors.BadDate:
            continue
    match = _UUID_7.match(id_)
    return int(match[1] + match[2], 16) if match else None
