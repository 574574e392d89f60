"""Replay: the changes of versions made again on another version, each by a three-way merge. Nothing is written.

base  the version's parent    ─┐
ours  where it is to follow   ─┼─ merge ─┬─ clean: the version with the merged values and files
theirs  the version           ─┘         ├─ as ours already: dropped
                                         └─ conflicts, or broken rules: refused
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.compare.diff import Snapshot
from mvc.model.ids import VersionId
from mvc.model.merge.merge import Merged, merge
from mvc.model.toml import rules
from mvc.model.version import Version
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.repository.worktree import model_file
from mvc.repository.worktree.partial import ELSEWHERE

if TYPE_CHECKING:
    from mvc.model.merge import text as merged_text
else:
    merged_text = lazy.Module("mvc.model.merge.text")


@dataclass(frozen=True, slots=True)
class Target:
    """The version that a branch is rebased onto; messages call it `called`."""

    branch: str
    onto: VersionId
    called: str


class Replayed(NamedTuple):
    """A version, and the values, files and model.toml that it has on the new parent."""

    old: VersionId
    version: Version
    snapshot: Snapshot
    model_toml: bytes


@dataclass(frozen=True, slots=True)
class Replay:
    """The versions to record, oldest first, and those that change nothing any more."""

    versions: tuple[Replayed, ...]
    dropped: tuple[VersionId, ...]

    @property
    def old(self) -> set[VersionId]:
        """The versions that the branch no longer has."""
        return {*self.dropped, *(replayed.old for replayed in self.versions)}


def own_versions(model: Model, tip: VersionId, target: Target) -> list[history.Entry]:
    """Return the versions that `tip` has and the target lacks, oldest first: a line, whose first parent the target has.

    Raises Unrelated, and CannotRebase when one of them is a merge or is known to a remote, or when a parent is absent.
    """
    repository = model.repository
    found = list(history.walk(repository.objects, [tip], exclude=[target.onto]))[::-1]
    for id_, version in found:
        if len(version.parents) > 1:
            raise _refused(target, f"{id_[:10]} is a merge")
        if not version.parents:
            raise errors.Unrelated(ours=target.branch, theirs=target.called)
        if not repository.objects.parents(version):
            raise _refused(target, f"the parent of {id_[:10]} was never published")
    _check_unknown(model, found, target)
    return found


def replay(model: Model, own: Sequence[history.Entry], target: Target) -> Replay:
    """Replay the versions `own` on the target. Raises RebaseConflicts, CannotRebase, Missing, Damaged."""
    repository = model.repository
    ours = history.snapshot(model.repository, target.onto, model.key)
    text = _text(model, repository.objects.version(target.onto))
    versions, dropped = [], []
    for id_, version in own:
        base, theirs = (
            history.snapshot(model.repository, version.parents[0], model.key),
            history.snapshot(model.repository, id_, model.key),
        )
        merged = merge(base, ours, theirs)
        _check(repository, merged, id_, target)
        if merged.snapshot == ours and theirs != base:
            dropped.append(id_)
            continue
        text = _combined(model, version, (base, theirs), (text, ours), merged)
        ours = merged.snapshot
        versions.append(Replayed(id_, version, ours, text))
    return Replay(tuple(versions), tuple(dropped))


def _check(repository: Repository, merged: Merged, id_: VersionId, target: Target) -> None:
    """Raise RebaseConflicts for conflicts, CannotRebase for values that break a rule."""
    label = history.label(repository, id_)
    if merged.conflicts:
        listed = "\n".join(
            f"  {conflict.field}{f' ({conflict.reason})' if conflict.reason else ''}" for conflict in merged.conflicts
        )
        raise errors.RebaseConflicts(
            branch=target.branch, onto=target.called, version=label, count=len(merged.conflicts), listed=listed
        )
    for problem in rules.check(merged.snapshot.manifest):
        if problem.severity == rules.ERROR:
            raise _refused(target, f"on it, {label} would break a rule: {problem.key}: {problem.message}")


def _combined(
    model: Model, version: Version, sides: tuple[Snapshot, Snapshot], ours: tuple[bytes, Snapshot], merged: Merged
) -> bytes:
    """Return the model.toml of a replayed version, with the comments of both sides."""
    base, theirs = sides
    parent = model.repository.objects.version(version.parents[0])
    before = _text(model, parent) if model.repository.promised.state(parent.model_toml) not in ELSEWHERE else None
    here = ours[0].decode(), ours[1].manifest
    new = merged.snapshot.manifest
    if before is None:
        return merged_text.rewrite(*here, new).encode()
    there = _text(model, version).decode(), theirs.manifest
    return merged_text.combine((before.decode(), base.manifest), here, there, new).encode()


def _text(model: Model, version: Version) -> bytes:
    return model_file.of_version(model.repository, version, model.key)


def _check_unknown(model: Model, own: Sequence[history.Entry], target: Target) -> None:
    """Raise CannotRebase when a remote-tracking ref reaches one of these versions: somebody may have built on it."""
    for text, tip in _tracked(model):
        known = history.ancestors(model.repository.objects, [tip])
        held = next((id_ for id_, _ in own if id_ in known), None)
        if held is not None:
            raise _refused(target, f"{text} has {held[:10]}")


def _tracked(model: Model) -> Iterator[tuple[str, VersionId]]:
    for ref, tip in model.targets().items():
        if ref.kind.startswith("remotes/") and tip is not None:
            yield ref.text, tip


def _refused(target: Target, reason: str) -> errors.CannotRebase:
    return errors.CannotRebase(branch=target.branch, onto=target.called, reason=reason)
