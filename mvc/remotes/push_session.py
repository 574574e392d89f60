"""A push beside other pushes, and beside garbage collection, which must not delete what the push relies on.

    intents/<nonce> ─ gc/active? ─ upload ─ is our intent still there? ─ move refs ─ intents/<nonce>.done
                          ├► stop                └► announce it again, list again, upload what was deleted
                          └► older than LEASE: killed; go on, and check again at the end

A push creates its intent first and looks for a flag afterwards; a collection creates its flag first and looks for
intents afterwards. So at least one of the two sees the other, and stops.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from mvc import errors
from mvc.model.ids import PackId, digest
from mvc.model.version import Timestamp
from mvc.remotes import compaction, hints, upload_plan
from mvc.remotes.backends.backend import Backend
from mvc.remotes.inventory import Inventory
from mvc.remotes.refs import Pause, RemoteRefs
from mvc.remotes.store import Store
from mvc.remotes.upload import Uploader, salt_of
from mvc.remotes.upload_plan import Fresh
from mvc.storage.progress import Progress
from mvc.storage.records import sealed
from mvc.storage.records.reflog import Move, RefEntry

INTENTS = "intents"
FLAGS = "gc"
ACTIVE = f"{FLAGS}/active"
LEASE = 86_400.0
"""Seconds for which a flag counts, by the server's clock. A collection deletes nothing in the second half of them."""
DONE = ".done"
_MAX = 64 * 1024
_ROUNDS = 5
"""How often files that a collection deleted meanwhile are uploaded again."""


class PushSession:
    """A push to one remote. Entering it raises RemoteBusy while a collection is in progress."""

    def __init__(self, store: Store, backend: Backend, move: Move, pause: Pause, jobs: int) -> None:
        """Take who pushes from `move`, whose nonce names the intent."""
        self._store = store
        self._backend = backend
        self._move = move
        self._jobs = jobs
        self._round = 0
        self._passed_over = False
        self.refs = RemoteRefs(backend, pause)
        self.sent = 0
        self.skipped = 0

    def __enter__(self) -> Self:
        """Announce the push."""
        self._announce()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the intent. One that cannot be ended only delays collections, so that is no reason to fail."""
        with contextlib.suppress(errors.MvcError):
            self._end()

    def send(self, fresh: Fresh, seen: list[RefEntry], progress: Progress | None = None) -> None:
        """Upload all that the versions in `fresh` need. Raises FilesElsewhere, and as Inventory and Uploader do."""
        for _ in range(_ROUNDS):
            inventory = Inventory(self._store, self._backend, self._jobs)
            todo = upload_plan.plan(self._store, inventory, fresh)
            if progress is not None:
                progress.expect(todo.size)
            self.sent += Uploader(self._store, self._backend, self._jobs, progress).send(todo, inventory, seen)
            self.skipped = todo.skipped
            if not todo.is_empty:
                self.sent += compaction.compact(self._store, self._backend, inventory)
            for folder in ("packs", "meta"):  # what an interrupted push uploaded may not be durable
                self._backend.settle(folder)
            if self.is_announced():
                return
            self._round += 1
            self._announce()
        raise errors.RemoteUnreachable(remote=self._backend.where, reason="its intents are removed again and again")

    def replace(self, fresh: Fresh, inventory: Inventory, seen: list[RefEntry], damaged: Iterable[PackId]) -> None:
        """Upload the objects and chunks of `fresh` that are here and not sound on the remote.

        Then leave a hint for each of the `damaged` packs.
        """
        todo = upload_plan.plan(self._store, inventory, fresh, partial=True)
        salt = salt_of({*inventory.spoiled, *inventory.unnamed})
        self.sent += Uploader(self._store, self._backend, self._jobs).send(todo, inventory, seen, salt)
        for pack in sorted(damaged):
            hints.leave(self._backend, pack, self._move)
        if not self.is_announced():
            self._round += 1
            self._announce()

    def resend(self, fresh: Fresh, seen: list[RefEntry]) -> None:
        """Upload again what was deleted while refs moved, if our intent was removed as abandoned meanwhile.

        Likewise if a flag was ignored as that of a killed collection: it may have been running after all, and deleting.
        Refs that moved stay moved, so a remote that does not answer any more is no reason to fail.
        """
        with contextlib.suppress(errors.OutOfReach):
            if self._passed_over or not self.is_announced():
                self.send(fresh, seen)

    def is_announced(self) -> bool:
        """Return whether our intent is still there: a collection may have removed it as abandoned."""
        try:
            self._backend.read(self._name, _MAX)
        except FileNotFoundError:
            return False
        return True

    @property
    def _name(self) -> str:
        return f"{INTENTS}/{self._move.nonce}" + (f"-{self._round}" if self._round else "")

    def _announce(self) -> None:
        record = {"kind": "intent", "v": 1, "by": self._move.by, "at": self._move.at.to_json()}
        self._backend.create(self._name, sealed.seal(record))
        flag = read_flag(self._backend)
        if flag is None:
            return
        if flag.age(self._written()) < LEASE:
            self._end()
            raise errors.RemoteBusy(remote=self._backend.where, since=flag.since)
        self._passed_over = True

    def _written(self) -> float:
        """Return when our intent was written, by the server's clock."""
        written = [each.modified for each in self._backend.list(INTENTS) if each.name == self._name]
        if not written:
            raise errors.RemoteUnreachable(
                remote=self._backend.where, reason=f"{self._name} was written, and is not listed"
            )
        return written[0]

    def _end(self) -> None:
        self._backend.create(self._name + DONE, sealed.seal({"kind": "done", "v": 1}))


@dataclass(frozen=True, slots=True)
class Flag:
    """The flag of a collection: its id, when the server wrote it, and its start by the collector's clock."""

    id: str
    raised: float
    since: str

    def age(self, now: float) -> float:
        """Return the seconds since it was written; `now` is by the server's clock."""
        return now - self.raised


def read_flag(backend: Backend) -> Flag | None:
    """Return the flag of a collection that is in progress or was killed; None when there is none."""
    try:
        data = backend.read(ACTIVE, _MAX)
    except FileNotFoundError:
        return None
    raised = [each.modified for each in backend.list(FLAGS) if each.name == ACTIVE]
    if not raised:
        return None
    since = "an unknown time"
    with contextlib.suppress(errors.MvcError):
        record = sealed.unseal(data, what=f"{ACTIVE} of {backend.where}", kind="gc")
        since = Timestamp.from_json(record.get("at")).utc()
    return Flag(digest(data), raised[0], since)
