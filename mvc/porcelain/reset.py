"""`mvc reset`: move the current branch (or a detached head) to another version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc.model.ids import VersionId
from mvc.porcelain import moving, promises
from mvc.porcelain.moving import Moved
from mvc.repository import merging
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.heads import Head
from mvc.storage.journal import RefStep
from mvc.storage.progress import Progress
from mvc.storage.reflog import HEADS, RefEntry, RefName

SOFT, KEEP, HARD = "soft", "keep", "hard"
"""Files stay as they are; files follow unless that would lose an edit; files follow, and edits are lost."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Where the branch (None: the detached head) was and is, and which files followed."""

    branch: str | None
    old: VersionId | None
    new: VersionId
    number: int
    moved: Moved

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "branch": self.branch,
            "old": self.old,
            "new": self.new,
            "number": self.number,
            "written": list(self.moved.written),
            "deleted": list(self.moved.deleted),
        }


@writes
def reset(
    repository: Repository,
    model: str,
    target: VersionId,
    *,
    mode: str = SOFT,
    actor: Actor,
    progress: Progress | None = None,
) -> Reset:
    """Move where `model` stands to `target`; HARD ends a merge. Raises InTheWay (mode `keep`), MergeUnderway, RefMoved, Damaged."""
    if mode != SOFT:
        promises.have_version(repository, target, progress)
    with repository.writing():
        version = repository.objects.still(target)
        head = repository.head(model)
        old = repository.current(model)
        if mode == SOFT:
            merging.refuse(repository, model)
            moved = _only_pointer(repository, model, head, target, actor)
        else:
            moved = moving.move(
                repository,
                model,
                "reset",
                base=moving.files_of(repository, model, old),
                wanted=moving.files_of(repository, model, target),
                force=mode == HARD,
                refs=_branch_step(repository, model, head, target, actor),
                head=None if head.branch is not None else Head(head.folder, version=target),
                merged=mode == HARD,
                progress=progress,
            )
    return Reset(head.branch, old, target, version.number, moved)


def _branch_step(
    repository: Repository, model: str, head: Head, target: VersionId, actor: Actor
) -> tuple[RefStep, ...]:
    if head.branch is None:
        return ()
    name = RefName(model, HEADS, head.branch)
    tip = repository.refs.tip(name)
    if tip is not None and tip.new == target:
        return ()
    return (RefStep(name, RefEntry.after(name, tip, target, actor.move("reset"))),)


def _only_pointer(repository: Repository, model: str, head: Head, target: VersionId, actor: Actor) -> Moved:
    """Move the branch or the head, and no file."""
    for step in _branch_step(repository, model, head, target, actor):
        repository.refs.create(step.name, step.entry)
    if head.branch is None:
        repository.heads.set(model, Head(head.folder, version=target))
    return Moved()
