"""The versions of a registry model and their files, read with few requests, several at a time.

    listing of versions ─► does it have all fields? ─ yes ─► its rows      ─┐
                              (one version is asked)  no ──► each version ──┴─► its files

So versions that are known cost one listing of files each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion
from mvc.storage.disk.workers import Workers

REQUESTS = 8
"""Concurrent requests."""
FEW = 10
"""The most versions that are asked for one by one, instead of a listing of the whole model."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A registry version with all its fields and its files; `is_row` if the fields are those of a listing."""

    version: RemoteVersion
    files: tuple[RemoteFile, ...]
    is_row: bool = False


def rows(registry: Registry, listed: Sequence[RemoteVersion]) -> dict[str, RemoteVersion]:
    """Return the versions of a listing by id; none if the listing leaves out fields of a version."""
    if not listed:
        return {}
    sample = registry.version(listed[-1].id)
    is_full = sample is not None and sample.raw.keys() <= listed[-1].raw.keys()
    return {version.id: version for version in listed} if is_full else {}


def read(registry: Registry, ids: Iterable[str], known: Mapping[str, RemoteVersion]) -> dict[str, Listed]:
    """Return the versions of these ids that exist; those that are not in the rows `known` are asked for."""

    def one(id_: str) -> Listed | None:
        if id_ in known:
            try:
                return Listed(known[id_], tuple(registry.files(known[id_])), is_row=True)
            except errors.RegistryLacks:  # deleted since
                pass
        version = registry.version(id_)
        return Listed(version, tuple(registry.files(version))) if version is not None else None

    chosen = list(dict.fromkeys(ids))
    with Workers(REQUESTS) as workers:
        answers = list(workers.ahead(one, chosen, 4 * REQUESTS))
    return {id_: listed for id_, listed in zip(chosen, answers, strict=True) if listed is not None}


def read_of(registry: Registry, model: RemoteModel, ids: Sequence[str]) -> dict[str, Listed]:
    """Return the versions of these ids that exist; the model is listed if they are many."""
    known = rows(registry, registry.versions(model)) if len(ids) > FEW else {}
    return read(registry, ids, known)
