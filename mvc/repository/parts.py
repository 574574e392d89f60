"""The parts of one repository, each created on first use: settings, refs, objects, packs, working tree."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mvc import errors, lazy
from mvc.model.ids import FileId, VersionId
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.primitives import STORE
from mvc.storage.disk.treedoor import TreeDoor
from mvc.storage.objects import Objects
from mvc.storage.records import clone_source
from mvc.storage.records.config import Config
from mvc.storage.records.heads import Head, Heads
from mvc.storage.records.reflog import HEADS, RefEntry, RefLogs, RefName
from mvc.storage.records.statcache import StatCache

if TYPE_CHECKING:
    from mvc.model.hosts import Approvals
    from mvc.model.version import Timestamp
    from mvc.storage.caches.scans import ScanCache
    from mvc.storage.chunks.bases import Bases
    from mvc.storage.chunks.extract import Extract
    from mvc.storage.chunks.ingest import Ingest
    from mvc.storage.chunks.recipes import Recipes
    from mvc.storage.packs.index import ChunkIndex
    from mvc.storage.packs.metapacks import MetaPacks
    from mvc.storage.packs.reader import ChunkReader
    from mvc.storage.records.annotations.attestations import Attestation
    from mvc.storage.records.annotations.evaluations import Evaluation
    from mvc.storage.records.annotations.log import Logs
    from mvc.storage.records.annotations.remarks import Note
    from mvc.storage.records.annotations.signatures import Signature
    from mvc.storage.records.journal import Journal, RefStep
    from mvc.storage.records.promised import Promised

if TYPE_CHECKING:
    from mvc.storage.caches import scans as scan_cache
    from mvc.storage.chunks import extract, ingest, recipes
    from mvc.storage.packs import index, metapacks, reader
    from mvc.storage.records import promised
    from mvc.storage.records.annotations import attestations, evaluations, log, remarks, signatures
else:
    scan_cache = lazy.Module("mvc.storage.caches.scans")
    extract = lazy.Module("mvc.storage.chunks.extract")
    ingest = lazy.Module("mvc.storage.chunks.ingest")
    recipes = lazy.Module("mvc.storage.chunks.recipes")
    index = lazy.Module("mvc.storage.packs.index")
    metapacks = lazy.Module("mvc.storage.packs.metapacks")
    reader = lazy.Module("mvc.storage.packs.reader")
    promised = lazy.Module("mvc.storage.records.promised")
    evaluations = lazy.Module("mvc.storage.records.annotations.evaluations")
    log = lazy.Module("mvc.storage.records.annotations.log")
    remarks = lazy.Module("mvc.storage.records.annotations.remarks")
    attestations = lazy.Module("mvc.storage.records.annotations.attestations")
    signatures = lazy.Module("mvc.storage.records.annotations.signatures")

DIRECTORY = STORE
MODEL_TOML = "model.toml"
MAIN = "main"
MovedRef = tuple[RefName, RefEntry, str | None]
"""A ref that moved, its new entry, and the remote where it is, None for here."""
LOCK_TIMEOUT = 10.0
"""Seconds that a writing command waits for the lock."""


class Recorder(Protocol):
    """The recorder of the running command, called before each of its changes."""

    undoes: tuple[int, ...]
    """The operations that the command reverses."""

    def ref(self, ref: RefName, entry: RefEntry) -> None:
        """Record a ref entry that is about to be created."""

    def change(self, plan: Journal, *, discard: bool) -> None:
        """Record a change of the working tree, and keep the files that it overwrites unless they are to `discard`."""

    def text(self, model: str, path: str, old: bytes, new: bytes) -> None:
        """Record an edit of a model.toml."""

    def note(self, model: str | None) -> None:
        """Record the command, before a change that has no other method here; None is the whole repository."""


class Gate(Protocol):
    """The gate of the rules of policy.toml, through which refs move."""

    def entry(self, ref: RefName, entry: RefEntry) -> RefEntry:
        """Return the entry that may be created; raise PolicyRefused, BadPolicy."""

    def steps(self, steps: tuple[RefStep, ...]) -> tuple[RefStep, ...]:
        """Return the entries of a change that may be created, as `entry`."""


class Parts:
    """The parts of one repository."""

    def __init__(
        self,
        root: Path,
        *,
        user_config: Path | None = None,
        lock_timeout: float | None = None,
        offline: bool = False,
        unfinished: bool = False,
        trusted_hosts: str = "",
    ) -> None:
        """Open the repository whose `.mvc` is in `root`; with `offline`, only remotes in folders are used.

        `trusted_hosts` are hosts that may receive credentials, besides those in the user's settings. With `unfinished`,
        an unfinished clone may be opened, too. Raises NoRepository, IrregularFile, UnfinishedClone,
        IncompleteInit, NewerFormat, UnknownFeature, BadConfig, Damaged.
        """
        self.root = root
        self.door = StoreDoor(root / DIRECTORY)
        if not (root / DIRECTORY).is_dir():
            raise errors.NoRepository(where=root)
        if not os.path.realpath(root / DIRECTORY).startswith(f"{os.path.realpath(root)}{os.sep}".replace("//", "/")):
            raise errors.IrregularFile(path=root / DIRECTORY, kind="a symbolic link to a place outside the repository")
        source = None if unfinished else clone_source.unfinished(self.door)
        if source is not None:
            raise errors.UnfinishedClone(where=root, url=source.url)
        self.user_config = user_config
        self.user_cache: Path | None = None
        """The folder for what mvc remembers for the user, outside of the repository; None for none."""
        self.force_policy = ""
        """The reason for which rules of a policy that have `force` are passed; "" if they are not."""
        self.refused: dict[RefName, errors.MvcError] = {}
        """The names that were not taken from the remote that was opened, each with the error."""
        self.no_verify = False
        """True to run none of the user's hooks."""
        self.hooks_passed: set[Any] = set()
        """The moves that the hook before moves let pass; some verbs ask before they store something, and again later."""
        self.hook_faults: list[str] = []
        """What went wrong in hooks after a move, which cannot refuse."""
        self.read_again()
        self.offline = offline
        self._trusted_hosts = trusted_hosts
        self.left_alone: list[str] = []
        """Paths that a change did not write, since they were edited after it was planned."""
        self._lock_timeout = lock_timeout
        self.operator: Callable[[], tuple[str, Timestamp]] | None = None
        """Returns who works, and the time now, for the records of operations; without it, none are written."""
        self.command: tuple[str, ...] = ()
        """The arguments of the command line, for the records of operations."""
        self._running = threading.local()

    @property
    def recorder(self) -> Recorder | None:
        """The recorder of the command that runs in this thread, None for none."""
        recorder: Recorder | None = getattr(self._running, "recorder", None)
        return recorder

    @recorder.setter
    def recorder(self, recorder: Recorder | None) -> None:
        self._running.recorder = recorder

    def read_again(self) -> None:
        """Read the settings again and drop all caches, as another process may have changed the store.

        Raises BadConfig and the like.
        """
        self.config = Config(self.door, self.user_config)
        for name in [name for name in vars(self) if isinstance(getattr(type(self), name, None), cached_property)]:
            del self.__dict__[name]

    @cached_property
    def approvals(self) -> Approvals:
        """The hosts that the user approved. Raises BadConfig, BadSetting."""
        return self.config.approvals(self._trusted_hosts)

    @cached_property
    def tree(self) -> TreeDoor:
        """The working tree."""
        return TreeDoor(self.root, self.door, filemode=self.config.get("core.filemode") is not False)

    @cached_property
    def refs(self) -> RefLogs:
        """The ref logs: branches, tags, aliases."""
        return RefLogs(self.door, self._announce, self.record_move)

    @cached_property
    def heads(self) -> Heads:
        """The head of each model."""
        return Heads(self.door)

    @cached_property
    def metapacks(self) -> MetaPacks:
        """The metadata packs."""
        return metapacks.MetaPacks(self.door)

    @cached_property
    def objects(self) -> Objects:
        """Versions, manifests, trees."""
        return Objects(self.door, lambda: self.metapacks)

    @cached_property
    def stats(self) -> StatCache:
        """The stat cache."""
        return StatCache(self.door, self.tree)

    @cached_property
    def scans(self) -> ScanCache:
        """The scan cache."""
        return scan_cache.ScanCache(self.recipes.best, self.root, self.user_cache)

    @cached_property
    def chunks(self) -> ChunkIndex:
        """The index of chunks in packs."""
        return index.ChunkIndex(self.door)

    @cached_property
    def reader(self) -> ChunkReader:
        """The reader of chunks."""
        return reader.ChunkReader(self.door, self.chunks)

    @cached_property
    def recipes(self) -> Recipes:
        """The recipes of files."""
        return recipes.Recipes(self.door, self.metapacks, self.chunks)

    @cached_property
    def promised(self) -> Promised:
        """The records of promised and expired files."""
        return promised.Promised(self.door, self.recipes, self._uses)

    def _uses(self) -> Iterator[tuple[VersionId, FileId]]:
        return self.objects.uses([*self.objects.loose(), *self.metapacks.object_ids()])

    @cached_property
    def remarks(self) -> Logs[Note]:
        """The notes on versions."""
        return log.Logs(self.door, remarks.Note)

    @cached_property
    def evaluations(self) -> Logs[Evaluation]:
        """The evaluations of versions."""
        return log.Logs(self.door, evaluations.Evaluation)

    @cached_property
    def signatures(self) -> Logs[Signature]:
        """The signatures of versions, and of moves to them."""
        return log.Logs(self.door, signatures.Signature)

    @cached_property
    def attestations(self) -> Logs[Attestation]:
        """The attestations of versions."""
        return log.Logs(self.door, attestations.Attestation)

    @property
    def annotations(self) -> dict[str, Logs[Any]]:
        """The logs of each kind of annotations, by the folder of the kind."""
        kinds = (self.remarks, self.evaluations, self.signatures, self.attestations)
        return {logs.kind.FOLDER: logs for logs in kinds}

    @cached_property
    def extract(self) -> Extract:
        """The reader of stored files."""
        return extract.Extract(self.recipes, self.reader)

    def ingest(self, progress: Callable[[int], None] | None = None, bases: Bases | None = None) -> Ingest:
        """Return a writer of new files, with deltas against `bases`; `progress` counts the bytes read."""
        return ingest.Ingest(self.door, self.recipes, self.reader, progress, bases)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the exclusive lock. Raises LockTimeout, ReadOnlyStore."""
        with self.door.lock(self._timeout()):
            yield

    def head(self, model: str) -> Head:
        """Return the head of `model`. Raises NoModel."""
        head = self.heads.get(model)
        if head is None:
            raise errors.NoModel(model=model, known=", ".join(self.heads.models()) or "none")
        return head

    def current(self, model: str) -> VersionId | None:
        """Return the version at the head of `model`; None before its first commit. Raises NoModel."""
        head = self.head(model)
        return head.version if head.branch is None else self.refs.target(RefName(model, HEADS, head.branch))

    def note(self, model: str | None) -> None:
        """Record the running command for `model`, before a change that has no ref entry; None is the whole repository."""
        if self.recorder is not None:
            self.recorder.note(model)

    @property
    def gate(self) -> Gate:
        """The gate through which every branch, tag and alias moves; the caller holds the lock."""
        gate: Gate = lazy.load("mvc.repository.policy.gate").Gate(self)  # which needs histories, and so a repository
        return gate

    def _announce(self, ref: RefName, entry: RefEntry, taken: bool) -> RefEntry:  # noqa: FBT001 - as `reflog.Before`
        """Return a ref entry that may be created, once it is recorded."""
        allowed = entry if taken else self.gate.entry(ref, entry)
        if self.recorder is not None:
            self.recorder.ref(ref, allowed)
        return allowed

    def record_move(self, ref: RefName, entry: RefEntry, remote: str | None = None) -> None:
        """Record a ref that moved here or on a remote, for the hook after the running command."""
        moved: list[MovedRef] | None = getattr(self._running, "moved", None)
        if moved is not None:
            moved.append((ref, entry, remote))

    @contextlib.contextmanager
    def post_hooks(self) -> Iterator[None]:
        """Run the hook after moves at the end, without the lock; a command within another one belongs to that."""
        if getattr(self._running, "moved", None) is not None:
            yield
            return
        moved: list[MovedRef] = []
        self._running.moved = moved
        try:
            yield
        finally:
            self._running.moved = None
            self.hooks_passed.clear()
            fault = lazy.load("mvc.repository.policy.hooks").Hooks(self).moved(moved) if moved else None
            self.hook_faults += [fault] if fault is not None else []

    def _timeout(self) -> float:
        if self._lock_timeout is not None:
            return self._lock_timeout
        return float(self.config.get("core.lock-timeout") or LOCK_TIMEOUT)
