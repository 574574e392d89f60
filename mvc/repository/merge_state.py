"""The merge in progress of a model: its record, and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.model.compare.diff import Snapshot
from mvc.repository import history
from mvc.repository.model import Model
from mvc.storage.records import merges
from mvc.storage.records.merges import MergeState

if TYPE_CHECKING:
    from mvc.model.merge.merge import Conflict, Merged
    from mvc.repository.repository import Repository

if TYPE_CHECKING:
    from mvc.model.merge import merge
else:
    merge = lazy.Module("mvc.model.merge.merge")


def in_progress(model: Model) -> MergeState | None:
    """Return the merge in progress of `model`, None for none. Raises Damaged."""
    state = merges.recorded(model.repository.door, model.key)
    return state if state is not None and model.current == state.ours else None


def refuse(model: Model) -> None:
    """Raise MergeUnderway if a merge of `model` is in progress."""
    state = in_progress(model)
    if state is not None:
        theirs = history.label(model.repository, state.revision)
        raise errors.MergeUnderway(
            verb=state.verb,
            command=f"mvc {state.verb}",
            theirs=theirs,
            branch=model.head.branch,
            model=model.key,
        )


def conflicts(repository: Repository, state: MergeState, current: Snapshot) -> tuple[list[Conflict], list[str]]:
    """Return the open conflicts of a merge, and the fields of those that `--take` or an edit in `current` resolved."""
    merged = result(repository, state)
    still = [each for each in merged.conflicts if merge.same(merge.value_at(current, each), each.ours)]
    names = {each.field for each in still}
    return still, [name for name in merged.fields if name not in names]


def result(repository: Repository, state: MergeState) -> Merged:
    """Return the merge of both versions. Raises Missing, Damaged."""
    base, ours, theirs = (
        history.snapshot(repository, id_, state.model) for id_ in (state.base, state.ours, state.theirs)
    )
    return merge.merge(base, ours, theirs, state.takes)
