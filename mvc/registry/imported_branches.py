"""Branches that make imported versions reachable: one per tip, created or fast-forwarded.

    tips: imported versions without an imported child
      ├─ reachable from a branch                 nothing
      ├─ a branch is its ancestor                fast-forward, with the files if they are checked out
      └─ neither                                 a new branch: as the marker hints, or main, or picsellia-<number>

Versions made by hand move only branches of their own kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document
from mvc.model.ids import VersionId
from mvc.registry.marker import Branch
from mvc.repository import history, places, refnames
from mvc.repository.model import Model
from mvc.repository.parts import MAIN
from mvc.repository.policy import gate
from mvc.repository.repository import Actor, Repository
from mvc.repository.worktree import model_file
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import HEADS
from mvc.transport import fast_forward

_MOST_NAMES = 1000


@dataclass(frozen=True, slots=True)
class BranchUpdate(Document):
    """A branch that was created (`old` is None) or fast-forwarded."""

    branch: str
    old: VersionId | None
    new: VersionId


def update_branches(
    model: Model,
    numbers: Mapping[VersionId, int],
    actor: Actor,
    *,
    hints: Mapping[VersionId, Branch] | None = None,
    check_out: bool = False,
    progress: Progress | None = None,
) -> tuple[BranchUpdate, ...]:
    """Make versions, given with their numbers on the registry, reachable from branches of `model`.

    `hints` are the publisher's branches. With `check_out`, switch to the one that was checked out there, and write the files of the current branch even if there are none yet. Raises InTheWay if edited files of the
    current branch would be overwritten; all other branches have been updated by then.
    """
    repository = model.repository
    names = {id_: branch.name for id_, branch in (hints or {}).items()}
    tips = _tips(repository, list(numbers))
    tips.sort(key=lambda id_: (_is_by_hand(repository, id_), -_number(repository, id_), -numbers[id_]))
    plan = list[BranchUpdate]()
    for id_ in sorted(tips, key=lambda id_: id_ not in names):  # a name that is hinted at is not given to another tip
        update = _plan(model, id_, numbers[id_], {planned.branch for planned in plan}, names.get(id_))
        plan += [update] if update is not None else []
    if check_out:
        _switch_unborn(model, plan, _current(tips, numbers, hints or {}))
    moves = ((model.ref(HEADS, update.branch), update.new) for update in plan)
    gate.check(repository, [gate.Move(ref, repository.refs.tip(ref), new, "import") for ref, new in moves])
    head = model.head
    plan.sort(key=lambda update: update.branch == head.branch)  # files last: edited ones raise
    for update in plan:
        is_current = update.branch == head.branch
        if is_current and (check_out or model_file.read(repository, head.folder) is not None):
            _fast_forward(model, update, actor, progress)
        else:
            _append(model, update, actor)
    return tuple(plan)


def _tips(repository: Repository, ids: list[VersionId]) -> list[VersionId]:
    """Return the versions without a child of their own kind: a published one and one made by hand never succeed each other."""
    objects, tips = repository.objects, list[VersionId]()
    for by_hand in (False, True):
        own = [id_ for id_ in ids if _is_by_hand(repository, id_) == by_hand]
        parents = [parent for id_ in own for parent in objects.parents(objects.version(id_))]
        ancestors = history.ancestors(objects, parents)
        tips += [id_ for id_ in own if id_ not in ancestors]
    return tips


def _current(
    tips: Sequence[VersionId], numbers: Mapping[VersionId, int], hints: Mapping[VersionId, Branch]
) -> VersionId | None:
    """Return the tip of the branch that was checked out when it was published, the last one of several; else the first tip."""
    current = [id_ for id_ in tips if id_ in hints and hints[id_].is_current]
    return max(current, key=lambda id_: numbers[id_]) if current else next(iter(tips), None)


def _switch_unborn(model: Model, plan: Sequence[BranchUpdate], tip: VersionId | None) -> None:
    """Set the head of a model without versions and files to the new branch of `tip`."""
    repository, head = model.repository, model.head
    names = [update.branch for update in plan if update.new == tip and update.old is None]
    if names and head.branch not in model.names(HEADS) and model_file.read(repository, head.folder) is None:
        with repository.locked():
            repository.heads.set(model.key, replace(head, branch=names[0]))


def _plan(model: Model, tip: VersionId, number: int, taken: set[str], hint: str | None) -> BranchUpdate | None:
    """Return the update that makes `tip` reachable, None if none is needed; `taken` are the branches of other updates.

    With a `hint`, no other branch is moved.
    """
    branches = {name: _target(model, name) for name in model.names(HEADS)}
    order = sorted(branches, key=lambda name: (name != model.head.branch, name != MAIN, name))
    for name in order:
        if history.is_ancestor(model.repository.objects, tip, branches[name]):
            model.repository.refs.settle(model.ref(HEADS, name))  # an interrupted import may have moved it
            return None
    for name in order:
        if hint in (None, name) and name not in taken and _can_fast_forward(model.repository, branches[name], tip):
            return BranchUpdate(name, branches[name], tip)
    return BranchUpdate(_new_name(model, number, taken, hint), None, tip)


def _can_fast_forward(repository: Repository, old: VersionId, new: VersionId) -> bool:
    if _is_by_hand(repository, new) and not _is_by_hand(repository, old):
        return False
    return history.is_ancestor(repository.objects, old, new)


def _new_name(model: Model, number: int, taken: set[str], hint: str | None) -> str:
    first = [hint] if hint is not None else [] if MAIN in taken or model.target(HEADS, MAIN) else [MAIN]
    stem = f"picsellia-{number}"
    names = [*first, stem, *(f"{stem}-{more}" for more in range(2, _MOST_NAMES))]
    for name in names:
        try:
            refnames.check_new(model, HEADS, name)
        except (errors.RefRejected, errors.BadRefName):  # a tag or an alias has that name, or it is none
            continue
        if name not in taken and model.target(HEADS, name) is None:
            return name
    raise errors.NameTaken(name=names[-1], kind="branch", model=model.key)


def _fast_forward(model: Model, update: BranchUpdate, actor: Actor, progress: Progress | None) -> None:
    fast_forward.advance(
        model,
        update.branch,
        update.new,
        fast_forward.everything,
        actor,
        verb="import",
        progress=progress,
    )


def _append(model: Model, update: BranchUpdate, actor: Actor) -> None:
    repository = model.repository
    ref = model.ref(HEADS, update.branch)
    with repository.locked():
        repository.objects.reread(update.new)
        tip = repository.refs.tip(ref)
        if (tip.new if tip is not None else None) != update.old:
            raise errors.RefMoved(ref=update.branch, by="another command", reason="not the import")
        repository.refs.append(ref, tip, update.new, actor.move("import"))


def _target(model: Model, name: str) -> VersionId:
    target = model.target(HEADS, name)
    assert target is not None  # noqa: S101 - called for branches that exist
    return target


def _number(repository: Repository, id_: VersionId) -> int:
    return repository.objects.version(id_).number


def _is_by_hand(repository: Repository, id_: VersionId) -> bool:
    return places.is_by_hand(repository.objects.version(id_))
