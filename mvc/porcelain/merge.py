"""`mvc merge`: a version with two parents, with the changes of both sides since their merge base.

base, ours, theirs ─► merged ─┬─ no conflict: version ─► journal: files, branch
                              └─ conflicts: journal: files with our side, merge in progress ─► resolve ─► --continue
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model import paths
from mvc.model.document import keys
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.manifest import Manifest
from mvc.model.merge.merge import Conflict, Merged
from mvc.model.toml import rules
from mvc.model.toml.rules import Problem
from mvc.model.toml.schema import dotted
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Timestamp, Version, check_message
from mvc.porcelain.status import status
from mvc.repository import history, intended, merge_state
from mvc.repository.model import Model
from mvc.repository.policy import gate as policy_gate
from mvc.repository.repository import Actor, Repository, writes
from mvc.repository.worktree import checkout, model_file, partial
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.storage.records.journal import RefStep
from mvc.storage.records.merges import CHERRY_PICK, MergeState
from mvc.storage.records.reflog import HEADS, RefEntry, RefName
from mvc.transport import fast_forward, promises

if TYPE_CHECKING:
    from mvc.model.merge import text as merged_text
    from mvc.readiness import evaluation
    from mvc.repository.policy import candidate
    from mvc.repository.record import stale_metrics
else:
    candidate = lazy.Module("mvc.repository.policy.candidate")
    stale_metrics = lazy.Module("mvc.repository.record.stale_metrics")
    merged_text = lazy.Module("mvc.model.merge.text")
    evaluation = lazy.Module("mvc.readiness.evaluation")

_STILL = Moved()
UP_TO_DATE, FAST_FORWARD, MERGED, CONFLICTS = "up-to-date", "fast-forward", "merged", "conflicts"


@dataclass(frozen=True, slots=True)
class Choice:
    """The resolution of conflicts: by field, or a file's path, in `takes`; all others to `side` (None: not resolved)."""

    takes: Mapping[str, str]
    side: str | None = None

    def of(self, merged: Merged) -> dict[str, str]:
        """Return the side of each resolved field in conflict; raise NotInConflict."""
        takes = {_field(name, merged): side for name, side in self.takes.items()}
        undecided = {conflict.field: self.side for conflict in merged.conflicts} if self.side else {}
        return {**{name: side for name, side in undecided.items() if side}, **takes}


def _field(name: str, merged: Merged) -> str:
    """Return the field in conflict that `name` is, or whose file has that path on either side; raise NotInConflict."""
    if name in merged.fields:
        return name
    for conflict in merged.conflicts:
        sides = (conflict.ours, conflict.theirs, conflict.base)
        if conflict.key[0] == "files" and any(side is not None and side.get("path") == name for side in sides):
            return conflict.field
    entry = merged.snapshot.tree.by_path.get(name)
    field = dotted(("files", entry.role)) if entry is not None else ""
    if field not in merged.fields:
        raise errors.NotInConflict(field=paths.escape_name(name), known=", ".join(merged.fields) or "nothing")
    return field


UNDECIDED = Choice({})


@dataclass(frozen=True, repr=False, slots=True)
class MergeResult(Result):
    """The result of a merge: `outcome` is UP_TO_DATE, FAST_FORWARD, MERGED, or CONFLICTS to be resolved.

    `warnings` are about metrics of other weights; `id` is the new tip of the branch; `broken` are rules that the merged values break, `unready` intended uses that the
    new version is not ready for, judged without reading files.
    """

    KEYS = keys(
        "outcome model branch theirs id number written=moved.written deleted=moved.deleted conflicts rules=broken",
        "not_ready=unready warnings",
    )

    outcome: str
    model: str
    branch: str
    theirs: VersionId
    id: VersionId
    number: int
    moved: Moved = _STILL
    conflicts: tuple[Conflict, ...] = ()
    broken: tuple[Problem, ...] = ()
    unready: tuple[evaluation.Readiness, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def summary(self) -> str:
        """Return what matters most, in one line."""
        conflicts = f", {len(self.conflicts)} conflicts" if self.conflicts else ""
        return f"{self.outcome}: {self.branch} of {self.model} at v{self.number} {self.id[:10]}{conflicts}"


@writes
def merge(
    model: Model,
    theirs: VersionId,
    actor: Actor,
    *,
    message: str | None = None,
    called: str | None = None,
    choice: Choice = UNDECIDED,
    ff_only: bool = False,
    date: Timestamp | None = None,
    progress: Progress | None = None,
) -> MergeResult:
    """Merge `theirs` into the current branch of `model`; `called` is its name in the message.

    `date` is the time of the new version (default: that of `actor`).

    Raises Detached, NoVersionYet, MergeUnderway, CrissCross, Unrelated, NotFastForward, NotInConflict, UnsavedChanges,
    InTheWay, RefMoved, Damaged.
    """
    repository = model.repository
    branch, ours = position(model)
    if history.is_ancestor(repository.objects, theirs, ours):
        return _at(repository, UP_TO_DATE, model.key, branch, theirs, ours)
    if history.is_ancestor(repository.objects, ours, theirs):
        kept = partial.unchanged(repository, model.key, _tree(repository, ours), _tree(repository, theirs))
        _, moved = fast_forward.advance(
            model,
            branch,
            theirs,
            lambda entry: entry.path not in kept,
            actor,
            verb="merge",
            progress=progress,
        )
        return replace(_at(repository, FAST_FORWARD, model.key, branch, theirs, theirs), moved=moved)
    if ff_only:
        raise errors.NotFastForward(ours=branch, theirs=called or theirs[:10])
    text = message or f"Merge {called or theirs[:10]} into {branch}"
    check_message(text)
    state = MergeState(model.key, _base(repository, ours, theirs), ours, theirs, text)
    state = replace(state, takes=choice.of(merge_state.result(repository, state)))
    return carry_out(repository, branch, state, actor, progress, date=date or actor.at)


def _tree(repository: Repository, id_: VersionId) -> Tree:
    return repository.objects.tree(repository.objects.version(id_).tree)


def position(model: Model) -> tuple[str, VersionId]:
    """Return the current branch and its version. Raises NoVersionYet, Detached, MergeUnderway."""
    head, ours = model.head, model.current
    if ours is None:
        raise errors.NoVersionYet(model=model.key)
    if head.branch is None:
        raise errors.Detached(model=model.key, version=history.label(model.repository, ours))
    merge_state.refuse(model)
    return head.branch, ours


def _base(repository: Repository, ours: VersionId, theirs: VersionId) -> VersionId:
    bases = history.merge_bases(repository.objects, ours, theirs)
    names = {"ours": history.label(repository, ours), "theirs": history.label(repository, theirs)}
    if not bases:
        raise errors.Unrelated(**names)
    if len(bases) > 1:
        raise errors.CrissCross(**names, bases=", ".join(history.label(repository, id_) for id_ in bases))
    return bases[0]


def carry_out(
    repository: Repository,
    branch: str,
    state: MergeState,
    actor: Actor,
    progress: Progress | None,
    *,
    date: Timestamp,
) -> MergeResult:
    """Merge as `state` says, also for a revert or cherry-pick: record a version, or leave the conflicts to be resolved."""
    merged, model = merge_state.result(repository, state), state.model
    ours, new = _tree(repository, state.ours), merged.snapshot.tree
    kept = partial.unchanged(repository, model, ours, new)
    here = {(entry.path, entry.file) for entry in ours.entries}
    come = [entry for entry in new.entries if entry.path not in kept and (entry.path, entry.file) not in here]
    promises.ensure_present(repository, come, progress)
    stale = _stale(repository, state, merged)
    broken = tuple(each for each in (*rules.check(merged.snapshot.manifest), *stale) if each.severity == rules.ERROR)
    with repository.writing():
        _check_clean(repository, branch, state)
        base = checkout.files_of(Model(repository, model), state.ours)
        text = _text(repository, state, merged.snapshot.manifest)
        wanted = partial.without(files(merged, text, FileId(digest(text))), kept)
        checkout.check(Model(repository, model), base=base, wanted=wanted)
        if not (merged.conflicts or broken):
            branch_ref = RefName(model, HEADS, branch)
            policy_gate.check_new(
                repository, lambda: candidate.planned(repository, merged.snapshot, state.parents), branch_ref
            )
        file = checkout.store_small(repository, text)
        if merged.conflicts or broken:
            moved = checkout.move(
                Model(repository, model),
                state.verb,
                base=base,
                wanted=wanted,
                merge=state,
                left_out=kept,
                progress=progress,
            )
            done = _at(repository, CONFLICTS, model, branch, state.theirs, state.ours)
            return replace(done, moved=moved, conflicts=merged.conflicts, broken=broken)
        id_, step = _version(repository, branch, state, merged, file, actor, date=date)
        moved = checkout.move(
            Model(repository, model),
            state.verb,
            base=base,
            wanted=wanted,
            refs=(step,),
            left_out=kept,
            progress=progress,
        )
    done = _at(repository, MERGED, model, branch, state.theirs, id_)
    unready = intended.unready(merged.snapshot.manifest, lambda: merged.snapshot.tree)
    return replace(done, moved=moved, unready=unready, warnings=stale)


def _stale(repository: Repository, state: MergeState, merged: Merged) -> tuple[Problem, ...]:
    """Return the problem of weights from one side with metrics of the other, once there is no conflict."""
    if merged.conflicts:
        return ()
    ours, theirs = (history.snapshot(repository, id_, state.model) for id_ in (state.ours, state.theirs))
    assert ours is not None  # noqa: S101 - versions were asked for
    assert theirs is not None  # noqa: S101
    found = stale_metrics.of_merge(repository, ours, theirs, merged.snapshot)
    return (found,) if found is not None else ()


def files(merged: Merged, text: bytes, file: FileId) -> Tree:
    """Return the files in the working tree of a merge, with its model.toml."""
    return Tree.of([*merged.snapshot.tree.entries, TreeEntry(model_file.NAME, model_file.NAME, len(text), file)])


def _check_clean(repository: Repository, branch: str, state: MergeState) -> None:
    if repository.current(state.model) != state.ours:
        raise errors.RefMoved(ref=branch, by="another command", reason="commit")
    found = status(Model(repository, state.model))
    if not found.difference.is_empty or found.problems:
        raise errors.UnsavedChanges(model=state.model)


def _text(repository: Repository, state: MergeState, new: Manifest) -> bytes:
    """Return our model.toml, edited to the merged values; of a revert or cherry-pick, with the comments of both sides."""
    ours = side(repository, state.model, state.ours)
    if state.picks is None:
        return merged_text.rewrite(*ours, new).encode()
    base, theirs = (side(repository, state.model, id_) for id_ in (state.base, state.theirs))
    return merged_text.combine(base, ours, theirs, new).encode()


def side(repository: Repository, model: str, id_: VersionId) -> merged_text.Side:
    """Return the model.toml of a version, and its values. Raises Missing, Damaged."""
    snapshot = history.snapshot(repository, id_, model)
    return model_file.of_version(repository, repository.objects.version(id_), model).decode(), snapshot.manifest


def _version(
    repository: Repository,
    branch: str,
    state: MergeState,
    merged: Merged,
    file: FileId,
    actor: Actor,
    *,
    date: Timestamp,
) -> tuple[VersionId, RefStep]:
    """Store the version; return the step that moves the branch to it."""
    picked = repository.objects.version(state.theirs) if state.picks == CHERRY_PICK else None
    version = Version(
        parents=state.parents,
        number=repository.objects.version(state.ours).number + 1,
        author=picked.author if picked is not None else actor.person,
        time=date,
        message=state.message,
        manifest=repository.objects.put_manifest(merged.snapshot.manifest),
        tree=repository.objects.put_tree(merged.snapshot.tree),
        model_toml=file,
        ext=state.ext,
    )
    id_ = repository.objects.put_version(version)
    repository.door.barrier()
    ref = RefName(state.model, HEADS, branch)
    entry = RefEntry.after(ref, repository.refs.tip(ref), id_, actor.move(f"{state.verb}: {version.subject}"))
    return id_, RefStep(ref, entry)


def _at(
    repository: Repository, outcome: str, model: str, branch: str, theirs: VersionId, id_: VersionId
) -> MergeResult:
    return MergeResult(outcome, model, branch, theirs, id_, repository.objects.version(id_).number)


def current_toml(model: Model) -> tuple[bytes, FileId]:
    """Return the model.toml of the working tree and its id; raise NoModelToml."""
    folder = model.folder
    data = model_file.read(model.repository, folder)
    if data is None:
        raise errors.NoModelToml(path=model_file.path(folder), model=model.key)
    return data, FileId(digest(data))
