"""`mvc stash pop`, `apply` and `branch`: restore stashed changes in the working tree.

the version it was made on, HEAD, stash ─► merged ─┬─ conflicts, or local edits in the same files: refused, stash kept
                                                   └─ journal: the files that differ from HEAD ─► pop: drop the stash
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.document import keys
from mvc.model.ids import VersionId
from mvc.model.merge.merge import merge
from mvc.model.tree import Tree
from mvc.plural import count
from mvc.porcelain.merge import UNDECIDED, Choice
from mvc.porcelain.stash import Stash, find, forget, settle
from mvc.repository import history, merge_state, refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.repository.stash import stashed
from mvc.repository.worktree import checkout, model_file, partial
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import RefStep
from mvc.storage.records.reflog import HEADS, Move, RefEntry
from mvc.transport import promises

if TYPE_CHECKING:
    from mvc.model.merge import text as merged_text
else:
    merged_text = lazy.Module("mvc.model.merge.text")


@dataclass(frozen=True, repr=False, slots=True)
class Applied(Result):
    """An applied stash, the files that changed, and whether it was dropped; `branch` is a new one it was applied on."""

    KEYS = keys("model stash branch dropped written=moved.written deleted=moved.deleted")

    model: str
    stash: Stash
    moved: Moved
    dropped: bool
    branch: str | None = None

    def summary(self) -> str:
        """Return the most important facts in one line."""
        files = count(len(self.moved.written) + len(self.moved.deleted), "file")
        return f"{self.model}: {self.stash.message}: {files}{', dropped' if self.dropped else ''}"


@writes
def apply(
    model: Model,
    actor: Actor,
    text: str = "0",
    *,
    drop: bool = False,
    choice: Choice = UNDECIDED,
    progress: Progress | None = None,
) -> Applied:
    """Apply a stash to the working tree; with `drop`, drop it then. Local edits in other files stay.

    Raises NoSuchStash, NoVersionYet, MergeUnderway, StashConflicts, NotInConflict, InTheWay, Missing, Damaged.
    """
    merge_state.refuse(model)
    head, stash = model.current, _found(model, text)
    if head is None:
        raise errors.NoVersionYet(model=model.key)
    toml, wanted = _merged(model, head, stash, choice)
    moved = _check_out(
        model, stash, toml, wanted, drop=actor.move("stash: popped") if drop else None, progress=progress
    )
    return Applied(model.key, stash, moved, drop)


@writes
def branch(model: Model, name: str, actor: Actor, text: str = "0", *, progress: Progress | None = None) -> Applied:
    """Create branch `name` at the version that a stash was made on, switch to it with the stashed files, and drop it.

    Raises NoSuchStash, MergeUnderway, BranchExists, BadRefName, NameTaken, InTheWay, Missing, Damaged.
    """
    merge_state.refuse(model)
    repository, stash = model.repository, _found(model, text)
    if (model.head.branch, model.current) == (name, stash.base):  # an interrupted command has created it
        return replace(apply(model, actor, text, drop=True, progress=progress), branch=name)
    refnames.check_new(model, HEADS, name)
    if model.target(HEADS, name) is not None:
        raise errors.BranchExists(name=name, model=model.key)
    version = repository.objects.version(stash.id)
    ref = model.ref(HEADS, name)
    step = RefStep(ref, RefEntry.after(ref, repository.refs.tip(ref), stash.base, actor.move("branch: created")))
    moved = _check_out(
        model,
        stash,
        stashed.text_of(model, version),
        stashed.files_of(model, version),
        drop=actor.move("stash: popped"),
        refs=(step,),
        progress=progress,
    )
    return Applied(model.key, stash, moved, dropped=True, branch=name)


def _found(model: Model, text: str) -> Stash:
    """Return a stash; raise NoSuchStash."""
    try:
        return find(model, text)
    except errors.NoSuchStash:
        with model.repository.writing():
            settle(model.repository)
        raise


def _check_out(
    model: Model,
    stash: Stash,
    toml: bytes,
    wanted: Tree,
    *,
    drop: Move | None,
    refs: tuple[RefStep, ...] = (),
    progress: Progress | None,
) -> Moved:
    """Write the files of `wanted` that differ from HEAD, create a branch with `refs`, and drop the stash with `drop`.

    Raises InTheWay, RefMoved.
    """
    repository, head, current = model.repository, model.head, model.current
    before = checkout.files_of(model, current)
    left_out = partial.unchanged(repository, model.key, before, wanted)
    base, changed = checkout.differing(before, wanted)
    changed = partial.without(changed, left_out)
    promises.ensure_present(repository, changed.entries, progress)
    with repository.writing():
        if (model.head, model.current) != (head, current):
            raise errors.RefMoved(ref="HEAD", by="another command", reason="switch")
        checkout.check(model, base=base, wanted=changed)
        checkout.store_small(repository, toml)
        moved = checkout.move(
            model,
            "stash",
            base=base,
            wanted=changed,
            head=Head(head.folder, refs[0].name.name) if refs else None,
            refs=refs,
            left_out=left_out,
            progress=progress,
        )
        if drop is not None:
            forget(model, [stash], drop)
    return moved


def _merged(model: Model, head: VersionId, stash: Stash, choice: Choice) -> tuple[bytes, Tree]:
    """Return the model.toml and the files of HEAD with the changes of a stash. Raises StashConflicts."""
    objects = model.repository.objects
    version = objects.version(stash.id)
    base, ours, theirs = (history.snapshot(model.repository, id_, model.key) for id_ in (stash.base, head, stash.id))
    merged = merge(base, ours, theirs)
    takes = choice.of(merged)
    merged = merge(base, ours, theirs, takes) if takes else merged
    fields = [conflict.field for conflict in merged.conflicts]
    before, current = (
        model_file.of_version(model.repository, objects.version(id_), model.key) for id_ in (stash.base, head)
    )
    new = stashed.text_of(model, version)
    if stashed.is_unparsed(version) and before != current:
        fields.append(model_file.NAME)
    if fields:
        listed = "\n".join(f"  {field}" for field in fields)
        raise errors.StashConflicts(stash=stash.name, count=len(fields), listed=listed)
    if not stashed.is_unparsed(version) and (takes or before != current):
        sides = (before.decode(), base.manifest), (current.decode(), ours.manifest), (new.decode(), theirs.manifest)
        new = merged_text.combine(*sides, merged.snapshot.manifest).encode()
    return new, Tree.of([*merged.snapshot.tree.entries, model_file.entry(new)])
