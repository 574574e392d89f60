"""A garbage collection session on a remote: announce it, look for pushes in progress, then remove packs.

    gc/active ─ any intent open? ─► stop                     gc/condemned/<nonce>   unreachable in the last collection
            └► unreachable, older than the grace period, and listed by the last collection ─► deleted, unless a ref moves

Ages are measured by the server's clock: the creation time of the flag counts as now. Only a collection deletes files of a
remote.

A flag older than LEASE belongs to a killed collection: pushes ignore it, and the next collection removes it. A slow
collection is safe, too: it deletes only in the first half of its lease, and only while it owns the flag. Only the client
that creates `gc/taken/<id of the flag>` removes the flag.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.version import Timestamp
from mvc.remotes.backends import probe
from mvc.remotes.backends.backend import TEMPORARY, Backend, Listed, Outcome
from mvc.remotes.push_session import ACTIVE, DONE, FLAGS, INTENTS, LEASE, read_flag
from mvc.storage.packs import metapacks
from mvc.storage.records import sealed
from mvc.storage.records.reflog import Move

MARKED = f"{FLAGS}/condemned"
TAKEN = f"{FLAGS}/taken"
UNFINISHED = 3_600.0
"""Seconds after which an unfinished file or a probe counts as abandoned, for any grace period."""
BATCH = 1_000
"""The most names of one deletion."""
_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ages:
    """Grace periods in seconds: `grace` for files, `marked` since a file was first found unreachable.

    Intents and flags older than `abandoned` are ignored. With None, intents always count, and flags until their LEASE.
    """

    grace: float
    marked: float
    abandoned: float | None = None


class GcSession:
    """A collection of one remote. Entering it raises RemoteBusy while a push or another collection is in progress."""

    def __init__(self, backend: Backend, move: Move, ages: Ages) -> None:
        """Collect as the author of `move`, whose nonce is in the names of the written files."""
        self._backend = backend
        self._move = move
        self._ages = ages
        self.now = 0.0
        self._first: dict[str, float] = {}
        self._asked = 0

    def __enter__(self) -> Self:
        """Create the flag, then check for open intents."""
        self._raise_flag()
        try:
            self._check_intents()
        except BaseException:
            self._lower_flag()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the flag."""
        self._lower_flag()

    def marked(self) -> set[str]:
        """Return the names that an earlier collection, at least a grace period ago, found unreachable."""
        found: set[str] = set()
        for listed in self._backend.list(MARKED):
            names = self._read_list(listed)
            if self.now - listed.modified >= self._ages.marked:
                found |= names
            else:
                self._note(names, listed.modified)
        return found

    def due(self, waiting: Iterable[Listed]) -> float:
        """Return the server's time from which a collection with these ages deletes all files of `waiting`.

        Call it after `mark`. The lists that `marked` passed over count from when they were made.
        """
        times = (max(each.modified + self._ages.grace, self._first[each.name] + self._ages.marked) for each in waiting)
        return max(times, default=self.now)

    def is_old(self, listed: Listed) -> bool:
        """Return whether a file is older than the grace period."""
        return self.now - listed.modified >= self._ages.grace

    def mark(self, names: Iterable[str]) -> None:
        """Record the names that are unreachable now, for the next collection, and delete outdated lists."""
        unreachable = sorted(names)
        record = {"kind": "condemned", "v": 1, "names": unreachable}
        old = [each for each in self._backend.list(MARKED) if self.now - each.modified >= self._ages.marked]
        own = f"{MARKED}/{self._move.nonce}"
        self._backend.create(own, sealed.seal(record))
        made = next((each.modified for each in self._backend.list(MARKED) if each.name == own), self.now)
        self._note(unreachable, made)
        self._backend.delete([each.name for each in old])

    def remove(self, names: Sequence[str], unmoved: Callable[[], bool]) -> list[str]:
        """Delete names, metadata packs first; return those deleted.

        It stops once `unmoved` returns False, as a ref moved, or half of the lease is over.
        """
        ordered = sorted(names, key=lambda name: (not name.startswith(metapacks.FOLDER), name))
        done: list[str] = []
        for start in range(0, len(ordered), BATCH):
            if not (unmoved() and self._may_delete()):
                break
            batch = ordered[start : start + BATCH]
            self._backend.delete(batch)
            done += batch
        return done

    def unfinished(self) -> dict[str, int]:
        """Return the leftovers of killed pushes and probes, with their sizes."""
        left = [*self._backend.list(TEMPORARY), *self._backend.list(probe.FOLDER)]
        age = max(self._ages.grace, UNFINISHED)
        return {
            each.name: each.size
            for each in left
            if not each.name.startswith(probe.OK) and self.now - each.modified >= age
        }

    def ended_intents(self) -> list[str]:
        """Return the intents that have ended, with their ends, and are older than the grace period."""
        listed = {each.name: each for each in self._backend.list(INTENTS)}
        over = [name for name in listed if name + DONE in listed and self.is_old(listed[name + DONE])]
        return [each for name in over for each in (name, name + DONE)]

    # --- inside

    def _note(self, names: Iterable[str], marked: float) -> None:
        """Note that a list of that time marks `names`."""
        self._first |= {name: min(marked, self._first.get(name, marked)) for name in names}

    def _raise_flag(self) -> None:
        record = {"kind": "gc", "v": 1, "by": self._move.by, "nonce": self._move.nonce, "at": self._move.at.to_json()}
        self.now = self._time()
        for _ in range(2):
            outcome = self._backend.create(ACTIVE, sealed.seal(record))
            if outcome is Outcome.CREATED or self._is_ours():
                return
            if not self._take_down_abandoned():
                break
        flag = read_flag(self._backend)
        raise errors.RemoteBusy(remote=self._backend.where, since=flag.since if flag else "just now")

    def _may_delete(self) -> bool:
        """Return whether this collection still owns the flag, and no push ignores it yet."""
        return self._time() - self.now < LEASE / 2 and self._is_ours()

    def _time(self) -> float:
        """Return the server's time, from a newly written file.

        Deleting it tests the key's right to delete: without that, the flag could not be removed.
        """
        self._asked += 1
        name = f"{probe.FOLDER}/now-{self._move.nonce}-{self._asked}"
        self._backend.create(name, b"now")
        listed = [each.modified for each in self._backend.list(probe.FOLDER) if each.name == name]
        self._backend.delete([name])
        if not listed:
            raise errors.RemoteUnreachable(
                remote=self._backend.where, reason=f"{name} was written, but the listing lacks it"
            )
        return listed[0]

    def _is_ours(self, name: str = ACTIVE, kind: str = "gc") -> bool:
        """Return whether this client wrote the flag, or a claim on one: the answer to its creation may have been lost."""
        try:
            record = sealed.unseal(self._backend.read(name, _MAX), what=name, kind=kind)
        except (FileNotFoundError, errors.Damaged):
            return False
        return record.get("nonce") == self._move.nonce

    def _take_down_abandoned(self) -> bool:
        """Remove an abandoned flag; return False if it is not abandoned, or another client removes it."""
        flag = read_flag(self._backend)
        if flag is None:
            return True
        limit = LEASE if self._ages.abandoned is None else self._ages.abandoned
        return flag.age(self.now) >= limit and self._take_down(flag.id, limit)

    def _take_down(self, flag: str, limit: float) -> bool:
        """Remove the flag of that id, unless another client has claimed it. A claim older than `limit` is ignored."""
        claim = f"{TAKEN}/{flag}"
        record = {"kind": "taken", "v": 1, "nonce": self._move.nonce}
        if self._backend.create(claim, sealed.seal(record)) is Outcome.TAKEN and not self._is_ours(claim, "taken"):
            claims = [each for each in self._backend.list(TAKEN) if each.name == claim]
            if any(self.now - each.modified < limit for each in claims):
                return False
        now = read_flag(self._backend)
        if now is not None and now.id == flag:
            self._backend.delete([ACTIVE])
        self._backend.delete([claim])  # last: until then nobody else removes a flag
        return True

    def _check_intents(self) -> None:
        """Raise RemoteBusy while a push is in progress; delete abandoned intents."""
        listed = {each.name: each for each in self._backend.list(INTENTS)}
        limit = self._ages.abandoned
        for name, each in sorted(listed.items()):
            if name.endswith(DONE) or name + DONE in listed:
                continue
            if limit is None or self.now - each.modified < limit:
                raise errors.SomebodySends(remote=self._backend.where, by=self._sender(name))
            self._backend.delete([name])

    def _sender(self, name: str) -> str:
        with contextlib.suppress(errors.MvcError, FileNotFoundError):
            record = sealed.unseal(self._backend.read(name, _MAX), what=name, kind="intent")
            return f"{record.get('by')}, since {Timestamp.from_json(record.get('at')).utc()}"
        return "somebody"

    def _lower_flag(self) -> None:
        flag = read_flag(self._backend)
        if flag is not None and self._is_ours():
            self._take_down(flag.id, LEASE)

    def _read_list(self, listed: Listed) -> set[str]:
        with contextlib.suppress(FileNotFoundError):
            record = sealed.unseal(self._backend.read(listed.name, _MAX), what=listed.name, kind="condemned")
            names = record.get("names")
            if isinstance(names, list):
                return set(map(str, names))
        return set()
