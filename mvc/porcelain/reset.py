"""`mvc reset`: move the current branch, or a detached HEAD, to another version."""

from __future__ import annotations

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.repository import history, merge_state
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.repository.retention import completeness
from mvc.repository.worktree import checkout, partial
from mvc.repository.worktree.checkout import Edit, Moved
from mvc.storage.progress import Progress
from mvc.storage.records import sparse
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import RefStep
from mvc.storage.records.reflog import HEADS, RefEntry
from mvc.transport import promises

SOFT, KEEP, HARD = "soft", "keep", "hard"
"""Leave files as they are; update files unless edits would be lost; update files and discard edits."""


@dataclass(frozen=True, slots=True)
class Reset(Document):
    """The old and new version of the branch (None: the detached HEAD), and the updated files.

    `discarded` are the uncommitted changes that HARD has overwritten.
    """

    KEYS = keys("branch old new number written=moved.written deleted=moved.deleted discarded")

    branch: str | None
    old: VersionId | None
    new: VersionId
    number: int
    moved: Moved
    discarded: tuple[Edit, ...] = ()


@writes
def reset(
    model: Model,
    target: VersionId,
    *,
    mode: str = SOFT,
    discard: bool = False,
    actor: Actor,
    progress: Progress | None = None,
) -> Reset:
    """Move HEAD of `model` to `target`; HARD aborts a merge.

    Edits that HARD overwrites come back with `mvc undo`, unless they are to `discard`. Raises InTheWay (KEEP),
    TooMuchToKeep (HARD), MergeUnderway, RefMoved, Damaged.
    """
    repository = model.repository
    kept, edits = frozenset[str](), tuple[Edit, ...]()
    if mode != SOFT:
        kept = _left_out(model, target)
        wanted = [entry for entry in promises.entries_of(repository, target) if entry.path not in kept]
        promises.ensure_present(repository, wanted, progress)
    with repository.writing():
        version = completeness.reread(model, target)
        head = model.head
        old = model.current
        if mode == SOFT:
            merge_state.refuse(model)
            moved = _only_pointer(model, head, target, actor)
        else:
            edits = checkout.edits(model, old, Moved()) if mode == HARD else ()
            moved = checkout.move(
                model,
                "reset",
                base=checkout.files_of(model, old),
                wanted=partial.without(checkout.files_of(model, target), kept),
                force=mode == HARD,
                refs=_branch_step(model, head, target, actor),
                head=None if head.branch is not None else Head(head.folder, version=target),
                merged=mode == HARD,
                left_out=kept,
                discard=discard,
                progress=progress,
            )
    return Reset(head.branch, old, target, version.number, moved, checkout.overwritten(edits, moved))


def _left_out(model: Model, target: VersionId) -> frozenset[str]:
    """Return the paths that are not checked out and have the same content in `target`: they are left out again."""
    repository = model.repository
    current = history.snapshot(repository, model.current)
    tree = repository.objects.tree(repository.objects.version(target).tree)
    return partial.unchanged(repository, model.key, current.tree if current else None, tree)


def _branch_step(model: Model, head: Head, target: VersionId, actor: Actor) -> tuple[RefStep, ...]:
    if head.branch is None:
        return ()
    name = model.ref(HEADS, head.branch)
    tip = model.repository.refs.tip(name)
    if tip is not None and tip.new == target:
        return ()
    return (RefStep(name, RefEntry.after(name, tip, target, actor.move("reset"))),)


def _only_pointer(model: Model, head: Head, target: VersionId, actor: Actor) -> Moved:
    """Move the branch or HEAD but no file; files of the target that are not local stay recorded as left out."""
    repository = model.repository
    tree = repository.objects.tree(repository.objects.version(target).tree)
    absent = {entry.path for entry in partial.not_checked_out(repository, model.key, tree)}
    return checkout.move(
        model,
        "reset",
        base=checkout.NOTHING,
        wanted=checkout.NOTHING,
        refs=_branch_step(model, head, target, actor),
        head=None if head.branch is not None else Head(head.folder, version=target),
        left_out=sparse.paths(repository.door, model.key) | absent,
    )
