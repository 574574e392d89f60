"""Diffs narrowed to some files, and searched for a text.

diff -- weights             the files below weights, or with that role
diff -- model.toml          labelmap and values
log -S car                  changes that add or remove a value, class, role or path with `car`
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from typing import Any

from mvc.model.compare.diff import VersionDiff
from mvc.model.compare.files import FileChange
from mvc.model.tree import TreeEntry

MODEL_FILE = "model.toml"
_ALL = (".", "", MODEL_FILE)


def narrow(diff: VersionDiff, names: Sequence[str]) -> VersionDiff:
    """Return the changes of the files that `names` selects: paths, folders, patterns or roles; no names mean all.

    `model.toml` selects labelmap and values, `.` everything.
    """
    if not names:
        return diff
    files = tuple(change for change in diff.files if any(_selects(name, change) for name in names))
    if any(name in _ALL for name in names):
        return VersionDiff(diff.labelmap, diff.values, files)
    return VersionDiff(files=files)


def former_names(diff: VersionDiff, names: Sequence[str]) -> tuple[str, ...]:
    """Return `names`, and the old path of each selected file that was renamed."""
    renamed = [change.old.path for change in narrow(diff, names).files if change.old is not None]
    return tuple(dict.fromkeys([*names, *renamed]))


def mentions(diff: VersionDiff, text: str) -> bool:
    """Return whether a change adds or removes `text` in a class, a key with its value, a role or a path."""
    return any(old.count(text) != new.count(text) for old, new in _texts(diff))


def _selects(name: str, change: FileChange) -> bool:
    return any(side is not None and _is_named(name.rstrip("/"), side) for side in (change.old, change.new))


def _is_named(name: str, entry: TreeEntry) -> bool:
    if name in (".", ""):
        return True
    if any(sign in name for sign in "*?["):
        return fnmatch.fnmatchcase(entry.path, name)
    return any(text == name or text.startswith(f"{name}/") for text in (entry.path, entry.role))


def _texts(diff: VersionDiff) -> Iterator[tuple[str, str]]:
    """Yield the old and the new text of each change; empty for a side that does not exist."""
    labels = diff.labelmap
    yield from (("", name) for _, name in labels.added)
    yield from ((name, "") for _, name in labels.removed)
    yield from ((renamed.old, renamed.new) for renamed in labels.renamed)
    for changes in diff.values.values():
        yield from ((_shown(change.key, change.old), _shown(change.key, change.new)) for change in changes)
    yield from ((_place(change.old), _place(change.new)) for change in diff.files)


def _shown(key: str, value: Any) -> str:
    return "" if value is None else f"{key} = {value}"


def _place(entry: TreeEntry | None) -> str:
    return "" if entry is None else f"{entry.role} {entry.path}"


def changed_names(diff: VersionDiff) -> Iterator[tuple[str, ...]]:
    """Yield the kind and the path of each changed file, old and new path of a renamed one; model.toml comes first."""
    if diff.values or not diff.labelmap.is_empty:
        is_new = any(change.key == "name" and change.old is None for change in diff.section("about"))
        yield "A" if is_new else "M", MODEL_FILE
    for change in diff.files:
        paths = [side.path for side in (change.old, change.new) if side is not None]
        yield (change.kind, *dict.fromkeys(paths))
