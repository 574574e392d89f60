"""Files of a version that are not in the working tree, and were not deleted: a partial clone left them out.

no file at the path ─┬─ on the list of what was not checked out     left out
                     ├─ its bytes are promised, or were dropped     left out: nobody can have had it here
                     └─ else                                        deleted
"""

from __future__ import annotations

from collections.abc import Collection

from mvc.model.tree import Tree, TreeEntry
from mvc.repository.parts import Parts
from mvc.storage.records import sparse
from mvc.storage.records.promised import EXPIRED, PROMISED, State

ELSEWHERE = (State.PROMISED, State.EXPIRED)
"""The states of files that nobody can have checked out."""


def not_checked_out(repository: Parts, model: str, tree: Tree | None, present: Collection[str] = ()) -> list[TreeEntry]:
    """The entries of `tree` that were left out of the working tree of `model`; `present` are paths known to have a file.

    Raises Damaged.
    """
    if tree is None or not tree.entries:
        return []
    listed = sparse.paths(repository.door, model)
    if not listed and not repository.door.names(PROMISED) and not repository.door.names(EXPIRED):
        return []
    folder = repository.head(model).folder
    above = f"{folder}/" if folder else ""
    return [
        entry
        for entry in tree.entries
        if entry.path not in present
        and repository.tree.stat(above + entry.path) is None
        and (entry.path in listed or repository.promised.state(entry.file) in ELSEWHERE)
    ]


def unchanged(repository: Parts, model: str, old: Tree | None, new: Tree) -> frozenset[str]:
    """The paths that were left out of `old`, and have the same bytes in `new`: a move from the one to the other skips them."""
    left_out = {(entry.path, entry.file) for entry in not_checked_out(repository, model, old)}
    return frozenset(entry.path for entry in new.entries if (entry.path, entry.file) in left_out)


def without(tree: Tree, left_out: Collection[str]) -> Tree:
    """The entries of `tree` at other paths than these."""
    return Tree(tuple(entry for entry in tree.entries if entry.path not in left_out)) if left_out else tree
