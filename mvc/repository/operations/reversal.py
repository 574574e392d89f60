"""The reversal of operations: refs, HEAD and files as they were before the oldest, if nothing moved since the newest.

operations, oldest first ─┬─ before: of the first that changed it ─► the goal of each ref, file, HEAD
                          └─ after:  of the last                  ─► what must still be there
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.paths import escape_name
from mvc.model.tree import Tree, TreeEntry
from mvc.repository import history, places, refnames
from mvc.repository.model import Model
from mvc.repository.operations import log
from mvc.repository.operations.log import ADVICE, Logged
from mvc.repository.repository import Actor
from mvc.repository.worktree import checkout
from mvc.storage.records import journal, merges
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import MoveStep, RefStep
from mvc.storage.records.merges import MergeState
from mvc.storage.records.operations import DISCARDED, FileChange
from mvc.storage.records.reflog import HEADS, TAGS, RefEntry, RefName

_NO_CONTENT = FileId(digest(b""))
_MOVES = frozenset({"import", "switch", "reset", "branch"})
"""Reasons of entries that move a branch to a version which exists: leaving it takes nothing back from anybody."""
_FAST_FORWARD = "fast-forward"
_REVERSED = re.compile(r"((un|re)do: )+")
REVERSAL = re.compile(r"(undo|redo|op restore [0-9]+)(: |\Z)")
"""The beginning of the reason of a move that reverses others, as `Reversal.steps` writes it."""
_MERGES = frozenset({"merge", "reset", "revert", "cherry-pick", "undo", "redo", "op"})
"""Verbs that begin or end a merge in progress."""


@dataclass(frozen=True, slots=True)
class RefGoal:
    """The goal of a ref: from `now` back to `target`; `reason` is that of the last move."""

    target: VersionId | None
    now: VersionId | None
    reason: str


@dataclass(slots=True)
class Reversal:
    """The composed change of several operations of one model, to be reversed."""

    model: Model
    operations: tuple[Logged, ...]
    """Oldest first."""
    refs: dict[RefName, RefGoal] = field(default_factory=dict)
    files: dict[str, FileChange] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    head: Head | None = None
    head_now: Head | None = None
    merge: MergeState | None = None
    sparse: tuple[str, ...] | None = None
    moves: tuple[MoveStep, ...] = ()
    """What moves files and folders back; `files` have their paths after that."""
    stash: int | None = None
    """The number of entries in the stash log before."""
    created: set[VersionId] = field(default_factory=set)
    """The versions that the operations made, not those that a branch was only moved to."""

    @classmethod
    def of(cls, model: Model, operations: Sequence[Logged]) -> Reversal:
        """Return the reversal of `operations`, newest first."""
        made = cls(model, tuple(reversed(operations)))
        for logged in made.operations:
            for part in logged.parts:
                entries = dict(log.entries(model, part))
                made._add_refs(entries)
                if part.verb not in ("undo", "op"):
                    made.created |= {entry.new for entry in entries.values() if entry.new and _is_creation(entry)}
                made.moves = (*(MoveStep(step.new, step.old) for step in reversed(part.moves or ())), *made.moves)
                for change in part.files:
                    path = made.path(change.path)
                    before = made.files.get(path, change)
                    made.files[path] = change._replace(path=path, old=before.old, old_executable=before.old_executable)
                made.texts = {**part.texts, **made.texts}
                if part.head_after is not None and part.head_after != part.head:
                    made.head, made.head_now = made.head or part.head, part.head_after
                made.sparse = part.sparse if made.sparse is None else made.sparse
                made.stash = part.stash if made.stash is None else made.stash
        made.merge = made.operations[0].first.merge
        return made

    def path(self, path: str) -> str:
        """Return the path, after the moves, of a file that is at `path` before them."""
        for step in self.moves:
            if f"{path}/".startswith(f"{step.old}/"):
                path = step.new + path[len(step.old) :]
        return path

    def _add_refs(self, entries: dict[RefName, RefEntry]) -> None:
        for ref, entry in entries.items():
            target = self.refs[ref].target if ref in self.refs else entry.old
            self.refs[ref] = RefGoal(target, entry.new, entry.move.reason)

    # --- refusals

    def check(self, *, force: bool) -> None:
        """Raise MovedSince, CannotUndo, PushedAlready, EditedSince (unless `force`), CurrentBranch, NameTaken or CaseTwin.

        Then reversing would lose later work, or take back what others may have.
        """
        model = self.model
        deleted = {ref for ref, goal in self.refs.items() if goal.target is None}
        for ref, goal in self.refs.items():
            tip = model.repository.refs.tip(ref)
            if (tip.new if tip is not None else None) != goal.now:
                self._refuse_moved(ref, goal, tip)
            if goal.target is not None and goal.target != goal.now:
                self._refuse_gone(goal.target)
            self._refuse_pushed(ref, goal)
            if goal.target is not None and goal.now is None:
                refnames.check_new(model, ref.kind, ref.name, deleted=deleted)
        if self.head_now is not None and model.head != self.head_now:
            raise errors.MovedSince(number=self.number, ref="HEAD", now=_head(model.head), command=_switch(self.head))
        if self.head is not None and self.head.version is not None:
            self._refuse_gone(self.head.version)
        self._refuse_branchless()
        self._refuse_blocked()
        if not force:
            self._refuse_edited()

    @property
    def number(self) -> int:
        """The number of the oldest operation."""
        return self.operations[0].number

    def _refuse_moved(self, ref: RefName, goal: RefGoal, tip: RefEntry | None) -> None:
        now = "deleted" if tip is None or tip.new is None else f"moved to {tip.new[:10]}"
        raise errors.MovedSince(
            number=self.number, ref=ref.name, now=f"was {now} since ({tip.move.why})" if tip else now,
            command=_move(ref, goal.target),
        )  # fmt: skip

    def _refuse_gone(self, id_: VersionId) -> None:
        """Raise CannotUndo if `mvc gc` removed a version: its reflog entry may be older than the operation."""
        objects = self.model.repository.objects
        try:
            version = objects.version(id_)
            objects.manifest(version.manifest)
            objects.tree(version.tree)
        except errors.Missing:
            command = self.operations[0].first.command
            reason = f"`mvc gc` removed version {id_[:10]}"
            raise errors.CannotUndo(number=self.number, command=command, reason=reason, advice=ADVICE) from None

    def _refuse_pushed(self, ref: RefName, goal: RefGoal) -> None:
        """Raise PushedAlready if a remote or a registry has a version, tag or alias that would be taken back.

        Ancestors that others made are no obstacle: a merge of them is taken back, and they stay where they are.
        """
        if goal.now is None:
            return
        if ref.kind != HEADS:
            for remote, target in self._tracking(ref.kind, ref.name):
                if target == goal.now and target != goal.target:
                    undo = f"mvc tag -d {ref.name}" if ref.kind == TAGS else f"mvc alias rollback {ref.name}"
                    raise errors.PushedAlready(number=self.number, what=ref.name, where=remote, command=undo)
            return
        repository, now = self.model.repository, goal.now
        walked = history.walk(repository.objects, [now], exclude=[goal.target] if goal.target else [])
        left = [id_ for id_, _ in walked if id_ in self.created]
        for remote, target in self._tracking(HEADS, None) if left else ():
            for id_ in left:
                if history.is_ancestor(repository.objects, id_, target):
                    self._refuse_left(id_, remote)
        for id_ in left:
            for place in places.places(self.model, id_):
                self._refuse_left(id_, f"{place.organization} at {place.host}")

    def _refuse_left(self, id_: VersionId, where: str) -> None:
        label = history.label(self.model.repository, id_)
        of_merge = "-m 1 " if len(self.model.repository.objects.version(id_).parents) > 1 else ""
        command = f"mvc revert {of_merge}{id_[:10]}"
        raise errors.PushedAlready(number=self.number, what=label, where=where, command=command)

    def _tracking(self, kind: str, name: str | None) -> Iterator[tuple[str, VersionId]]:
        """Yield the remote-tracking refs of a kind, and of one name, that exist: remote and version."""
        model = self.model
        for each in model.repository.refs.kinds(model.key):
            top, _, rest = each.partition("/")
            remote, _, below = rest.partition("/")
            if top == "remotes" and below == kind:
                for found in [name] if name is not None else model.names(each):
                    target = model.target(each, found)
                    if target is not None:
                        yield remote, target

    def _refuse_branchless(self) -> None:
        """Raise CurrentBranch if the branch that HEAD is on would be deleted, but by undoing its first commit."""
        model, head = self.model, self.head or self.model.head
        goal = self.refs.get(model.ref(HEADS, head.branch)) if head.branch is not None else None
        if goal is not None and goal.target is None and self.operations[0].first.verb == "branch":
            raise errors.CurrentBranch(model=model.key, name=head.branch)

    def _refuse_blocked(self) -> None:
        """Raise TargetExists if a file is where another one would be moved back to, NoSuchFile if that one is gone."""
        tree = self.model.repository.tree
        for number, step in enumerate(self.moves):
            done = self.moves[:number]
            is_free = any(f"{step.new}/".startswith(f"{each.old}/") for each in done)
            if not is_free and tree.stat(step.new) is not None:
                raise errors.TargetExists(path=escape_name(step.new))
            if tree.stat(journal.before(done, step.old)) is None:
                raise errors.NoSuchFile(path=escape_name(step.old))

    def _refuse_edited(self) -> None:
        for path in self.texts:
            if log.content(self.model.repository, path) != self.files[path].new:
                raise errors.EditedSince(number=self.number, path=escape_name(path))

    # --- the steps

    @property
    def lost(self) -> tuple[str, ...]:
        """The files whose former content was discarded on request."""
        return tuple(path for path, change in self.files.items() if change.old == DISCARDED)

    def steps(self, actor: Actor, word: str) -> tuple[RefStep, ...]:
        """Return the ref entries that reverse the moves."""
        refs, found = self.model.repository.refs, []
        for ref, goal in self.refs.items():
            if goal.target != goal.now:
                move = actor.move(f"{word}: {goal.reason}" if goal.reason else word)
                found.append(RefStep(ref, RefEntry.after(ref, refs.tip(ref), goal.target, move)))
        return tuple(found)

    def trees(self) -> tuple[Tree, Tree]:
        """Return the files after the operations and before them, by their paths in the model's folder.

        The caller holds the lock: the former text of a model.toml is stored.
        """
        after, before = [], []
        for path, change in self.files.items():
            if change.old == DISCARDED:
                continue
            if change.new is not None or change.old is None:  # a file made by hand since is deleted, and kept
                after.append(self._entry(path, change.new or _NO_CONTENT, executable=change.new_executable))
            if path in self.texts and change.old == digest(self.texts[path].encode()):
                checkout.store_small(self.model.repository, self.texts[path].encode())
            if change.old is not None:
                before.append(self._entry(path, FileId(change.old), executable=change.old_executable))
        return Tree.of(after), Tree.of(before)

    def wanted(self) -> list[TreeEntry]:
        """Return the files that must be present, by the model.toml texts that the records have themselves."""
        return [
            TreeEntry(path, path, 0, FileId(change.old))
            for path, change in self.files.items()
            if change.old not in (None, DISCARDED) and path not in self.texts
        ]

    def _entry(self, path: str, file: FileId, *, executable: bool) -> TreeEntry:
        folder, recipe = self.model.folder, self.model.repository.recipes.best(file)
        name = path.removeprefix(f"{folder}/") if folder else path
        return TreeEntry(name, name, recipe.size if recipe is not None else 0, file, executable)

    def merge_change(self) -> tuple[MergeState | None, bool]:
        """Return the merge to record again, and whether the one in progress ends."""
        now = merges.recorded(self.model.repository.door, self.model.key)
        verbs = {logged.first.verb for logged in self.operations}
        if now == self.merge or not verbs & _MERGES:
            return None, False
        return self.merge, self.merge is None


def _is_creation(entry: RefEntry) -> bool:
    """Return whether the version of an entry was made with it, as `commit: Night shift`; a redo has that reason, too."""
    verb, _, rest = _REVERSED.sub("", entry.move.reason).partition(": ")
    return verb not in _MOVES and rest != _FAST_FORWARD


def _head(head: Head) -> str:
    return f"is now at {head.branch if head.branch is not None else head.at()[:10]}"


def _switch(head: Head | None) -> str:
    if head is None:
        return "mvc switch BRANCH"
    return f"mvc switch {head.branch if head.branch is not None else head.at()[:10]}"


def _move(ref: RefName, target: VersionId | None) -> str:
    """Return the command that moves a ref by hand."""
    if ref.kind == HEADS:
        return f"mvc reset {target[:10]}" if target is not None else f"mvc branch -D {ref.name}"
    if ref.kind == TAGS:
        return f"mvc tag {ref.name} {target[:10]}" if target is not None else f"mvc tag -d {ref.name}"
    return f"mvc alias set {ref.name} {target[:10]}" if target is not None else f"mvc alias rm {ref.name}"
