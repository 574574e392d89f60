"""Files of a version that were never checked out, as in a partial clone; they do not count as deleted.

no file at the path ─┬─ on the list of sparse files                 not checked out
                     ├─ its bytes are promised or expired           not checked out
                     └─ else                                        deleted
"""

from __future__ import annotations

from collections.abc import Collection

from mvc.model.tree import Tree, TreeEntry
from mvc.repository.parts import Parts
from mvc.storage.records import sparse
from mvc.storage.records.promised import EXPIRED, PROMISED, State

ELSEWHERE = (State.PROMISED, State.EXPIRED)
"""States of files that are never in the working tree."""


def not_checked_out(repository: Parts, model: str, tree: Tree | None, present: Collection[str] = ()) -> list[TreeEntry]:
    """Return the entries of `tree` that are not checked out in `model`; `present` are the paths with a file.

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
    """Return the paths of `old` that are not checked out and have the same bytes in `new`; a checkout skips them."""
    left_out = {(entry.path, entry.file) for entry in not_checked_out(repository, model, old)}
    return frozenset(entry.path for entry in new.entries if (entry.path, entry.file) in left_out)


def without(tree: Tree, left_out: Collection[str]) -> Tree:
    """Return the entries of `tree` without those at these paths."""
    return Tree(tuple(entry for entry in tree.entries if entry.path not in left_out)) if left_out else tree
