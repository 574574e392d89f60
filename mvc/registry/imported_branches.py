"""Branches for what was imported: one per tip, and none that is there already is made twice.

    tips: versions that no other imported one was made from
      ├─ a branch here has it already                   nothing
      ├─ a branch here stands before it                 that one goes on to it, with its files if they are checked out
      └─ neither                                        a new one: main, or picsellia-<number>

What somebody made on the registry by hand moves no branch but one of its own kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model.ids import VersionId
from mvc.repository import history, places, refnames
from mvc.repository.model import Model
from mvc.repository.parts import MAIN
from mvc.repository.repository import Actor, Repository
from mvc.repository.worktree import model_file
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import HEADS, RefName
from mvc.transport import fast_forward


@dataclass(frozen=True, slots=True)
class Settled:
    """A branch that was made (`old` is None) or went on."""

    branch: str
    old: VersionId | None
    new: VersionId

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"branch": self.branch, "old": self.old, "new": self.new}


def settle(
    repository: Repository,
    model: str,
    numbers: Mapping[VersionId, int],
    actor: Actor,
    *,
    check_out: bool = False,
    progress: Progress | None = None,
) -> tuple[Settled, ...]:
    """Have a branch of `model` lead to each of these versions, given with their numbers on the registry.

    With `check_out`, the files of the current branch are written although none lie there yet. Raises InTheWay when files
    of the current branch are: all other branches have been moved then.
    """
    tips = _tips(repository, list(numbers))
    order = sorted(tips, key=lambda id_: (_is_by_hand(repository, id_), -_number(repository, id_), numbers[id_]))
    head, moves, done = repository.head(model), list[Settled](), list[Settled]()
    for id_ in order:
        move = _plan(repository, model, id_, numbers[id_], {each.branch for each in moves})
        moves += [move] if move is not None else []
    for move in sorted(moves, key=lambda each: each.branch == head.branch):  # the files last: edits may be in the way
        checked_out = model_file.read(repository, head.folder) is not None
        if move.branch == head.branch and (check_out or checked_out):
            fast_forward.advance(
                repository,
                model,
                move.branch,
                move.new,
                fast_forward.everything,
                actor,
                verb="import",
                progress=progress,
            )
        else:
            _append(repository, model, move, actor)
        done.append(move)
    return tuple(done)


def _tips(repository: Repository, ids: list[VersionId]) -> list[VersionId]:
    """Those that none of their own kind was made from: what somebody made by hand of a version is no successor of it."""
    objects = repository.objects
    found = []
    for by_hand in (False, True):
        own = [id_ for id_ in ids if _is_by_hand(repository, id_) == by_hand]
        parents = [each for id_ in own for each in objects.parents(objects.version(id_))]
        above = history.ancestors(objects, parents)
        found += [id_ for id_ in own if id_ not in above]
    return found


def _plan(repository: Repository, model: str, tip: VersionId, number: int, taken: set[str]) -> Settled | None:
    """Which branch is to lead to `tip`; None when one does. `taken` are those that others of this run have."""
    branches = {name: _target(repository, model, name) for name in repository.refs.names(model, HEADS)}
    order = sorted(branches, key=lambda name: (name != repository.head(model).branch, name != MAIN, name))
    if any(history.is_ancestor(repository.objects, tip, branches[name]) for name in order):
        return None
    for name in order:
        if name not in taken and _may_go_on(repository, branches[name], tip):
            return Settled(name, branches[name], tip)
    return Settled(_new_name(repository, model, number, taken), None, tip)


def _may_go_on(repository: Repository, old: VersionId, new: VersionId) -> bool:
    if _is_by_hand(repository, new) and not _is_by_hand(repository, old):
        return False
    return history.is_ancestor(repository.objects, old, new)


def _new_name(repository: Repository, model: str, number: int, taken: set[str]) -> str:
    first = [] if MAIN in taken or repository.refs.target(RefName(model, HEADS, MAIN)) else [MAIN]
    names = [*first, f"picsellia-{number}", *(f"picsellia-{number}-{more}" for more in range(2, 1000))]
    for name in names:
        try:
            refnames.check_new(Model(repository, model), HEADS, name)
        except errors.RefRejected:  # a tag or an alias is called so
            continue
        if name not in taken and repository.refs.target(RefName(model, HEADS, name)) is None:
            return name
    raise errors.NameTaken(name=names[-1], kind="branch", model=model)


def _append(repository: Repository, model: str, move: Settled, actor: Actor) -> None:
    ref = RefName(model, HEADS, move.branch)
    with repository.locked():
        repository.objects.reread(move.new)
        tip = repository.refs.tip(ref)
        if (tip.new if tip is not None else None) != move.old:
            raise errors.RefMoved(ref=move.branch, by="another command", reason="it was moved meanwhile")
        repository.refs.append(ref, tip, move.new, actor.move("import"))


def _target(repository: Repository, model: str, name: str) -> VersionId:
    target = repository.refs.target(RefName(model, HEADS, name))
    assert target is not None  # noqa: S101 - only names that exist are asked for
    return target


def _number(repository: Repository, id_: VersionId) -> int:
    return repository.objects.version(id_).number


def _is_by_hand(repository: Repository, id_: VersionId) -> bool:
    return places.is_by_hand(repository.objects.version(id_))
