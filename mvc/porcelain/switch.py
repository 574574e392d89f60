"""`mvc switch`: switch to another branch or version, and update the files."""

from __future__ import annotations

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.repository import refnames, revisions
from mvc.repository.model import Model
from mvc.repository.policy import take
from mvc.repository.repository import Actor, writes
from mvc.repository.worktree import checkout
from mvc.repository.worktree.checkout import Edit, Moved
from mvc.storage.progress import Progress
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import RefStep
from mvc.storage.records.reflog import HEADS, RefEntry
from mvc.transport import promises


@dataclass(frozen=True, slots=True)
class Switched(Document):
    """The new HEAD of the model, and the files that changed. `branch` is None if HEAD is detached.

    `edits` are the uncommitted changes of files that were kept, `discarded` those that were overwritten.
    """

    KEYS = keys("model branch id=version number created written=moved.written deleted=moved.deleted edits discarded")

    model: str
    branch: str | None
    version: VersionId | None
    number: int | None
    created: bool
    moved: Moved
    edits: tuple[Edit, ...] = ()
    discarded: tuple[Edit, ...] = ()


@writes
def switch(
    model: Model,
    target: str | None,
    *,
    create: str | None = None,
    detach: bool = False,
    force: bool = False,
    discard: bool = False,
    actor: Actor,
    progress: Progress | None = None,
) -> Switched:
    """Switch to the branch `target`, or detach HEAD at the version it names; with `create`, create that branch first.

    `target` None is the current version. Switching to the current version changes no file, so edits stay. Edits
    that `force` overwrites come back with `mvc undo`, unless they are to `discard`. Raises UnknownRevision and the like, TakeRefused,
    InTheWay, TooMuchToKeep, BranchExists, BadRefName, NameTaken, Damaged.
    """
    repository = model.repository
    followed = _followed(model, target) if create is None and not detach else None
    if followed is not None:  # a branch of a remote's that is not here yet: made here, and followed
        create, target = followed[1], model.ref(HEADS, followed[1]).tracking_ref(followed[0]).text
    if create is not None:
        _check_new(model, create)
    goal = _goal(model, target, force=force)
    if target is not None:
        take.check(model, target)
    promises.ensure_version_present(repository, goal, progress)
    with repository.writing():
        here = model.head
        current = model.current
        version = current
        if target is not None and not _unborn(model, target):
            version = revisions.resolve(model, target)
            repository.objects.reread(version)
        branch = create or (None if detach or target is None else _branch(model, target))
        if branch is None and version is None:
            raise errors.NoVersionYet(model=model.key)
        head = Head(here.folder, branch) if branch is not None else Head(here.folder, version=version)
        refs = _new_branch(model, create, version, actor) if create else ()
        base = checkout.files_of(model, current)
        follows = force or version != current
        edits = checkout.edits(model, current, Moved()) if force else ()
        moved = checkout.move(
            model,
            "switch",
            base=base if follows else checkout.NOTHING,
            wanted=checkout.files_of(model, version) if follows else checkout.NOTHING,
            force=force,
            head=head,
            refs=refs,
            left_out=() if follows else None,
            discard=discard,
            progress=progress,
        )
        if head != here:
            _remember(model, here)
        kept = () if force else checkout.edits(model, version, moved)
    number = repository.objects.version(version).number if version else None
    lost = checkout.overwritten(edits, moved)
    return Switched(model.key, branch, version, number, create is not None, moved, kept, lost)


def previous(model: Model) -> str:
    """Return the branch or version before the last switch; raise NoPrevious."""
    try:
        text = model.repository.door.read(_place(model)).decode("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        raise errors.NoPrevious(model=model.key) from None
    return text


def _remember(model: Model, head: Head) -> None:
    """Record the HEAD before a switch, as a cache: without it, only `switch -` does not work."""
    text = f"{HEADS}/{head.branch}" if head.branch is not None else str(head.version)
    model.repository.door.cache(_place(model), text.encode())


def _place(model: Model) -> str:
    return f"cache/previous-{names.encode_component(model.key)}"


def _goal(model: Model, target: str | None, *, force: bool) -> VersionId | None:
    """Return the version to check out, None for none; raise as resolving does."""
    current = model.current
    unmoved = target is None or _unborn(model, target)
    goal = current if unmoved else _resolved(model, str(target))
    return goal if force or goal != current else None


def _resolved(model: Model, target: str) -> VersionId:
    """Return the version that `target` names; raise UnknownTarget, and as resolving does."""
    try:
        return revisions.resolve(model, target)
    except errors.UnknownRevision as error:
        suggestion = error.hint
        remotes = model.repository.config.remotes()
        if names.is_ref_name(target) and refnames.first_reserved(target, remotes) is None:
            suggestion += f" Create a branch with `mvc switch -c {target}`."
        raise errors.UnknownTarget(text=target, model=model.key, suggestion=suggestion) from None


def _followed(model: Model, target: str | None) -> tuple[str, str] | None:
    """Return the only remote with a branch `target`, and that branch, if the name is free here and valid."""
    if target is None or refnames.first_reserved(target, model.repository.config.remotes()) is not None:
        return None
    if any(model.target(kind, target) is not None for kind in refnames.KINDS):
        return None
    kinds = [kind.split("/") for kind in model.repository.refs.kinds(model.key) if kind.startswith("remotes/")]
    remotes = [
        remote
        for _, remote, kind in kinds
        if kind == HEADS and model.repository.refs.target(model.ref(HEADS, target).tracking_ref(remote)) is not None
    ]
    return (remotes[0], target) if len(remotes) == 1 else None


def _check_new(model: Model, name: str) -> None:
    refnames.check_new(model, HEADS, name)
    if model.target(HEADS, name) is not None:
        raise errors.BranchExists(name=name, model=model.key)


def _unborn(model: Model, name: str) -> bool:
    """Return whether `name` is the current branch, before its first commit."""
    return model.head.branch == name and model.current is None


def _branch(model: Model, target: str) -> str | None:
    """Return the branch that `target` names, as `main` or `heads/main`; None for any other revision."""
    named = (ref.name for ref in revisions.candidates(model, target) if ref.kind == HEADS)
    return next((name for name in named if model.target(HEADS, name) is not None or _unborn(model, name)), None)


def _new_branch(model: Model, name: str, version: VersionId | None, actor: Actor) -> tuple[RefStep, ...]:
    """Return the entry that creates the branch; none before the first commit, which creates it."""
    if version is None:
        return ()
    ref = model.ref(HEADS, name)
    tip = model.repository.refs.tip(ref)  # a branch of that name may have been there before, and its log goes on
    return (RefStep(ref, RefEntry.after(ref, tip, version, actor.move("branch: created"))),)
