"""Weight-like files that are not tracked, so that `status` can point them out.

The search stays out of what a walk stays out of, of folders that begin with a dot (caches, mostly) and of those of installed
packages. It gives up after a fixed number of files, since it is a courtesy that must never make `status` slow.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.repository.worktree.walk import Walk

MAX_SEEN = 50_000
"""Files looked at before the search is given up."""
MAX_FOUND = 100
"""Files pointed out at most."""
_PACKAGES = frozenset({"node_modules", "venv", "env", "site-packages", "__pycache__"})


def weight_like(root: Path, folder: str, tracked: AbstractSet[str]) -> tuple[str, ...]:
    """The paths of such files of the model in `folder`, other than `tracked`, sorted; all relative to that folder."""
    found: list[str] = []
    seen = 0
    for prefix, entries, ignore in Walk(root, folder, avoid=_PACKAGES, dot_folders=False).folders(""):
        likely = {prefix + entry.name: entry for entry in entries if entry.name.lower().endswith(WEIGHT_SUFFIXES)}
        for path in sorted(likely.keys() - tracked):
            entry = likely[path]
            if entry.name[0] != "." and entry.is_file(follow_symlinks=False) and not ignore.hides(path):
                found.append(path)
        seen += len(entries)
        if seen > MAX_SEEN or len(found) >= MAX_FOUND:
            break
    return tuple(sorted(found)[:MAX_FOUND])
