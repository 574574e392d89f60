"""`mvc branch`: refs that move with commits."""

from __future__ import annotations

from collections.abc import Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document
from mvc.model.ids import VersionId
from mvc.repository import history, refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.repository.retention import completeness
from mvc.repository.upstream import Upstream, upstream
from mvc.repository.worktree import apply
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import Journal, RefStep
from mvc.storage.records.reflog import HEADS, RefEntry, RefName


@dataclass(frozen=True, slots=True)
class Branch(Document):
    """A branch and the version at its tip; `id` is None before its first commit, `remote` for a local branch."""

    OPTIONAL = ("remote",)

    name: str
    current: bool
    id: VersionId | None
    number: int | None
    subject: str
    upstream: Upstream | None = None
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The branches to list: local ones, those of remotes, or both.

    `merged` selects branches whose tip that version reaches, `unmerged` the others, `contains` those that reach it.
    """

    local: bool = True
    remote: bool = False
    patterns: tuple[str, ...] = ()
    merged: VersionId | None = None
    unmerged: VersionId | None = None
    contains: VersionId | None = None


@dataclass(frozen=True, slots=True)
class Branches(Document):
    """All branches by name; `current` is the checked-out one, None if HEAD is detached at `detached`."""

    model: str
    current: str | None
    detached: VersionId | None
    branches: tuple[Branch, ...]


_LOCAL = Selection()


def branches(model: Model, chosen: Selection = _LOCAL) -> Branches:
    """Return the branches of `model`, including a current one without commits; raise NoModel, Missing, Damaged."""
    head = model.head
    names = set(model.names(HEADS)) | ({head.branch} if head.branch is not None else set())
    listed = refnames.matching(sorted(names), chosen.patterns) if chosen.local else []
    found = [_branch(model, name, current=name == head.branch) for name in listed]
    found += _of_remotes(model, chosen.patterns) if chosen.remote else []
    shown = tuple(branch for branch in found if _is_selected(model, branch.id, chosen))
    return Branches(model.key, head.branch, head.version, shown)


@writes
def set_upstream(model: Model, name: str, text: str) -> Branch:
    """Set the upstream of the branch `name` to `text`, as `origin/main`; raise NoSuchName, NoRemote."""
    if model.target(HEADS, name) is None:
        raise errors.NoSuchName(kind="branch", name=name, model=model.key)
    remote, _, theirs = text.partition("/")
    known = model.repository.config.remotes()
    if not theirs or remote not in known or text not in {f"{b.remote}/{b.name}" for b in _of_remotes(model, ())}:
        raise errors.NoSuchName(kind="remote-tracking branch", name=text, model=model.key)
    with model.repository.locked():
        model.repository.config.set_upstream(model.key, name, remote, theirs)
    return _branch(model, name, current=model.head.branch == name)


def _of_remotes(model: Model, patterns: Sequence[str]) -> list[Branch]:
    """Return the branches of remotes as they were last seen."""
    found = []
    for kind in sorted(model.repository.refs.kinds(model.key)):
        parts = kind.split("/")
        if len(parts) != 3 or parts[0] != "remotes" or parts[2] != HEADS:
            continue
        for name in sorted(model.names(kind)):
            tip = model.target(kind, name)
            if tip is not None and refnames.matching([f"{parts[1]}/{name}"], patterns):
                version = model.repository.objects.version(tip)
                found.append(Branch(name, False, tip, version.number, version.subject, remote=parts[1]))
    return found


def _is_selected(model: Model, tip: VersionId | None, chosen: Selection) -> bool:
    objects = model.repository.objects

    def reaches(new: VersionId | None, old: VersionId | None) -> bool:
        return new is not None and old is not None and history.is_ancestor(objects, old, new)

    return (
        (chosen.merged is None or reaches(chosen.merged, tip))
        and (chosen.unmerged is None or not reaches(chosen.unmerged, tip))
        and (chosen.contains is None or reaches(tip, chosen.contains))
    )


@writes
def create(model: Model, name: str, target: VersionId, actor: Actor) -> Branch:
    """Create the branch `name` at `target` without switching; raise BranchExists, BadRefName, NameTaken, CaseTwin."""
    repository = model.repository
    ref = _new(model, name)
    with repository.locked():
        completeness.reread(model, target)
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
    others = [model.current, *(target for other, target in model.targets().items() if other != ref)]
    starts = list(dict.fromkeys(other for other in others if other is not None))
    return tip in starts or any(history.is_ancestor(model.repository.objects, tip, start) for start in starts)
