"""`mvc branch`: refs that move with commits."""

from __future__ import annotations

from dataclasses import dataclass

from mvc import errors
from mvc.model.document import Document
from mvc.model.ids import VersionId
from mvc.repository import history, refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.repository.upstream import Upstream, upstream
from mvc.repository.worktree import apply
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import Journal, RefStep
from mvc.storage.records.reflog import HEADS, RefEntry, RefName


@dataclass(frozen=True, slots=True)
class Branch(Document):
    """A branch and the version at its tip; `id` is None before its first commit."""

    name: str
    current: bool
    id: VersionId | None
    number: int | None
    subject: str
    upstream: Upstream | None = None


@dataclass(frozen=True, slots=True)
class Branches(Document):
    """All branches by name; `current` is the checked-out one, None if HEAD is detached at `detached`."""

    model: str
    current: str | None
    detached: VersionId | None
    branches: tuple[Branch, ...]


def branches(model: Model) -> Branches:
    """Return the branches of `model`, including a current one without commits; raise NoModel, Missing, Damaged."""
    head = model.head
    names = set(model.names(HEADS)) | ({head.branch} if head.branch is not None else set())
    found = tuple(_branch(model, name, current=name == head.branch) for name in sorted(names))
    return Branches(model.key, head.branch, head.version, found)


@writes
def create(model: Model, name: str, target: VersionId, actor: Actor) -> Branch:
    """Create the branch `name` at `target` without switching; raise BranchExists, BadRefName, NameTaken, CaseTwin."""
    repository = model.repository
    ref = _new(model, name)
    with repository.locked():
        repository.objects.reread(target)
        repository.refs.append(ref, repository.refs.tip(ref), target, actor.move("branch: created"))
    return _branch(model, name, current=False)


@writes
def delete(model: Model, name: str, actor: Actor, *, force: bool = False) -> Branch:
    """Delete the branch `name` but not its log; without `force`, only if other refs reach its tip.

    Raises NoSuchName, CurrentBranch, UnmergedBranch.
    """
    if model.head.branch == name:
        raise errors.CurrentBranch(model=model.key, name=name)
    ref = model.ref(HEADS, name)
    tip = model.repository.refs.target(ref)
    if tip is None:
        raise errors.NoSuchName(kind="branch", name=name, model=model.key)
    gone = _branch(model, name, current=False)
    if not force and not _held(model, ref, tip):
        raise errors.UnmergedBranch(name=name, model=model.key, version=f"v{gone.number} {tip[:10]}")
    refnames.remove(model, HEADS, name, actor, "branch: deleted")
    return gone


@writes
def rename(model: Model, old: str, new: str, actor: Actor) -> Branch:
    """Rename the branch `old` to `new`; it remains the current branch if it was.

    Raises NoSuchName, BranchExists, BadRefName, NameTaken, CaseTwin.
    """
    repository = model.repository
    with repository.writing():
        head = model.head
        source, target = model.ref(HEADS, old), _new(model, new)
        tip = repository.refs.tip(source)
        alive = tip is not None and tip.new is not None
        if not alive and head.branch != old:
            raise errors.NoSuchName(kind="branch", name=old, model=model.key)
        refs: tuple[RefStep, ...] = ()
        if tip is not None and tip.new is not None:
            made = RefEntry.after(
                target, repository.refs.tip(target), tip.new, actor.move(f"branch: renamed from {old}")
            )
            gone = RefEntry.after(source, tip, None, actor.move(f"branch: renamed to {new}"))
            refs = (RefStep(target, made), RefStep(source, gone))
        moved = Head(head.folder, new) if head.branch == old else None
        apply.change(repository, Journal("branch", model.key, refs=refs, head=moved))
    return _branch(model, new, current=moved is not None)


def _new(model: Model, name: str) -> RefName:
    """Return the ref for a new branch; raise if it cannot be created."""
    refnames.check_new(model, HEADS, name)
    ref = model.ref(HEADS, name)
    if model.repository.refs.target(ref) is not None or model.head.branch == name:
        raise errors.BranchExists(name=name, model=model.key)
    return ref


def _branch(model: Model, name: str, *, current: bool) -> Branch:
    tip = model.target(HEADS, name)
    version = model.repository.objects.version(tip) if tip is not None else None
    number, subject = (version.number, version.subject) if version else (None, "")
    return Branch(name, current, tip, number, subject, upstream(model, name))


def _held(model: Model, ref: RefName, tip: VersionId) -> bool:
    """Return whether another ref, or HEAD, reaches `tip`."""
    repository = model.repository
    refs = [
        each
        for kind in repository.refs.kinds(model.key)
        for each in repository.refs.all(model.key, kind)
        if each != ref
    ]
    others = [model.current, *(repository.refs.target(each) for each in refs)]
    starts = list(dict.fromkeys(other for other in others if other is not None))
    return tip in starts or any(history.is_ancestor(repository.objects, tip, start) for start in starts)
