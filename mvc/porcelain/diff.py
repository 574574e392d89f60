"""`mvc diff`: what changed, between two versions or between one and the working tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc.model.diff import VersionDiff, compare
from mvc.model.ids import VersionId
from mvc.repository import sharing, snapshot, stored
from mvc.repository.repository import Repository


@dataclass(frozen=True)
class Diff:
    """A difference and its two sides; `new` is None for the working tree, `old` None for nothing at all."""

    model: str
    old: VersionId | None
    new: VersionId | None
    old_number: int | None
    new_number: int | None
    difference: VersionDiff

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "model": self.model,
            "old": {"id": self.old, "number": self.old_number} if self.old else None,
            "new": {"id": self.new, "number": self.new_number} if self.new else "worktree",
            "differs": not self.difference.is_empty,
            "breaking": self.difference.breaking,
            "changes": self.difference.to_json(),
        }


def diff(repository: Repository, model: str, old: VersionId | None, new: VersionId | None = None) -> Diff:
    """What `new`, or the working tree, changed against `old`; raises what is wrong with the working tree, Damaged."""
    brought = None
    if new is not None:
        right = stored.snapshot_of(repository, new)
        left = stored.snapshot_of(repository, old)
        brought = sharing.brought(repository, left.tree if left else None, right.tree) if right else None
    else:
        left = stored.snapshot_of(repository, old, model)
        found = snapshot.take(
            repository,
            model,
            repository.head(model).folder,
            identify=snapshot.by_need(repository, left.tree if left else None),
        )
        repository.stats.save()
        right = found.snapshot
    assert right is not None  # noqa: S101 - a version or the working tree
    numbers = [repository.objects.version(id_).number if id_ else None for id_ in (old, new)]
    return Diff(model, old, new, numbers[0], numbers[1], compare(left, right, new_bytes=brought))
