"""Sending to a remote beside others who send, and beside a collection, which must not remove what is about to be used.

    intents/<nonce> ─ is there gc/active? ─ send ─ is our intent still there? ─ move names ─ intents/<nonce>.done
                          └► step back            └► announce it again, look again, send what is gone

Whoever sends writes the intent first and looks for a collection afterwards; whoever collects raises the flag first and looks
for intents afterwards. So at least one of the two sees the other, and steps back.
"""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Self

from mvc import errors
from mvc.model.version import Timestamp
from mvc.remotes import merging, outgoing
from mvc.remotes.backend import Backend
from mvc.remotes.inventory import Inventory
from mvc.remotes.outgoing import Fresh
from mvc.remotes.refs import Pause, RemoteRefs
from mvc.remotes.store import Store
from mvc.remotes.upload import Uploader
from mvc.storage import sealed
from mvc.storage.progress import Progress
from mvc.storage.reflog import Move, RefEntry

INTENTS = "intents"
ACTIVE = "gc/active"
DONE = ".done"
_MAX = 64 * 1024
_ROUNDS = 5
"""How often what a collection took meanwhile is sent again."""


class Sending:
    """A time in which versions are sent; entering it raises RemoteBusy while a collection is under way."""

    def __init__(self, store: Store, backend: Backend, move: Move, pause: Pause, jobs: int) -> None:
        """`move` says who sends, and its nonce names the intent."""
        self._store = store
        self._backend = backend
        self._move = move
        self._jobs = jobs
        self._round = 0
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
            todo = outgoing.plan(self._store, there, fresh)
            if progress is not None:
                progress.expect(todo.size)
            self.sent += Uploader(self._store, self._backend, self._jobs, progress).send(todo, there, seen)
            self.skipped = todo.skipped
            if not todo.is_empty:
                self.sent += merging.merge(self._store, self._backend, there)
            if self.is_announced():
                return
            self._round += 1
            self._announce()
        raise errors.RemoteUnreachable(remote=self._backend.where, reason="its intents are removed again and again")

    def mend(self, fresh: Fresh, seen: list[RefEntry]) -> None:
        """After names were moved: send again what was removed meanwhile, if somebody took our intent for abandoned.

        Names that were moved stay moved, so a remote that does not answer any more is no reason to fail.
        """
        with contextlib.suppress(errors.OutOfReach):
            if not self.is_announced():
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
        active = read_flag(self._backend)
        if active is not None:
            self._end()
            raise errors.RemoteBusy(remote=self._backend.where, since=active.utc())

    def _end(self) -> None:
        self._backend.create(self._name + DONE, sealed.seal({"kind": "done", "v": 1}))


def read_flag(backend: Backend) -> Timestamp | None:
    """When the collection began that is under way, None while none is; raises Damaged."""
    try:
        data = backend.read(ACTIVE, _MAX)
    except FileNotFoundError:
        return None
    record = sealed.unseal(data, what=f"{ACTIVE} of {backend.where}", kind="gc")
    return Timestamp.from_json(record.get("at"))
