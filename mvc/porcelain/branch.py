"""`mvc branch`: list, make, rename and delete branches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model.ids import VersionId
from mvc.porcelain import naming
from mvc.repository import apply, history, stored
from mvc.repository.repository import Actor, Repository
from mvc.storage.heads import Head
from mvc.storage.journal import Journal, RefStep
from mvc.storage.reflog import HEADS, RefEntry, RefName


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch, the version at its tip, and whether the model stands on it."""

    name: str
    version: VersionId
    number: int
    subject: str
    current: bool

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "name": self.name,
            "id": self.version,
            "number": self.number,
            "subject": self.subject,
            "current": self.current,
        }


def branches(repository: Repository, model: str) -> list[Branch]:
    """All branches of `model`, sorted."""
    here = repository.head(model).branch
    found = []
    for name in repository.refs.names(model, HEADS):
        target = repository.refs.target(RefName(model, HEADS, name))
        if target is not None:
            version = repository.objects.version(target)
            found.append(Branch(name, target, version.number, version.subject, name == here))
    return found


def create(repository: Repository, model: str, name: str, target: VersionId, actor: Actor) -> None:
    """Make a branch at `target`. Raises BranchExists, BadRefName, NameTaken."""
    naming.check_new(repository, model, HEADS, name)
    ref = RefName(model, HEADS, name)
    tip = repository.refs.tip(ref)
    if tip is not None and tip.new is not None:
        raise errors.BranchExists(name=name, model=model)
    with repository.writing():
        repository.refs.append(ref, tip, target, actor.move("branch: created"))


def delete(repository: Repository, model: str, name: str, actor: Actor, *, force: bool = False) -> VersionId:
    """Delete a branch; the version it stood for. Raises NoSuchName, OnThisBranch, NotMerged (unless `force`)."""
    target = repository.refs.target(RefName(model, HEADS, name))
    if target is None:
        raise errors.NoSuchName(kind="branch", name=name, model=model)
    if repository.head(model).branch == name:
        raise errors.OnThisBranch(name=name)
    if not force and not _held(repository, model, name, target):
        raise errors.NotMerged(name=name, version=stored.called(repository, target))
    return naming.remove(repository, model, HEADS, name, actor, "branch: deleted")


def _held(repository: Repository, model: str, name: str, target: VersionId) -> bool:
    """Whether another name, or where the model stands, reaches what the branch does."""
    own = RefName(model, HEADS, name)
    refs = [ref for kind in repository.refs.kinds(model) for ref in repository.refs.all(model, kind) if ref != own]
    tips = {repository.current(model), *(repository.refs.target(ref) for ref in refs)}
    return any(history.is_ancestor(repository.objects, target, tip) for tip in tips if tip is not None)


def rename(repository: Repository, model: str, old: str, new: str, actor: Actor) -> None:
    """Give a branch another name, all or nothing; a model that stands on it stands on the new one.

    Raises NoSuchName, BranchExists, BadRefName, NameTaken.
    """
    naming.check_new(repository, model, HEADS, new)
    before, after = RefName(model, HEADS, old), RefName(model, HEADS, new)
    with repository.writing():
        tip, there = repository.refs.tip(before), repository.refs.tip(after)
        if tip is None or tip.new is None:
            raise errors.NoSuchName(kind="branch", name=old, model=model)
        if there is not None and there.new is not None:
            raise errors.BranchExists(name=new, model=model)
        steps = (
            RefStep(after, RefEntry.after(after, there, tip.new, actor.move(f"branch: renamed from {old}"))),
            RefStep(before, RefEntry.after(before, tip, None, actor.move(f"branch: renamed to {new}"))),
        )
        head = repository.head(model)
        moved = Head(head.folder, new) if head.branch == old else None
        apply.change(repository, Journal("branch", model, refs=steps, head=moved), {}, None)
