"""A push session: concurrent with other pushes, and safe from garbage collection, which must not delete its packs.

    intents/<nonce> ─ gc/active? ─ upload ─ is our intent still there? ─ move refs ─ intents/<nonce>.done
                          ├► stop                └► announce it again, list again, upload deleted files again
                          └► older than LEASE: killed; continue, and check again at the end

A push creates its intent first and looks for a flag afterwards; a collection creates its flag first and looks for
intents afterwards. So at least one of the two sees the other, and stops.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, PackId, VersionId, digest
from mvc.model.version import Timestamp
from mvc.remotes import compaction, expiries, hints, upload_plan
from mvc.remotes.backends.backend import Backend
from mvc.remotes.inventory import Inventory
from mvc.remotes.refs import Pause, RemoteRefs
from mvc.remotes.store import Store
from mvc.remotes.upload import Uploader, salt_of
from mvc.remotes.upload_plan import DroppedFiles, Fresh
from mvc.storage.progress import Progress
from mvc.storage.records import sealed
from mvc.storage.records.promised import Cause
from mvc.storage.records.reflog import Move, RefEntry

INTENTS = "intents"
FLAGS = "gc"
ACTIVE = f"{FLAGS}/active"
LEASE = 86_400.0
"""Validity of a flag in seconds, by the server's clock. A collection deletes nothing in the second half."""
DONE = ".done"
_MAX = 64 * 1024
_ROUNDS = 5
"""Attempts to upload files again that a concurrent collection deleted."""


class PushSession:
    """A push to one remote. Entering it raises RemoteBusy while a collection is in progress."""

    def __init__(self, store: Store, backend: Backend, move: Move, pause: Pause, jobs: int) -> None:
        """Push as the author of `move`, whose nonce is the name of the intent."""
        self._store = store
        self._backend = backend
        self._move = move
        self._jobs = jobs
        self._round = 0
        self._passed_over = False
        self._pause = pause
        self.refs = RemoteRefs(backend, pause)
        self.sent = 0
        self.skipped = 0
        self.encoded_again = 0
        """Chunks that were sent in another encoding than here, as the remote does not support that one."""
        self.revived: tuple[VersionId, ...] = ()
        """Versions whose bytes were dropped on the remote, and are sent again."""

    def __enter__(self) -> Self:
        """Announce the push."""
        self._announce()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the intent. A failure is ignored, as an open intent only delays collections."""
        with contextlib.suppress(errors.MvcError):
            self._end()

    def send(self, fresh: Fresh, seen: list[RefEntry], progress: Progress | None = None) -> None:
        """Upload everything that the versions in `fresh` need. Raises FilesElsewhere, and as Inventory and Uploader."""
        for _ in range(_ROUNDS):
            inventory = Inventory(self._store, self._backend, self._jobs)
            todo = upload_plan.plan(self._store, inventory, fresh, dropped=self._dropped(fresh))
            if progress is not None:
                progress.expect(todo.size)
            self.sent += Uploader(self._store, self._backend, self._jobs, progress).send(todo, inventory, seen)
            self.skipped = todo.skipped
            self.encoded_again += todo.encoded_again
            if not todo.is_empty:
                self.sent += compaction.compact(self._store, self._backend, inventory)
            for folder in ("packs", "meta"):  # uploads of an interrupted push may not be durable
                self._backend.settle(folder)
            if self.is_announced():
                return
            self._round += 1
            self._announce()
        raise errors.RemoteUnreachable(
            remote=self._backend.where, reason="its announcements of this push are removed repeatedly"
        )

    def replace(self, fresh: Fresh, inventory: Inventory, seen: list[RefEntry], damaged: Iterable[PackId]) -> None:
        """Upload the objects and chunks of `fresh` that are stored here and damaged or missing on the remote.

        Then leave a hint for each of the `damaged` packs.
        """
        todo = upload_plan.plan(self._store, inventory, fresh, partial=True, dropped=self._dropped(fresh))
        salt = salt_of({*inventory.spoiled, *inventory.unnamed})
        self.sent += Uploader(self._store, self._backend, self._jobs).send(todo, inventory, seen, salt)
        for pack in sorted(damaged):
            hints.leave(self._backend, pack, self._move)
        if not self.is_announced():
            self._round += 1
            self._announce()

    def drop(self, dropped: Mapping[VersionId, Iterable[FileId]], cause: Cause) -> None:
        """Record versions as dropped on the remote, each with its files."""
        expiries.drop(self._backend, dropped, cause, self._pause)

    def _dropped(self, fresh: Fresh) -> DroppedFiles:
        """Return the files that the remote may lack: all of them once a collection may have run beside this push."""
        dropped = expiries.dropped_files(self._store, expiries.read(self._backend), fresh, self.revived)
        if not self._round and not self._passed_over:
            return dropped
        every = {file for _, version in fresh for file in upload_plan.files_of(self._store, version)}
        return dropped._replace(doubted=every)

    def record_revived(self) -> None:
        """Record that the revived versions have their bytes again, once these are sent."""
        if self.revived:
            expiries.revive(
                self._backend, self.revived, Cause("push --revive", self._move.by, self._move.at), self._pause
            )

    def resend(self, fresh: Fresh, seen: list[RefEntry]) -> None:
        """Upload deleted files again after refs moved, if this push's intent was removed as abandoned.

        Likewise if a flag was ignored as that of a killed collection, which may still be running and deleting. Refs are
        already moved, so a remote without an answer is ignored.
        """
        with contextlib.suppress(errors.OutOfReach):
            if self._passed_over or not self.is_announced():
                self.send(fresh, seen)

    def is_announced(self) -> bool:
        """Return whether this push's intent exists: a collection may have removed it as abandoned."""
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
        """Return the time of this push's intent, by the server's clock."""
        written = [each.modified for each in self._backend.list(INTENTS) if each.name == self._name]
        if not written:
            raise errors.RemoteUnreachable(
                remote=self._backend.where, reason=f"{self._name} was written, but the listing lacks it"
            )
        return written[0]

    def _end(self) -> None:
        self._backend.create(self._name + DONE, sealed.seal({"kind": "done", "v": 1}))


@dataclass(frozen=True, slots=True)
class Flag:
    """The flag of a collection: its id, its time by the server's clock, and its start by the collector's clock."""

    id: str
    raised: float
    since: str

    def age(self, now: float) -> float:
        """Return the seconds since it was written; `now` is by the server's clock."""
        return now - self.raised


def read_flag(backend: Backend) -> Flag | None:
    """Return the flag of a collection that is in progress or was killed; None for none."""
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
