"""What is told of places on registries travels with push and fetch: each side learns what the other knows, and forgets nothing.

    here   refs/<model>/published/picsellia/<version id>/…  ◄─ places that only the remote tells of
    there  the same logs                                    ─► places that only this repository tells of

The two logs of a version are not one: each grows by what it lacks, so that two who publish at once lose nothing. Which of them
are alike is kept in the cache, so that they are read once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.remotes.remote import Remote
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.disk.workers import Workers
from mvc.storage.records.reflog import Place, RefEntry, RefName
from mvc.transport import tracking

TRIES = 8
"""How often somebody else may be first with the next entry of one log."""
Numbers = Mapping[RefName, int]
"""The newest number of each log on a remote."""
Places = dict[tuple[str, str], Place]
"""Places by host and id there."""


def receive(repository: Repository, remote: Remote, numbers: Numbers, actor: Actor) -> int:
    """Have it told here what the remote's logs tell; how many places were new."""
    known = _Known(repository, remote)
    fresh = {
        ref: number for ref, number in numbers.items() if tracking.is_model(ref.model) and not known.has(ref, number)
    }
    with Workers(remote.jobs) as workers:
        read = list(workers.ahead(lambda each: _entries(remote, *each), fresh.items(), 4 * remote.jobs))
    count = 0
    with repository.locked():
        for ref, entries in zip(fresh, read, strict=True):
            told = _places(entries)
            version = VersionId(ref.name)
            moves = [(place, actor.move("fetch")) for place in told.values()]
            count += sum(places.record(Model(repository, ref.model), version, *each) for each in moves)
            if _here(repository, ref).keys() <= told.keys():
                known.note(ref, len(entries))
    known.keep()
    return count


def send(repository: Repository, model: str, remote: Remote, actor: Actor) -> int:
    """Have it told on the remote what is told here of versions of `model`; how many places were new there."""
    mine = repository.refs.all(model, places.KIND)
    if not mine:
        return 0
    known = _Known(repository, remote)
    there = remote.refs.published(model)
    count = 0
    for ref in mine:
        if not known.has(ref, there.get(ref, 0)):
            entries, sent = _send(repository, remote, ref, actor)
            count += sent
            if _places(entries).keys() <= _here(repository, ref).keys():
                known.note(ref, len(entries))
    known.keep()
    return count


def _send(repository: Repository, remote: Remote, ref: RefName, actor: Actor) -> tuple[list[RefEntry], int]:
    """Add to one log there what it lacks; its entries then, and how many are new. Raises RefMoved."""
    sent = 0
    for attempt in range(TRIES):
        try:
            entries = _entries(remote, ref)
            told = _places(entries)
            for key, place in _here(repository, ref).items():
                if key not in told:
                    tip = entries[-1] if entries else None
                    entries.append(remote.refs.record_place(ref, tip, place, actor.move("push")))
                    sent += 1
            return entries, sent
        except errors.RefMoved:
            if attempt == TRIES - 1:
                raise
            remote.pause(attempt + 1)
    raise AssertionError  # the last try has returned or raised


def _entries(remote: Remote, ref: RefName, newest: int = 0) -> list[RefEntry]:
    """The entries of a log there, oldest first; all up to `newest` must be there. Raises MissingThere, Damaged."""
    found: list[RefEntry] = []
    while (entry := remote.refs.entry(ref, len(found) + 1)) is not None:
        found.append(entry)
    if len(found) < newest:
        raise errors.MissingThere(remote=remote.backend.where, what="the entry", id=ref.path(len(found) + 1))
    return found


def _places(entries: Iterable[RefEntry]) -> Places:
    return {(entry.place.host, entry.place.id): entry.place for entry in entries if entry.place is not None}


def _here(repository: Repository, ref: RefName) -> Places:
    found = places.places(Model(repository, ref.model), VersionId(ref.name))
    return {(place.host, place.id): place for place in found}


@dataclass
class _Known:
    """Which logs were found to tell the same as those here: by the number there and what is told here."""

    repository: Repository
    remote: Remote
    told: dict[str, list[object]] = field(init=False)

    def __post_init__(self) -> None:
        self.told = self._read()

    @property
    def path(self) -> str:
        return f"cache/told/{digest(self.remote.backend.where.encode())}"

    def has(self, ref: RefName, number: int) -> bool:
        return number > 0 and self.told.get(ref.folder) == [number, self._here(ref)]

    def note(self, ref: RefName, number: int) -> None:
        self.told[ref.folder] = [number, self._here(ref)]

    def keep(self) -> None:
        if self.told:
            self.repository.door.cache(self.path, json.dumps(self.told, sort_keys=True).encode())

    def _here(self, ref: RefName) -> int:
        """How many entries there are here: a log only grows."""
        numbers = self.repository.refs.numbers(ref)
        return numbers[-1] if numbers else 0

    def _read(self) -> dict[str, list[object]]:
        try:
            found = json.loads(self.repository.door.read(self.path))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def of_models(numbers: Numbers, models: Iterable[str] | None) -> dict[RefName, int]:
    """Those logs that are of `models`; None for all."""
    wanted = None if models is None else set(models)
    return {ref: number for ref, number in numbers.items() if wanted is None or ref.model in wanted}
