"""`mvc undo`, `mvc redo` and `mvc op restore`: reverse operations, by new ref entries.

operation log ─► the operations ─► their reversal, or a refusal ─► journal: refs, files, HEAD
                                                                     └ recorded as an operation itself
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys, rows
from mvc.model.ids import VersionId
from mvc.repository.model import Model
from mvc.repository.operations import log, stash_undo
from mvc.repository.operations.log import ADVICE, Logged
from mvc.repository.operations.recorder import FINAL
from mvc.repository.operations.reversal import Reversal
from mvc.repository.repository import Actor, writes, writes_as
from mvc.repository.worktree import apply, checkout
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import Journal
from mvc.transport import promises

if TYPE_CHECKING:
    from mvc.storage.records.annotations.log import Logs

_PASSED = ("gc", "prune")
"""Verbs that a redo passes over: they move no ref and no file."""


@dataclass(frozen=True, slots=True)
class MovedRef(Document):
    """A ref that was moved back: its name as `heads/main`, and its versions before and after."""

    ref: str
    old: VersionId | None
    new: VersionId | None


@dataclass(frozen=True, slots=True)
class Undone(Document):
    """The operations that were reversed, newest first, with their commands; the refs, HEAD and files that changed.

    `head` is the new HEAD, None if it did not move. `lost` are files whose former content was discarded with --discard,
    `lost_stashes` are dropped stashes that `mvc gc` removed. `in_progress` is the merge, revert or cherry-pick that is in
    progress again, as before the operation; None if there is none.
    """

    KEYS = keys(
        "model",
        {"operations": rows("operations", "number command=first.command")},
        "refs branch=head.branch detached=head.version written=moved.written deleted=moved.deleted lost lost_stashes",
        "in_progress",
    )

    model: str
    operations: tuple[Logged, ...]
    refs: tuple[MovedRef, ...]
    head: Head | None
    moved: Moved
    lost: tuple[str, ...] = ()
    lost_stashes: tuple[VersionId, ...] = ()
    in_progress: str | None = None


@writes
def undo(
    model: Model,
    actor: Actor,
    *,
    number: int | None = None,
    force: bool = False,
    discard: bool = False,
    progress: Progress | None = None,
) -> Undone:
    """Undo the newest operation of `model` that is not undone, or operation `number`.

    Refs go back by new entries; files get the content from before it. A commit is undone without touching files. What is
    overwritten comes back with `redo`, unless it is to `discard`. With `force`, a model.toml that was edited since is
    restored, too. Raises NothingToUndo, NoSuchOperation, CannotUndo, MovedSince, PushedAlready, EditedSince,
    TooMuchToKeep, InTheWay, Damaged.
    """

    def chosen() -> list[Logged]:
        return [_undoable(model, log.find(model, number)) if number is not None else _newest(model)]

    return _reverse(model, actor, chosen, "undo", force=force, discard=discard, progress=progress)


def kept_since(model: Model, operations: Sequence[Logged], actor: Actor) -> list[str]:
    """Return the kinds of annotations that the actor added or removed since the operations: an undo does not reach them."""
    since, by = min(logged.first.at.seconds for logged in operations), str(actor.person)
    return [
        f"{logs.kind.NOUN}s"
        for kind, logs in model.repository.annotations.items()
        if any(_is_later(logs, model.key, id_, since, by) for id_ in model.annotated(kind))
    ]


def _is_later(logs: Logs[Any], key: str, id_: VersionId, since: int, by: str) -> bool:
    """Return whether the last entry of a log is from `by`, and not older; a damaged one is for `mvc fsck`."""
    try:
        last = logs.entry(key, id_, max(logs.numbers(key, id_), default=0))
    except errors.MvcError:
        return False
    return bool(last.by == by and last.at.seconds >= since)


@writes_as("redo")
def redo(model: Model, actor: Actor, *, discard: bool = False, progress: Progress | None = None) -> Undone:
    """Reverse the newest undo of `model`; a new operation since leaves nothing to redo. Raises NothingToRedo, and as `undo`."""

    def chosen() -> list[Logged]:
        for logged in log.log(model):
            if logged.is_undone or logged.first.redo or logged.first.verb in _PASSED:
                continue
            if logged.is_undo:
                return [logged]
            break
        raise errors.NothingToRedo(model=model.key)

    return _reverse(model, actor, chosen, "redo", force=True, discard=discard, progress=progress)


@writes_as("op")
def restore(
    model: Model, number: int, actor: Actor, *, discard: bool = False, progress: Progress | None = None
) -> Undone:
    """Restore refs, HEAD and files of `model` to their state after operation `number`, by reversing all later ones.

    This is an operation itself, and can be undone. Raises NoSuchOperation, NothingToUndo, and as `undo`.
    """

    def chosen() -> list[Logged]:
        last = log.find(model, number).number
        found = [logged for logged in log.log(model) if logged.number > last and logged.first.verb not in FINAL]
        if not found:
            raise errors.NothingToUndo(model=model.key)
        return [_composable(logged) for logged in found]

    return _reverse(model, actor, chosen, "op", force=True, discard=discard, progress=progress)


def _newest(model: Model) -> Logged:
    for logged in log.log(model):
        if not (logged.is_undone or logged.is_undo):
            if logged.first.verb in _PASSED and _earlier(model, logged) is None:
                break
            return _undoable(model, logged)
    raise errors.NothingToUndo(model=model.key)


def _undoable(model: Model, logged: Logged) -> Logged:
    """Return the operation; raise CannotUndo if it is a push or the like, or undone already."""
    verb = logged.first.verb
    if verb in FINAL:
        raise _refusal(logged, _WHY[verb], _advice(model, logged))
    if logged.is_undone:
        raise _refusal(logged, "it is undone already", ADVICE)
    return logged


def _refusal(logged: Logged, reason: str, advice: str) -> errors.CannotUndo:
    return errors.CannotUndo(number=logged.number, command=logged.first.command, reason=reason, advice=advice)


def _advice(model: Model, final: Logged) -> str:
    """Return what can be done instead of undoing a final operation."""
    last = _earlier(model, final)
    published = final.first.verb in ("push", "publish")
    advice = ["`mvc revert REV` makes a version that reverses another one."] if published else []
    if last is not None:
        advice.append(f"`mvc undo --op {last.number}` undoes an earlier operation (`{last.first.command}`).")
    return " ".join(advice) or ADVICE


def _earlier(model: Model, final: Logged) -> Logged | None:
    """Return the newest operation before a final one that is neither undone nor final itself."""
    earlier = (each for each in log.log(model) if each.number < final.number)
    return next((each for each in earlier if not (each.is_undone or each.is_undo or each.first.verb in FINAL)), None)


_WHY = {
    "push": "others may have what was pushed",
    "publish": "others may have what was published",
    "gc": "the bytes are gone",
    "prune": "the bytes are gone",
}


def _composable(logged: Logged) -> Logged:
    """Return the operation; raise CannotUndo for the renaming of a model, which is undone on its own."""
    if logged.first.rename is not None:
        advice = f"First run `mvc undo --op {logged.number}`."
        raise _refusal(logged, "a renamed model is restored on its own", advice)
    return logged


def _reverse(
    model: Model,
    actor: Actor,
    chosen: Callable[[], Sequence[Logged]],
    verb: str,
    *,
    force: bool,
    discard: bool,
    progress: Progress | None,
) -> Undone:
    repository = model.repository
    first = Reversal.of(model, chosen())
    first.check(force=force)
    promises.ensure_present(repository, first.wanted(), progress)
    with repository.writing():
        reversal = Reversal.of(model, chosen())  # another command may have been faster
        reversal.check(force=force)
        numbers = tuple(logged.number for logged in reversal.operations)
        if repository.recorder is not None:
            repository.recorder.undoes = numbers if verb != "op" else ()
        word = verb if verb != "op" else f"op restore {numbers[0] - 1}"
        refs = repository.gate.steps(reversal.steps(actor, word))
        head = reversal.head if reversal.head != model.head else None
        rename = reversal.operations[-1].first
        if rename.rename is not None and rename.model is not None:
            apply.change(repository, Journal(verb, model.key, refs=refs, rename=rename.model))
            return _undone(Model(repository, rename.model), reversal, None, Moved())
        stashes = stash_undo.changes(reversal)
        stash_undo.check(stashes, reversal)
        stash_undo.add(model, stashes, actor)
        base, wanted = reversal.trees()
        merge, merged = reversal.merge_change()
        moved = checkout.move(
            model,
            verb,
            base=base,
            wanted=wanted,
            force=True,
            head=head,
            refs=refs,
            merge=merge,
            merged=merged,
            left_out=reversal.sparse,
            moves=reversal.moves,
            discard=discard,
            progress=progress,
        )
        stash_undo.drop(model, stashes, actor)
        repository.note(model.key)  # also where nothing changed: the operations count as reversed
    found = _undone(model, reversal, head, moved)
    return replace(found, lost_stashes=stashes.gone, in_progress=merge.verb if merge is not None else None)


def _undone(model: Model, reversal: Reversal, head: Head | None, moved: Moved) -> Undone:
    refs = tuple(MovedRef(ref.text, goal.now, goal.target) for ref, goal in reversal.refs.items())
    return Undone(model.key, reversal.operations[::-1], refs, head, moved, reversal.lost)
