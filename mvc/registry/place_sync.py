"""Synchronise the record of published versions with a remote, on push and fetch.

    here   refs/<model>/published/picsellia/<version id>/…  ◄─ places that only the remote has
    there  the same logs                                    ─► places that only this repository has

The two logs of a version may differ in order: entries are only appended, so concurrent publishers lose nothing. The cache
holds the logs that have equal places, so that these are read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mvc import errors
from mvc.model.ids import VersionId
from mvc.remotes.remote import Remote
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.disk.workers import Workers
from mvc.storage.records.reflog import Place, RefEntry, RefName
from mvc.transport import tracking
from mvc.transport.synced_logs import SyncedLogs

TRIES = 8
"""Attempts to append to a remote log while others append to it."""
Numbers = Mapping[RefName, int]
"""The newest entry number of each log on a remote."""
Places = dict[tuple[str, str], Place]
"""Places by host and registry version id."""


def receive(repository: Repository, remote: Remote, numbers: Numbers, actor: Actor) -> int:
    """Record the places of the remote's logs in this repository; return how many were new."""
    synced = _synced(repository, remote)
    unread = {
        ref: number for ref, number in numbers.items() if tracking.is_model(ref.model) and not synced.has(ref, number)
    }
    with Workers(remote.jobs) as workers:
        logs = list(workers.ahead(lambda item: _entries(remote, *item), unread.items(), 4 * remote.jobs))
    count = 0
    with repository.locked():
        for ref, entries in zip(unread, logs, strict=True):
            remote_places = _places(entries)
            moves = [(place, actor.move("fetch")) for place in remote_places.values()]
            count += sum(places.record(Model(repository, ref.model), VersionId(ref.name), *move) for move in moves)
            if _local_places(repository, ref).keys() <= remote_places.keys():
                synced.add(ref, len(entries))
    synced.save()
    return count


def send(model: Model, remote: Remote, actor: Actor) -> int:
    """Record the places of `model`'s versions in the remote's logs; return how many were new there."""
    repository = model.repository
    logs = repository.refs.all(model.key, places.KIND)
    if not logs:
        return 0
    synced = _synced(repository, remote)
    numbers = remote.refs.published(model.key)
    count = 0
    for ref in logs:
        if not synced.has(ref, numbers.get(ref, 0)):
            entries, sent = _send(repository, remote, ref, actor)
            count += sent
            if _places(entries).keys() <= _local_places(repository, ref).keys():
                synced.add(ref, len(entries))
    synced.save()
    return count


def of_models(numbers: Numbers, models: Iterable[str] | None) -> dict[RefName, int]:
    """Return the logs of `models`; None for all."""
    selected = None if models is None else set(models)
    return {ref: number for ref, number in numbers.items() if selected is None or ref.model in selected}


def _send(repository: Repository, remote: Remote, ref: RefName, actor: Actor) -> tuple[list[RefEntry], int]:
    """Append the missing places to one remote log; return its entries, and how many are new. Raises RefMoved."""
    sent = 0
    for attempt in range(TRIES):
        try:
            entries = _entries(remote, ref)
            remote_places = _places(entries)
            for key, place in _local_places(repository, ref).items():
                if key not in remote_places:
                    tip = entries[-1] if entries else None
                    entries.append(remote.refs.record_place(ref, tip, place, actor.move("push")))
                    sent += 1
            return entries, sent
        except errors.RefMoved:
            if attempt == TRIES - 1:
                raise
            remote.pause(attempt + 1)
    raise AssertionError  # the last attempt has returned or raised


def _entries(remote: Remote, ref: RefName, newest: int = 0) -> list[RefEntry]:
    """Return the entries of a remote log, oldest first. Raises MissingThere if one up to `newest` is missing; Damaged."""
    entries: list[RefEntry] = []
    while (entry := remote.refs.entry(ref, len(entries) + 1)) is not None:
        entries.append(entry)
    if len(entries) < newest:
        raise errors.MissingThere(remote=remote.backend.where, what="the entry", id=ref.path(len(entries) + 1))
    return entries


def _places(entries: Iterable[RefEntry]) -> Places:
    return {(entry.place.host, entry.place.id): entry.place for entry in entries if entry.place is not None}


def _local_places(repository: Repository, ref: RefName) -> Places:
    local = places.places(Model(repository, ref.model), VersionId(ref.name))
    return {(place.host, place.id): place for place in local}


def _synced(repository: Repository, remote: Remote) -> SyncedLogs:
    """Return the logs that have equal places on both sides."""

    def count(ref: RefName) -> int:
        numbers = repository.refs.numbers(ref)
        return numbers[-1] if numbers else 0

    return SyncedLogs(repository.door, "places", remote, count)
