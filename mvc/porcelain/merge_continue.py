"""`mvc merge --continue` and `--abort`: complete or abort a merge with conflicts, or a revert or cherry-pick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.images.registries import Registries
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Code, Timestamp
from mvc.porcelain.commit import Committed, Options, commit
from mvc.porcelain.merge import UNDECIDED, Choice, current_toml, files
from mvc.porcelain.status import status
from mvc.repository import merge_state
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.repository.worktree import checkout, model_file, partial
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.storage.records.merges import MergeState
from mvc.transport import promises

if TYPE_CHECKING:
    from mvc.model.merge import text as merged_text
else:
    merged_text = lazy.Module("mvc.model.merge.text")


@writes
def proceed(
    model: Model,
    actor: Actor,
    *,
    message: str | None = None,
    choice: Choice = UNDECIDED,
    date: Timestamp | None = None,
    registries: Registries | None = None,
    progress: Progress | None = None,
    code: Callable[[Sequence[str]], Code | None] | None = None,
) -> Committed:
    """Commit the merge in progress with the files as they are now.

    A conflict is resolved by `choice`, or by an edit of its field or file; `date` is the time of the version. Raises NoMerge, NotInConflict, Undecided,
    and as `commit` does.
    """
    state, moved = _take(model.repository, _under_way(model), choice, progress)
    still, resolved = merge_state.conflicts(model.repository, state, status(model).current)
    if still:
        fields = ", ".join(conflict.field for conflict in still)
        known = ", ".join(
            f"{name}={state.takes[name]}" if name in state.takes else f"{name} (edited)" for name in resolved
        )
        raise errors.Undecided(command=f"mvc {state.verb}", count=len(still), fields=fields, resolved=known or "none")
    options = Options(allow_empty=True, concludes=state, registries=registries, date=date)
    done = commit(model, message or state.message, actor, options=options, progress=progress, code=code)
    return replace(done, moved=moved)


@writes
def abort(model: Model, *, discard: bool = False, progress: Progress | None = None) -> Moved:
    """Restore all files to their state before the merge; raise NoMerge, Damaged."""
    repository = model.repository
    with repository.writing():
        state = _under_way(model)
        text, file = current_toml(model)
        base = files(merge_state.result(repository, state), text, file)
        wanted = checkout.files_of(model, state.ours)
        return checkout.move(
            model,
            "merge",
            base=_here(repository, base),
            wanted=_here(repository, wanted),
            force=True,
            merged=True,
            discard=discard,
            progress=progress,
        )


def _under_way(model: Model) -> MergeState:
    state = merge_state.in_progress(model)
    if state is None:
        raise errors.NoMerge(model=model.key)
    return state


def _here(repository: Repository, tree: Tree) -> Tree:
    """Return the files of `tree` whose content is here: no others can have been checked out."""
    state = repository.promised.state
    return Tree(tuple(e for e in tree.entries if e.path == model_file.NAME or state(e.file) not in partial.ELSEWHERE))


def _take(
    repository: Repository, state: MergeState, choice: Choice, progress: Progress | None
) -> tuple[MergeState, Moved]:
    """Set the fields and files to the chosen side, and return the files that moved; other edits stay."""
    old = merge_state.result(repository, state)
    new_state = replace(state, takes={**state.takes, **choice.of(old)})
    if new_state == state:
        return state, Moved()
    new = merge_state.result(repository, new_state)
    known = set(old.snapshot.tree.entries)
    promises.ensure_present(repository, [entry for entry in new.snapshot.tree.entries if entry not in known], progress)
    with repository.writing():
        before, file = current_toml(Model(repository, state.model))
        text = merged_text.rewrite(before.decode(), old.snapshot.manifest, new.snapshot.manifest).encode()
        base, wanted = files(old, before, file), files(new, text, checkout.store_small(repository, text))
        same = {entry for entry in base.entries if entry in set(wanted.entries)}
        moved = checkout.move(
            Model(repository, state.model),
            "merge",
            base=_but(base, same),
            wanted=_but(wanted, same),
            force=True,
            merge=new_state,
            progress=progress,
        )
    return new_state, moved


def _but(tree: Tree, left_out: set[TreeEntry]) -> Tree:
    return Tree(tuple(entry for entry in tree.entries if entry not in left_out))
