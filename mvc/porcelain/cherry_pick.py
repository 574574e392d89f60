"""`mvc cherry-pick` and `mvc revert`: make the changes of versions again, or undo them, each as a new version.

cherry-pick   base: REV's parent   theirs: REV            ─┐
revert        base: REV            theirs: REV's parent   ─┴─ merged into HEAD as by `mvc merge` ─► a version with one parent
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.merge.merge import Conflict, merge
from mvc.model.toml.rules import Problem
from mvc.model.tree import Tree
from mvc.model.version import Timestamp, check_message
from mvc.plural import count
from mvc.porcelain.merge import CONFLICTS, UNDECIDED, Choice, MergeResult, carry_out, position, side
from mvc.repository import history, merge_state, revisions
from mvc.repository.model import Model
from mvc.repository.policy import take
from mvc.repository.repository import Actor, writes_as
from mvc.repository.worktree import checkout, model_file, partial
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.storage.records.merges import CHERRY_PICK, REVERT, MergeState
from mvc.transport import promises

if TYPE_CHECKING:
    from mvc.model.merge import text as merged_text
    from mvc.readiness import evaluation
else:
    merged_text = lazy.Module("mvc.model.merge.text")
    evaluation = lazy.Module("mvc.readiness.evaluation")

_STILL = Moved()
PICKED, APPLIED = "picked", "applied"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of both verbs: the parent (from 1) to compare a merge with, the resolution of conflicts, and the date."""

    parent: int | None = None
    choice: Choice = UNDECIDED
    commit: bool = True
    origin: bool = False
    """Add a line to the message that names the version that was picked."""
    date: Timestamp | None = None


_DEFAULT = Options()


@dataclass(frozen=True, slots=True)
class Pick(Document):
    """A version that was picked or reverted, `of`, and the new version that does it."""

    KEYS = keys("of id number message")

    of: VersionId
    id: VersionId
    number: int
    message: str


@dataclass(frozen=True, repr=False, slots=True)
class Picked(Result):
    """The result of a cherry-pick or revert: `outcome` is PICKED, APPLIED (to the working tree only) or CONFLICTS.

    `warnings` are about metrics of other weights. `id` is the tip of the branch. `dropped` are versions that change nothing, `left` those after the one in conflict.
    """

    KEYS = keys(
        "verb outcome model branch id number versions=picks dropped left written=moved.written deleted=moved.deleted",
        "conflicts rules=broken not_ready=unready warnings",
    )

    verb: str
    outcome: str
    model: str
    branch: str
    id: VersionId
    number: int
    picks: tuple[Pick, ...] = ()
    dropped: tuple[VersionId, ...] = ()
    left: tuple[VersionId, ...] = ()
    moved: Moved = _STILL
    conflicts: tuple[Conflict, ...] = ()
    broken: tuple[Problem, ...] = ()
    unready: tuple[evaluation.Readiness, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def summary(self) -> str:
        """Return the most important facts in one line."""
        versions = count(len(self.picks), "version")
        return (
            f"{self.verb}: {self.outcome}, {versions}: {self.branch} of {self.model} at v{self.number} {self.id[:10]}"
        )


@writes_as(CHERRY_PICK)
def cherry_pick(
    model: Model,
    picked: Sequence[VersionId],
    actor: Actor,
    *,
    options: Options = _DEFAULT,
    progress: Progress | None = None,
) -> Picked:
    """Make the changes of versions again on the current branch, in this order; each new version keeps the author.

    Raises NoVersionYet, Detached, MergeUnderway, NoParentToPick, WhichParent, NothingToPick, PickConflicts,
    NotInConflict, UnsavedChanges, InTheWay, RefMoved, Damaged.
    """
    return _Picks(model, CHERRY_PICK, actor, options, progress).run(picked)


@writes_as(REVERT)
def revert(
    model: Model,
    reverted: Sequence[VersionId],
    actor: Actor,
    *,
    options: Options = _DEFAULT,
    progress: Progress | None = None,
) -> Picked:
    """Undo the changes of versions on the current branch, in this order, by new versions. Raises as `cherry_pick`."""
    return _Picks(model, REVERT, actor, options, progress).run(reverted)


def versions(model: Model, texts: Sequence[str]) -> list[VersionId]:
    """Return the versions that `texts` name, those of a range `A..B` oldest first. Raises TakeRefused, UnknownRevision and the like."""
    found: list[VersionId] = []
    for text in texts:
        for named in text.split("...") if "..." in text else text.split("..")[-1:]:
            take.check(model, named)
        if ".." in text:
            span = revisions.resolve_range(model, text)
            found += [id_ for id_, _ in history.walk(model.repository.objects, span.tips, exclude=span.exclude)][::-1]
        else:
            found.append(revisions.resolve(model, text))
    return found


class _Change(NamedTuple):
    """A named version, and the versions between which the change is that is merged."""

    of: VersionId
    base: VersionId
    theirs: VersionId
    parent: int


@dataclass(frozen=True, slots=True)
class _Picks:
    """One command in progress."""

    model: Model
    verb: str
    actor: Actor
    options: Options
    progress: Progress | None

    def run(self, ids: Sequence[VersionId]) -> Picked:
        branch, tip = position(self.model)
        changes = [self._change(id_) for id_ in ids]
        if not self.options.commit:
            return self._apply(branch, tip, changes)
        result = Picked(self.verb, PICKED, self.model.key, branch, tip, 0)
        for number, change in enumerate(changes):
            state = self._state(change, result.id)
            merged = merge_state.result(self.model.repository, state)
            if not merged.conflicts and merged.snapshot == history.snapshot(
                self.model.repository, result.id, self.model.key
            ):
                result = replace(result, dropped=(*result.dropped, change.of))
                continue
            done = carry_out(
                self.model.repository, branch, state, self.actor, self.progress, date=self.options.date or self.actor.at
            )
            result = _with(result, change, state, done)
            if done.outcome == CONFLICTS:
                return replace(result, outcome=CONFLICTS, left=tuple(ids[number + 1 :]))
        self._check_any(branch, ids, changed=bool(result.picks))
        return result

    def _apply(self, branch: str, tip: VersionId, changes: Sequence[_Change]) -> Picked:
        """Merge the changes into the working tree only. Raises PickConflicts, InTheWay."""
        model, repository = self.model, self.model.repository
        ours, text = history.snapshot(model.repository, tip, model.key), side(repository, model.key, tip)[0]
        before = checkout.files_of(model, tip)
        for change in changes:
            base, theirs = (
                history.snapshot(model.repository, change.base, model.key),
                history.snapshot(model.repository, change.theirs, model.key),
            )
            merged = merge(base, ours, theirs)
            merged = merge(base, ours, theirs, self.options.choice.of(merged))
            if merged.conflicts:
                raise self._conflicts(change, merged.conflicts)
            old, new = (side(repository, model.key, id_) for id_ in (change.base, change.theirs))
            text = merged_text.combine(old, (text, ours.manifest), new, merged.snapshot.manifest)
            ours = merged.snapshot
        self._check_any(
            branch,
            [change.of for change in changes],
            changed=ours != history.snapshot(model.repository, tip, model.key),
        )
        moved = self._check_out(before, ours.tree, text.encode())
        number = repository.objects.version(tip).number
        return Picked(self.verb, APPLIED, model.key, branch, tip, number, moved=moved)

    def _check_out(self, before: Tree, tree: Tree, toml: bytes) -> Moved:
        model, repository = self.model, self.model.repository
        entry = model_file.entry(toml)
        wanted = Tree.of([*tree.entries, entry])
        left_out = partial.unchanged(repository, model.key, before, wanted)
        base, changed = checkout.differing(before, wanted)
        changed = partial.without(changed, left_out)
        promises.ensure_present(repository, (each for each in changed.entries if each != entry), self.progress)
        with repository.writing():
            checkout.check(model, base=base, wanted=changed)
            checkout.store_small(repository, toml)
            return checkout.move(model, self.verb, base=base, wanted=changed, left_out=left_out, progress=self.progress)

    def _change(self, id_: VersionId) -> _Change:
        """Return the change that is merged. Raises NoParentToPick, WhichParent."""
        repository, chosen = self.model.repository, self.options.parent
        version = repository.objects.version(id_)
        if chosen is None and len(version.parents) > 1:
            raise self._which(id_, f"it is a merge of {len(version.parents)} parents")
        if chosen is not None and chosen > max(len(version.parents), 1):
            raise self._which(id_, f"it has {count(len(version.parents), 'parent')}")
        number = chosen or 1
        parent = version.parents[number - 1] if version.parents else None
        if parent is None or parent not in repository.objects.parents(version):
            raise errors.NoParentToPick(verb=self.verb, version=id_[:10])
        base, theirs = (id_, parent) if self.verb == REVERT else (parent, id_)
        return _Change(id_, base, theirs, number)

    def _which(self, id_: VersionId, reason: str) -> errors.WhichParent:
        return errors.WhichParent(verb=self.verb, command=f"mvc {self.verb}", version=id_[:10], reason=reason)

    def _state(self, change: _Change, ours: VersionId) -> MergeState:
        message = self._message(change)
        check_message(message)
        state = MergeState(self.model.key, change.base, ours, change.theirs, message, picks=self.verb)
        return replace(state, takes=self.options.choice.of(merge_state.result(self.model.repository, state)))

    def _message(self, change: _Change) -> str:
        version = self.model.repository.objects.version(change.of)
        if self.verb == CHERRY_PICK:
            return (
                f"{version.message}\n\n(cherry picked from version {change.of})"
                if self.options.origin
                else version.message
            )
        to = f", back to its parent {change.parent}, {change.theirs[:10]}" if len(version.parents) > 1 else ""
        return f'Revert "{version.subject}"\n\nThis reverts version {change.of}{to}.'

    def _check_any(self, branch: str, ids: Sequence[VersionId], *, changed: bool) -> None:
        """Raise NothingToPick if the branch would not change."""
        if not changed:
            raise errors.NothingToPick(verb=self.verb, branch=branch, versions=" ".join(id_[:10] for id_ in ids))

    def _conflicts(self, change: _Change, conflicts: Sequence[Conflict]) -> errors.PickConflicts:
        listed = "\n".join(f"  {conflict.field}" for conflict in conflicts)
        return errors.PickConflicts(
            verb=self.verb,
            command=f"mvc {self.verb}",
            version=change.of[:10],
            count=len(conflicts),
            listed=listed,
        )


def _with(result: Picked, change: _Change, state: MergeState, done: MergeResult) -> Picked:
    """Return `result` with what one version gave."""
    made = (Pick(change.of, done.id, done.number, state.message),) if done.outcome != CONFLICTS else ()
    moved = Moved(
        tuple(dict.fromkeys((*result.moved.written, *done.moved.written))),
        tuple(dict.fromkeys((*result.moved.deleted, *done.moved.deleted))),
    )
    return replace(
        result,
        id=done.id,
        number=done.number,
        picks=(*result.picks, *made),
        moved=moved,
        conflicts=done.conflicts,
        broken=done.broken,
        unready=done.unready,
        warnings=tuple(dict.fromkeys((*result.warnings, *done.warnings))),
    )
