"""Untracked weight files, which `status` lists.

The search skips the same folders as a walk, folders that begin with a dot (mostly caches) and those of installed
packages. It ends after a fixed number of files, so that `status` stays fast.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.model.paths import natural_order
from mvc.repository.worktree.walk import Walk

MAX_SEEN = 50_000
"""The most files that are examined."""
MAX_FOUND = 100
"""The most files that are listed."""
_PACKAGES = frozenset({"node_modules", "venv", "env", "site-packages", "__pycache__"})


def weight_like(root: Path, folder: str, tracked: AbstractSet[str]) -> tuple[str, ...]:
    """Return the paths of weight files of the model in `folder`, other than `tracked`, relative to it, in natural order."""
    found: list[str] = []
    seen = 0
    for prefix, entries, ignore in Walk(root, folder, avoid=_PACKAGES, dot_folders=False).folders(""):
        likely = {prefix + entry.name: entry for entry in entries if entry.name.lower().endswith(WEIGHT_SUFFIXES)}
        for path in sorted(likely.keys() - tracked, key=natural_order):
            entry = likely[path]
            if entry.name[0] != "." and entry.is_file(follow_symlinks=False) and not ignore.hides(path):
                found.append(path)
        seen += len(entries)
        if seen > MAX_SEEN or len(found) >= MAX_FOUND:
            break
    return tuple(sorted(found, key=natural_order)[:MAX_FOUND])
