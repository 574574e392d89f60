"""`mvc switch`: switch to another branch or version, and update the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model.ids import VersionId
from mvc.repository import refnames, revisions
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.repository.worktree import checkout
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import RefStep
from mvc.storage.records.reflog import HEADS, RefEntry, RefName
from mvc.transport import promises


@dataclass(frozen=True, slots=True)
class Switched:
    """The new HEAD of the model, and the files that changed. `branch` is None if HEAD is detached."""

    model: str
    branch: str | None
    version: VersionId | None
    number: int | None
    created: bool
    moved: Moved

    def to_json(self) -> dict[str, Any]:
        """Return the result as `--json` prints it."""
        return {
            "model": self.model,
            "branch": self.branch,
            "id": self.version,
            "number": self.number,
            "created": self.created,
            "written": list(self.moved.written),
            "deleted": list(self.moved.deleted),
        }


@writes
def switch(
    repository: Repository,
    model: str,
    target: str | None,
    *,
    create: str | None = None,
    detach: bool = False,
    force: bool = False,
    actor: Actor,
    progress: Progress | None = None,
) -> Switched:
    """Switch to the branch `target`, or detach HEAD at the version it names; with `create`, create that branch first.

    `target` None is the current version. Switching to the current version changes no file, so edits stay. Raises
    UnknownRevision and the like, InTheWay, BranchExists, BadRefName, NameTaken, Damaged.
    """
    followed = _followed(repository, model, target) if create is None and not detach else None
    if followed is not None:  # a branch of a remote's that is not here yet: made here, and followed
        create, target = followed[1], f"{followed[0]}/{followed[1]}"
    if create is not None:
        _check_new(repository, model, create)
    promises.ensure_version_present(repository, _goal(repository, model, target, force=force), progress)
    with repository.writing():
        here = repository.head(model)
        current = repository.current(model)
        version = current
        if target is not None and not _unborn(repository, model, target):
            version = revisions.resolve(Model(repository, model), target)
            repository.objects.reread(version)
        branch = create or (None if detach or target is None else _branch(repository, model, target))
        if branch is None and version is None:
            raise errors.NoVersionYet(model=model)
        head = Head(here.folder, branch) if branch is not None else Head(here.folder, version=version)
        refs = _new_branch(repository, model, create, version, actor) if create else ()
        base = checkout.files_of(Model(repository, model), current)
        follows = force or version != current
        moved = checkout.move(
            Model(repository, model),
            "switch",
            base=base if follows else checkout.NOTHING,
            wanted=checkout.files_of(Model(repository, model), version) if follows else checkout.NOTHING,
            force=force,
            head=head,
            refs=refs,
            left_out=() if follows else None,
            progress=progress,
        )
    number = repository.objects.version(version).number if version else None
    return Switched(model, branch, version, number, create is not None, moved)


def _goal(repository: Repository, model: str, target: str | None, *, force: bool) -> VersionId | None:
    """Return the version to check out, None for none; raise as resolving does."""
    current = repository.current(model)
    unmoved = target is None or _unborn(repository, model, target)
    goal = current if unmoved else revisions.resolve(Model(repository, model), str(target))
    return goal if force or goal != current else None


def _followed(repository: Repository, model: str, target: str | None) -> tuple[str, str] | None:
    """Return the only remote with a branch `target`, and that branch, if there is no local one."""
    if target is None or repository.refs.target(RefName(model, HEADS, target)) is not None:
        return None
    kinds = [kind.split("/") for kind in repository.refs.kinds(model) if kind.startswith("remotes/")]
    remotes = [
        remote
        for _, remote, kind in kinds
        if kind == HEADS and repository.refs.target(RefName(model, HEADS, target).tracking_ref(remote)) is not None
    ]
    return (remotes[0], target) if len(remotes) == 1 else None


def _check_new(repository: Repository, model: str, name: str) -> None:
    refnames.check_new(Model(repository, model), HEADS, name)
    if repository.refs.target(RefName(model, HEADS, name)) is not None:
        raise errors.BranchExists(name=name, model=model)


def _unborn(repository: Repository, model: str, name: str) -> bool:
    """Return whether `name` is the current branch, before its first commit."""
    return repository.head(model).branch == name and repository.current(model) is None


def _branch(repository: Repository, model: str, target: str) -> str | None:
    """Return the branch that `target` names, as `main` or `heads/main`; None for any other revision."""
    name = target.removeprefix(f"{HEADS}/")
    exists = repository.refs.target(RefName(model, HEADS, name)) is not None
    return name if exists or _unborn(repository, model, name) else None


def _new_branch(
    repository: Repository, model: str, name: str, version: VersionId | None, actor: Actor
) -> tuple[RefStep, ...]:
    """Return the entry that creates the branch; none before the first commit, which creates it."""
    if version is None:
        return ()
    ref = RefName(model, HEADS, name)
    tip = repository.refs.tip(ref)  # a branch of that name may have been there before, and its log goes on
    return (RefStep(ref, RefEntry.after(ref, tip, version, actor.move("branch: created"))),)
