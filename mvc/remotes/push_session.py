"""Sending to a remote beside others who send, and beside a collection, which must not remove what is about to be used.

    intents/<nonce> ─ is there gc/active? ─ send ─ is our intent still there? ─ move names ─ intents/<nonce>.done
                          ├► step back            └► announce it again, look again, send what is gone
                          └► older than LEASE: it was killed; go on, and look again at the end

Whoever sends writes the intent first and looks for a collection afterwards; whoever collects raises the flag first and looks
for intents afterwards. So at least one of the two sees the other, and steps back.
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
"""Seconds after which a flag counts no longer, by the server's clock. A collection deletes nothing in the second half of them."""
DONE = ".done"
_MAX = 64 * 1024
_ROUNDS = 5
"""How often what a collection took meanwhile is sent again."""


class PushSession:
    """A time in which versions are sent; entering it raises RemoteBusy while a collection is under way."""

    def __init__(self, store: Store, backend: Backend, move: Move, pause: Pause, jobs: int) -> None:
        """`move` says who sends, and its nonce names the intent."""
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
        """Announce it."""
        self._announce()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say that it is over. Who cannot leaves an intent behind, which only holds collections up: no reason to fail."""
        with contextlib.suppress(errors.MvcError):
            self._end()

    def send(self, fresh: Fresh, seen: list[RefEntry], progress: Progress | None = None) -> None:
        """Have all that `fresh` needs be on the remote. Raises FilesElsewhere, and as Inventory and Uploader do."""
        for _ in range(_ROUNDS):
            there = Inventory(self._store, self._backend, self._jobs)
            todo = upload_plan.plan(self._store, there, fresh)
            if progress is not None:
                progress.expect(todo.size)
            self.sent += Uploader(self._store, self._backend, self._jobs, progress).send(todo, there, seen)
            self.skipped = todo.skipped
            if not todo.is_empty:
                self.sent += compaction.compact(self._store, self._backend, there)
            for folder in ("packs", "meta"):  # what is there already may be that of a push that was stopped
                self._backend.settle(folder)
            if self.is_announced():
                return
            self._round += 1
            self._announce()
        raise errors.RemoteUnreachable(remote=self._backend.where, reason="its intents are removed again and again")

    def replace(self, fresh: Fresh, there: Inventory, seen: list[RefEntry], damaged: Iterable[PackId]) -> None:
        """Send what of `fresh` is here and not sound on the remote, then leave a hint of each of the `damaged` packs."""
        todo = upload_plan.plan(self._store, there, fresh, partial=True)
        salt = salt_of({*there.spoiled, *there.unnamed})
        self.sent += Uploader(self._store, self._backend, self._jobs).send(todo, there, seen, salt)
        for pack in sorted(damaged):
            hints.leave(self._backend, pack, self._move)
        if not self.is_announced():
            self._round += 1
            self._announce()

    def resend(self, fresh: Fresh, seen: list[RefEntry]) -> None:
        """After names were moved: send again what was removed meanwhile, if somebody took our intent for abandoned.

        Likewise if a flag was passed over as that of a collection that was killed: should it run after all, it may have removed something.

        Names that were moved stay moved, so a remote that does not answer any more is no reason to fail.
        """
        with contextlib.suppress(errors.OutOfReach):
            if self._passed_over or not self.is_announced():
                self.send(fresh, seen)

    def is_announced(self) -> bool:
        """Whether our intent is still there: somebody may have removed it for one that nobody needs."""
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
        """When our intent was written, by the server's clock: now."""
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
    """The flag of a collection: its bytes, when it was raised by the server's clock, and since when by its own, for people."""

    id: str
    raised: float
    since: str

    def age(self, now: float) -> float:
        """Seconds since it was raised, `now` by the server's clock."""
        return now - self.raised


def read_flag(backend: Backend) -> Flag | None:
    """The flag of the collection that is in progress, or was killed; None when there is none."""
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
