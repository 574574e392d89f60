"""`mvc status`: the state of the working tree, and what the next commit would record."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.display import Result, changed
from mvc.model.compare import diff
from mvc.model.compare.diff import Snapshot, VersionDiff
from mvc.model.document import keys, rows
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.toml import pinned, rules
from mvc.model.toml.rules import Problem
from mvc.model.tree import TreeEntry
from mvc.repository import history, intended, merge_state, refnames
from mvc.repository.model import Model
from mvc.repository.upstream import Upstream, upstream
from mvc.repository.worktree import recorded, snapshot, untracked
from mvc.storage.records import journal
from mvc.storage.records.merges import MergeState
from mvc.storage.records.reflog import BISECTS, HEADS

if TYPE_CHECKING:
    from mvc.model.merge import merge as merged
    from mvc.readiness import evaluation
    from mvc.repository.record import advanced, stale_metrics
    from mvc.storage.chunks import headers
    from mvc.storage.records.unfinished import bisections
else:
    advanced = lazy.Module("mvc.repository.record.advanced")
    merged = lazy.Module("mvc.model.merge.merge")
    evaluation = lazy.Module("mvc.readiness.evaluation")
    stale_metrics = lazy.Module("mvc.repository.record.stale_metrics")
    headers = lazy.Module("mvc.storage.chunks.headers")
    bisections = lazy.Module("mvc.storage.records.unfinished.bisections")

SEARCHED = 1_000
"""Versions of history searched for an older model.toml, at most."""


@dataclass(frozen=True, repr=False)
class Status(Result):
    """The state of the working tree. `base` is None before the first commit; `branch` is None if HEAD is detached.

    - `difference`: the changes that the next commit would record; `unread`: files compared by size only
    - `problems`: tracked files that cannot be committed; `warnings` and the errors in `broken`: breaches of rules
    - `untracked`: weight-like files without a role, `recorded` those that a version of any ref has
    - `skipped`: files of a pattern that look like credentials
    - `pending`: the verb of an interrupted change
    - `merging`: a merge in progress, with its open `conflicts`, and the fields of those that are `resolved`
    - `bisecting`: a bisect in progress
    - `matches`: another version with the present model.toml; `elsewhere`: files that are not checked out
    - `unready`: intended uses that the version is not ready for, judged without reading files
    - `notes`: changed weight files that are empty, truncated or malformed
    - `compressed`: new files that are compressed, or were not before, so that each version costs their whole size
    - `advanced`: the branch was moved without updating the files
    """

    KEYS = keys(
        "model folder branch",
        {"base": keys("id=base number")},
        {"names": rows("names", "kind=0 name=1")},
        "clean changes=difference",
        {"problems": rows("problems", "kind message hint")},
        "rules=broken untracked recorded skipped pending",
        {"bisect": keys(*(f"{key}=bisecting.{key}" for key in ("first_parent", "bad", "good", "skipped")))},
        {"matches": keys("number=matches.0 id=matches.1")},
        "upstream merging=merging.revision conflicts resolved not_ready=unready notes compressed not_checked_out=elsewhere advanced",
    )

    model: str
    folder: str
    branch: str | None
    base: VersionId | None
    number: int | None
    names: tuple[tuple[str, str], ...]
    current: Snapshot
    difference: VersionDiff
    problems: tuple[errors.MvcError, ...]
    broken: tuple[Problem, ...]
    untracked: tuple[str, ...]
    skipped: tuple[str, ...]
    pending: str | None
    matches: tuple[int, VersionId] | None
    merging: MergeState | None
    upstream: Upstream | None
    unready: tuple[evaluation.Readiness, ...] = ()
    notes: tuple[headers.Note, ...] = ()
    compressed: tuple[headers.Note, ...] = ()
    elsewhere: tuple[TreeEntry, ...] = ()
    advanced: advanced.Advanced | None = None
    conflicts: tuple[merged.Conflict, ...] = ()
    resolved: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()
    bisecting: bisections.Bisection | None = None

    @property
    def clean(self) -> bool:
        """True if there is nothing to commit, and no merge to conclude."""
        return self.difference.is_empty and not self.problems and self.base is not None and self.merging is None

    def summary(self) -> str:
        """Return the most important facts in one line."""
        at = f"v{self.number}" if self.base else "no version yet"
        state = "clean" if self.clean else changed(self.difference)
        return f"{self.model} on {self.branch or 'a detached HEAD'} at {at}: {state}"


def status(model: Model) -> Status:
    """Compare the working tree of `model` with its current version.

    A file is read only if its stat data changed. Raises NoModel, Damaged, and the errors of reading model.toml.
    """
    repository = model.repository
    head = model.head
    base_id = model.current
    base = history.snapshot(repository, base_id, model.key)
    tree = base.tree if base else None
    found = snapshot.take(
        repository, model.key, head.folder, tree, identify=snapshot.by_need(repository, tree), tolerant=True
    )
    difference = diff.compare(base, found.snapshot)
    stale = stale_metrics.problem(repository, base_id, base, found.snapshot) if difference.files else None
    notes, compressed = intended.examined(repository, head.folder, difference.files)
    tracked = {entry.path for entry in found.snapshot.tree.entries}
    others = untracked.weight_like(repository.root, head.folder, tracked)
    known = recorded.recorded(model, head.folder, others)
    repository.stats.save()
    pending = journal.pending(repository.door)
    merging = merge_state.in_progress(model)
    still, resolved = merge_state.conflicts(repository, merging, found.snapshot) if merging is not None else ([], [])
    return Status(
        model=model.key,
        folder=head.folder,
        branch=head.branch,
        base=base_id,
        number=repository.objects.version(base_id).number if base_id else None,
        names=tuple(refnames.decorations(model).names.get(base_id, ())) if base_id else (),
        current=found.snapshot,
        difference=difference,
        problems=found.problems,
        broken=(*_broken(base, found.snapshot), *found.warnings, *((stale,) if stale is not None else ())),
        untracked=others,
        skipped=found.skipped,
        pending=pending.verb if pending else None,
        matches=None if difference.is_empty else _matching(model, found.model_toml, base_id),
        merging=merging,
        upstream=upstream(model, head.branch) if head.branch is not None else None,
        unready=intended.unready(found.snapshot.manifest, lambda: found.snapshot.tree),
        notes=notes,
        compressed=compressed,
        elsewhere=found.elsewhere,
        advanced=None if difference.is_empty else advanced.find(model, head.branch, found),
        conflicts=tuple(still),
        resolved=tuple(resolved),
        recorded=known,
        bisecting=bisections.recorded(repository.door, model.key) if repository.door.exists(BISECTS) else None,
    )


def _broken(base: Snapshot | None, current: Snapshot) -> tuple[Problem, ...]:
    """Return the breaches of rules, and a docker digest that is still the one of another image."""
    old = base.manifest.docker if base is not None else {}
    return (*rules.check(current.manifest), *pinned.kept(old, current.manifest.docker))


def _matching(model: Model, model_toml: bytes, base: VersionId | None) -> tuple[int, VersionId] | None:
    """Return another version with the present model.toml, as after a `git switch`: the newest of them."""
    wanted = FileId(digest(model_toml))
    root = model.repository.root
    if not any((above / ".git").exists() for above in (root, *root.parents)):
        return None  # only Git changes model.toml without mvc
    if base is None or model.repository.objects.version(base).model_toml == wanted:
        return None
    objects = model.repository.objects
    tips = sorted(refnames.decorations(model).names, key=lambda id_: -objects.version(id_).number)
    for id_ in itertools.islice(history.reach(tips, lambda id_: objects.parents(objects.version(id_))), SEARCHED):
        version = objects.version(id_)
        if version.model_toml == wanted:
            return None if id_ == _before_reset(model) else (version.number, id_)
    return None


def _before_reset(model: Model) -> VersionId | None:
    """Return where the current branch was before it was reset; None if something else moved it last."""
    branch = model.head.branch
    entry = model.repository.refs.tip(model.ref(HEADS, branch)) if branch is not None else None
    return entry.old if entry is not None and entry.move.reason == "reset" else None
