"""Checkout: change the files of a model to those of a version, for `switch`, `restore` and `reset`.

on disk   ─┐
committed ─┼─ plan, or a refusal ─ journal ─ apply
wanted    ─┘
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document
from mvc.model.ids import FileId, VersionId
from mvc.model.paths import escape_name
from mvc.model.tree import Tree, TreeEntry
from mvc.repository import merge_state
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.repository.worktree import apply, links, model_file
from mvc.repository.worktree.plan import Kind, OnDisk, Step, check_paths, plan_checkout
from mvc.repository.worktree.snapshot import UNREAD
from mvc.storage.disk.file_stat import Stat
from mvc.storage.progress import Progress
from mvc.storage.records import journal, sparse
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import FileStep, Journal, MoveStep, RefStep
from mvc.storage.records.merges import MergeState

NOTHING = Tree()
"""No files, for a checkout that changes none."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The paths that were written and deleted, in the model's folder."""

    written: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit(Document):
    """A file that differs from a version: `kind` is M for modified, D for deleted."""

    kind: str
    path: str


def edits(model: Model, version: VersionId | None, moved: Moved) -> tuple[Edit, ...]:
    """Return the files of `version` that are modified or deleted in the working tree, by path.

    Those that `moved` has just written are not looked at again.
    """
    written = frozenset(moved.written)
    tree = Tree(tuple(entry for entry in files_of(model, version).entries if entry.path not in written))
    disk = _Look(model.repository, model.folder, tree, Tree()).disk
    left_out = sparse.paths(model.repository.door, model.key)
    found = (Edit(_edit(entry, disk.get(path)), path) for path, entry in tree.by_path.items() if path not in left_out)
    return tuple(sorted((edit for edit in found if edit.kind), key=lambda edit: edit.path))


def overwritten(found: Sequence[Edit], moved: Moved) -> tuple[Edit, ...]:
    """Return those of the edits `found` before a move that it has overwritten."""
    paths = {*moved.written, *moved.deleted}
    return tuple(edit for edit in found if edit.path in paths)


def _edit(entry: TreeEntry, disk: OnDisk | None) -> str:
    """Return how a file differs from its entry; empty if it does not."""
    if disk is None:
        return "D"
    return "" if (disk.kind, disk.file, disk.executable) == (Kind.FILE, entry.file, entry.exec) else "M"


def files_of(model: Model, version: VersionId | None) -> Tree:
    """Return the files of the working tree at `version`: those of its tree, and its model.toml."""
    repository = model.repository
    if version is None:
        return Tree()
    found = repository.objects.version(version)
    data = model_file.of_version(repository, found, model.key)
    toml = model_file.entry(data)
    if toml.file != found.model_toml:  # the model was renamed since: store its edited model.toml
        store_small(repository, data)
    entries = repository.objects.tree(found.tree).entries
    return Tree((*entries, toml))


def store_small(repository: Repository, data: bytes) -> FileId:
    """Store a small file durably before a journal names it: its bytes are needed after a power cut."""
    ingest = repository.ingest()
    file = ingest.add_bytes(data)
    ingest.close()
    repository.door.barrier()
    return file


def move(
    model: Model,
    verb: str,
    *,
    base: Tree,
    wanted: Tree,
    force: bool = False,
    head: Head | None = None,
    refs: tuple[RefStep, ...] = (),
    merge: MergeState | None = None,
    merged: bool = False,
    left_out: Collection[str] | None = None,
    moves: Sequence[MoveStep] = (),
    discard: bool = False,
    progress: Progress | None = None,
) -> Moved:
    """Check out `wanted`, append `refs`, and set the head, atomically. The caller holds the lock.

    `base` is the previous checkout. `merge` starts a merge; `merged` ends one. `left_out` are the paths that are not
    checked out afterwards; None keeps the previous ones without those in `wanted`. `moves` are made first, from the
    repository's root. Edits that `force` overwrites come back with `mvc undo`, unless they are to `discard`.
    Raises InTheWay, RefMoved, MergeUnderway, TooMuchToKeep, Damaged, DiskFailed.
    """
    if (refs or head is not None) and not merged:
        merge_state.refuse(model)
    look, steps = _plan(model, base, wanted, force=force, moves=moves)
    files = tuple(_file_step(step, look.prefix) for step in steps)
    listed = _sparse(model, wanted, left_out)
    if files or refs or head is not None or merge is not None or merged or listed is not None or moves:
        renamed = tuple(moves) or None
        plan = Journal(verb, model.key, refs, files, head, merge=merge, merged=merged, sparse=listed, moves=renamed)
        apply.change(model.repository, plan, progress, discard=discard)
    written = tuple(step.path for step in steps if step.new is not None)
    return Moved(written, tuple(step.path for step in steps if step.new is None))


def _sparse(model: Model, wanted: Tree, left_out: Collection[str] | None) -> tuple[str, ...] | None:
    """Return the paths that are not checked out afterwards; None if they do not change."""
    before = sparse.paths(model.repository.door, model.key)
    after = before - wanted.by_path.keys() if left_out is None else frozenset(left_out)
    return tuple(sorted(after)) if after != before else None


def differing(before: Tree, wanted: Tree) -> tuple[Tree, Tree]:
    """Return the entries of each that the other lacks: a move between these leaves edits in all other files."""
    same = {*before.entries} & {*wanted.entries}
    trees = (Tree(tuple(entry for entry in tree.entries if entry not in same)) for tree in (before, wanted))
    return next(trees), next(trees)


def check(model: Model, *, base: Tree, wanted: Tree, folder: str | None = None) -> None:
    """Raise InTheWay if `move` would, before anything is stored; a model to create will be in `folder`."""
    _plan(model, base, wanted, force=False, folder=folder)


def _plan(
    model: Model,
    base: Tree,
    wanted: Tree,
    *,
    force: bool,
    moves: Sequence[MoveStep] = (),
    folder: str | None = None,
) -> tuple[_Look, list[Step]]:
    check_paths(wanted)
    look = _Look(model.repository, model.folder if folder is None else folder, base, wanted, moves)
    steps = plan_checkout(
        base, wanted, look.disk, force=force, stored=lambda file: model.repository.recipes.best(file) is not None
    )
    _spare_current_folder(model.repository, look, steps)
    return look, list(steps)


def _spare_current_folder(repository: Repository, look: _Look, steps: Iterable[Step]) -> None:
    """Raise CurrentFolder if a file would replace the current folder of this process."""
    current = repository.tree.current_folder()
    for step in steps:
        path = look.prefix + step.path
        if current is not None and step.new is not None and f"{current}/".startswith(f"{path}/"):
            raise errors.CurrentFolder(path=escape_name(step.path))


def _file_step(step: Step, prefix: str) -> FileStep:
    new = step.new
    return FileStep(
        path=prefix + step.path,
        file=new.file if new else None,
        executable=new.exec if new else False,
        old=step.old,
        anything=step.anything,
    )


class _Look:
    """The files on disk, at every path of either tree; those that `moves` will put there are read where they still are."""

    def __init__(
        self, repository: Repository, folder: str, base: Tree, wanted: Tree, moves: Sequence[MoveStep] = ()
    ) -> None:
        self._repository = repository
        self._moves = moves
        self._base = base
        self.prefix = f"{folder}/" if folder else ""
        self.disk: dict[str, OnDisk] = {}
        for path in {*base.by_path, *wanted.by_path}:
            self._at(path, [entry for tree in (base, wanted) if (entry := tree.by_path.get(path))])
        for folder_path in {above for path in wanted.by_path for above in _above(path)}:
            if folder_path not in self.disk:
                self._at(folder_path, [])
        for path in [path for path, there in self.disk.items() if there.kind is Kind.FOLDER and path in wanted.by_path]:
            for inside in self._inside(path):
                if inside not in self.disk:
                    self._at(inside, [])

    def _at(self, path: str, entries: Sequence[TreeEntry]) -> None:
        place = journal.before(self._moves, self.prefix + path)
        stat = self._repository.tree.stat(place)
        if stat is None:
            return
        before = self._base.by_path.get(path)
        if stat.is_link and before and links.content(self._repository, place) == before.file:
            executable = entries[-1].exec  # a link has no executable bit
            self.disk[path] = OnDisk(Kind.FILE, before.file, executable)
        elif stat.is_file:
            recorded = bool(entries) and entries[-1].exec
            executable = self._repository.tree.is_executable(stat, recorded=recorded)
            self.disk[path] = OnDisk(Kind.FILE, self._file(place, stat, entries), executable)
        else:
            self.disk[path] = OnDisk(Kind.FOLDER if stat.is_folder else Kind.SPECIAL)

    def _file(self, place: str, stat: Stat, entries: Iterable[TreeEntry]) -> FileId:
        """Return the file's id; UNREAD if its size rules out all `entries`, or it changes during the read."""
        if stat.size not in {entry.size for entry in entries}:
            return UNREAD
        return self._repository.stats.identify(place, stat) or UNREAD

    def _inside(self, path: str) -> Iterator[str]:
        top = f"{self._repository.root}/{self.prefix}"
        for folder, folders, files in os.walk(top + path):
            for name in (*folders, *files):
                yield os.path.join(folder, name).removeprefix(top)


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
