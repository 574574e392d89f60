"""Synchronise the records of dropped versions with a remote.

there   expired/…   ─► here, on fetch and clone, without the files that are complete here
here    expired/…   ─► there, when a push has versions whose bytes are on neither side
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mvc import errors
from mvc.formats.syntax import foreign_json
from mvc.model.ids import FileId, VersionId, digest
from mvc.remotes import expiries
from mvc.remotes.remote import Remote
from mvc.repository.repository import Repository
from mvc.storage.records import config, expired, promised
from mvc.storage.records.promised import PROMISED, Cause, Expired, State


class ReceivedExpiries(NamedTuple):
    """The number of versions that new records drop, and of their files that are complete here and stay."""

    versions: int
    kept: int


def receive(repository: Repository, remote: Remote) -> ReceivedExpiries:
    """Repeat the remote's new records here. Files that are complete here are left out, and so keep their bytes.

    The remote promises the files of revived versions, which end what was dropped here too.
    """
    return repeat(repository, read(repository, remote), remote.name)


def read(repository: Repository, remote: Remote) -> list[Expired]:
    """Return the remote's records, and keep a copy of them in the cache. Raises as `expiries.read`."""
    records = expiries.read(remote.backend)
    url = repository.config.remotes().get(remote.name, {}).get("url", "")
    data = json.dumps([record.encode().decode() for record in records]).encode()
    if url and (records or repository.door.exists(_copy(url))) and _cached(repository, url) != data:
        repository.door.cache(_copy(url), data)
    return records


def last_read(repository: Repository, url: str) -> promised.Dropped:
    """Return what was dropped on the remote at `url` when its records were last read; nothing if the cache lost them."""
    try:
        listed = foreign_json.loads(_cached(repository, url) or b"[]")
        return promised.Dropped([Expired.decode(str(each).encode()) for each in listed])
    except (ValueError, TypeError, errors.Damaged):
        return promised.Dropped(())


def _cached(repository: Repository, url: str) -> bytes | None:
    try:
        return repository.door.read(_copy(url))
    except (OSError, errors.MvcError):
        return None


def _copy(url: str) -> str:
    return f"cache/expired/{digest(url.encode())}"


def repeat(repository: Repository, records: Sequence[Expired], promisor: str | None = None) -> ReceivedExpiries:
    """Repeat the new `records` of another store here, as `receive`; `promisor` has the bytes of revived versions."""
    if not records:
        return ReceivedExpiries(0, 0)
    with repository.locked():
        known = {record.source for record in promised.expiries(repository.door)}
        fresh = [record for record in records if digest(record.encode()) not in known]
        versions, kept = set[VersionId](), set[FileId]()
        for record in fresh:
            config.require(repository.door, {config.EXPIRED})
            complete = {
                file for file in record.files if repository.recipes.any_for(file) and repository.recipes.best(file)
            }
            if promisor is not None:
                _promise(repository, promisor, record)
            expired.repeat(repository.door, record, set(record.files) - complete)
            versions.update(record.versions or ())
            kept |= complete
    if fresh:
        repository.read_again()
    return ReceivedExpiries(len(versions), len(kept))


def _promise(repository: Repository, promisor: str, record: Expired) -> None:
    """Record the files of versions that `record` revives, and that are not complete here, as promised."""
    objects = repository.objects
    here = [objects.version(id_) for id_ in record.revived or () if objects.has(id_)]
    trees = [(version.model_toml, objects.tree(version.tree).entries) for version in here]
    files = {file for toml, entries in trees for file in (toml, *(entry.file for entry in entries))}
    absent = [each for each in files if repository.promised.state(each) is not State.COMPLETE]
    if absent:
        repository.promised.add(PROMISED, absent, reason=promisor, by=record.by, at=record.at)


def local_records(
    repository: Repository, lost: Iterable[tuple[FileId, VersionId]]
) -> dict[Expired, dict[VersionId, set[FileId]]] | None:
    """Return the records here by which versions dropped the `lost` files; None if one of these is explained by none."""
    recorded = promised.dropped(repository.door)
    found: dict[Expired, dict[VersionId, set[FileId]]] = {}
    for file, id_ in lost:
        record = recorded.record(id_, file)
        if record is None:
            return None
        found.setdefault(record, {}).setdefault(id_, set()).add(file)
    return found


def cause(record: Expired) -> Cause:
    """Return the cause that a record names."""
    return Cause(record.reason, record.by, record.at)
