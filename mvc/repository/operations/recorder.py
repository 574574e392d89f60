"""The recorder of one command: it writes the operation record before the first change, and keeps edits that get lost.

    verb ─ first ref entry, change of files, or edit of model.toml ─► edits kept ─► record ─► the change itself
         └ each further one, if it was not announced with the first ─► a record that is a part of it

A command that changes nothing writes no record.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.model.ids import FileId, digest
from mvc.repository.parts import Parts
from mvc.repository.worktree import model_file
from mvc.repository.worktree.snapshot import UNREAD
from mvc.storage.records import config, journal, merges, operations, promised, sparse
from mvc.storage.records.journal import FileStep, Journal
from mvc.storage.records.merges import MergeState
from mvc.storage.records.operations import DISCARDED, FileChange, Operation, PlannedEntry
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.model.toml import secrets
    from mvc.storage.records import stashes
else:
    stashes = lazy.Module("mvc.storage.records.stashes")
    secrets = lazy.Module("mvc.model.toml.secrets")

KEEP_BYTES = 2 << 30
"""The most bytes of edits that a command keeps, by default: more takes long, and would fill a disk unnoticed."""
FINAL = ("push", "publish", "gc", "prune")
"""Verbs that cannot be undone; they are listed, also if they move no ref here."""
_FETCHING = ("fetch", "pull")
"""Verbs that append tags and aliases of a remote; a fetch would not create them again. A pull's own branch is in its journal."""
_SECRET = 16
"""Characters of an argument that may hold a secret, at least."""
_LONGEST = 1000
"""Characters of a command line that are recorded."""
STASHING = ("stash", "undo", "redo", "op")
"""Verbs that may add or drop stashes."""
_KINDS = (HEADS, TAGS, ALIASES)


class Recorder:
    """Records one command of one repository; the caller of each method holds the lock."""

    def __init__(self, repository: Parts, verb: str, by: str | None) -> None:
        """Record `verb`, run by `by`, else by the repository's operator."""
        self.undoes: tuple[int, ...] = ()
        """The operations that the command reverses."""
        self._repository = repository
        self._verb = verb
        self._by = by
        self._first: dict[str | None, int] = {}

    def ref(self, ref: RefName, entry: RefEntry) -> None:
        """Record a ref entry that is about to be created; what a fetch learns of a remote is not undone, and not recorded."""
        if ref.kind in _KINDS and self._verb not in _FETCHING:
            self._write(ref.model, refs=(_planned(ref, entry),))

    def note(self, model: str | None) -> None:
        """Record the command, once, before a change that has no other method here; None is the whole repository."""
        if model not in self._first:
            self._write(model)

    def text(self, model: str, path: str, old: bytes, new: bytes) -> None:
        """Record an edit of the model.toml at `path`."""
        mode = self._is_executable(path)
        change = FileChange(path, digest(old), mode, FileId(digest(new)), mode)
        self._write(model, files=(change,), texts={path: old.decode()})

    def change(self, plan: Journal, *, discard: bool) -> None:
        """Record a change of the working tree; keep the files that it overwrites and no version has.

        Raises TooMuchToKeep, Damaged, DiskFailed.
        """
        door = self._repository.door
        files = tuple(self._changes(plan, discard=discard))
        known = self._in_versions(plan.model)
        places = {step.path: journal.before(plan.moves or (), step.path) for step in plan.files}
        kept = {FileId(each.old) for each in files if each.old and (places[each.path], each.old) not in known}
        refs = tuple(_planned(step.name, step.entry) for step in plan.refs if step.name.kind in _KINDS)
        self._write(
            plan.model,
            refs=refs,
            files=files,
            head_after=plan.head,
            sparse=tuple(sorted(sparse.paths(door, plan.model))) if plan.sparse is not None else None,
            rename=plan.rename,
            moves=plan.moves,
            kept=tuple(sorted(kept)),
        )

    # --- inside

    def _write(self, model: str | None, **parts: Any) -> None:
        repository = self._repository
        assert repository.operator is not None  # noqa: S101 - otherwise there is no recorder
        person, at = repository.operator()
        if parts.get("kept"):
            config.require(repository.door, {config.OPERATIONS})
        operation = Operation(
            self._verb,
            self._command(),
            self._by or person,
            at,
            model,
            head=repository.heads.get(model) if model is not None else None,
            merge=self._merge(model) if model is not None else None,
            part_of=self._first.get(model),
            stash=self._stashes(model),
            undoes=self.undoes,
            redo=self._verb == "redo",
            **parts,
        )
        try:
            number = operations.append(repository.door, operation)
        except errors.NoExclusiveCreate:  # edits of model.toml work on such a file system, but without undo
            if operation.kept:
                raise
            return
        self._first.setdefault(model, number)

    def _stashes(self, model: str | None) -> int | None:
        """Return the number of entries in the stash log, for a verb that may change it."""
        if model is None or self._verb not in STASHING:
            return None
        return len(stashes.read(self._repository.door, model))

    def _command(self) -> str:
        """Return the command line without secrets; of a program that uses mvc, the verb."""
        words = self._repository.command or (self._verb,)
        if any(len(word) >= _SECRET or "://" in word for word in words):  # loading the patterns takes a while
            words = tuple(secrets.redact(_masked(word)) for word in words)
        text: str = lazy.load("shlex").join(["mvc", *words])[:_LONGEST]
        return text.encode("utf-8", "backslashreplace").decode()

    def _merge(self, model: str) -> MergeState | None:
        """Return the merge in progress, None for none."""
        state = merges.recorded(self._repository.door, model)
        return state if state is not None and self._repository.current(model) == state.ours else None

    def _changes(self, plan: Journal, *, discard: bool) -> Iterator[FileChange]:
        """Yield the change of each file; store the bytes of those that nothing else has."""
        places = {step.path: journal.before(plan.moves or (), step.path) for step in plan.files}
        lost = [step for step in plan.files if self._is_lost(step)]
        stored = {} if discard else self._stored([places[step.path] for step in lost])
        if discard:
            stored = {places[step.path]: DISCARDED for step in lost}
        for step in plan.files:
            place = places[step.path]
            old = stored.get(place, step.old)
            yield FileChange(step.path, old, self._is_executable(place, step), step.file, step.executable)

    def _is_lost(self, step: FileStep) -> bool:
        """Return whether the store has no copy of a file that is overwritten or deleted."""
        if step.old is None:
            return False
        return step.old == UNREAD or self._repository.recipes.best(FileId(step.old)) is None

    def _stored(self, paths: list[str]) -> dict[str, str]:
        """Store the present content of files durably; return the ids. Raises TooMuchToKeep, and errors of reading."""
        repository = self._repository
        sizes = {path: found.size for path in paths if (found := repository.tree.stat(path)) and found.is_file}
        limit = repository.config.get("undo.keep-bytes")
        if sum(sizes.values()) > (KEEP_BYTES if limit is None else limit):
            raise errors.TooMuchToKeep(count=len(sizes), size=f"{sum(sizes.values()):,}", verb=self._verb)
        if not sizes:
            return {}
        ingest, stored = repository.ingest(), {}
        try:
            for path in sizes:
                fd = repository.tree.open(path)
                try:
                    stored[path] = str(ingest.add(fd, path, "").file)
                finally:
                    os.close(fd)
            ingest.close()
        except BaseException:
            ingest.discard()
            repository.door.discard_staged()
            raise
        config.require(repository.door, ingest.features)
        repository.door.barrier()
        return stored

    def _in_versions(self, model: str) -> set[tuple[str, str]]:
        """Return path and content of the files of the current version, and of the one that is being merged.

        These files are no edits. A copy of one at another path is: it is still wanted after a prune of the version. So is a
        file that the version dropped, of which the working tree may have the only copy.
        """
        objects, merge = self._repository.objects, self._merge(model)
        ids = [self._repository.current(model), merge.theirs if merge is not None else None]
        head = self._repository.heads.get(model)
        above = f"{head.folder}/" if head is not None and head.folder else ""
        recorded = promised.dropped(self._repository.door)
        found: set[tuple[str, str]] = set()
        for id_ in ids:
            if id_ is not None:
                version = objects.version(id_)
                entries = objects.tree(version.tree).entries
                found.add((f"{above}{model_file.NAME}", str(version.model_toml)))
                found |= {
                    (f"{above}{each.path}", str(each.file)) for each in entries if not recorded.record(id_, each.file)
                }
        return found

    def _is_executable(self, path: str, step: FileStep | None = None) -> bool:
        found = self._repository.tree.stat(path)
        recorded = step is not None and step.executable
        return found is not None and found.is_file and self._repository.tree.is_executable(found, recorded=recorded)


def _masked(word: str) -> str:
    """Return an argument `key=value` without its value if it looks like a secret."""
    key, equals, value = word.partition("=")
    return f"{key}=..." if equals and secrets.in_value(value, tuple(key.split("."))) else word


def _planned(ref: RefName, entry: RefEntry) -> PlannedEntry:
    return PlannedEntry(ref.kind, ref.name, entry.seq, entry.move.nonce)
