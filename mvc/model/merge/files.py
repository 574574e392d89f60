"""Three-way merges of files: each whole, by its role; from the side that changed it, its path and its mode likewise.

Ours moved weights/best.onnx to best.onnx, theirs trained it anew: the result is their bytes at our path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mvc.model.compare.diff import Snapshot
from mvc.model.ids import FileId
from mvc.model.merge.values import Conflict, Judge
from mvc.model.tree import TreeEntry


class Tracked(NamedTuple):
    """All that a version says of one role: its path or glob in `[files]`, and its file; None for what there is not."""

    pattern: str | None
    entry: TreeEntry | None

    def to_json(self) -> Any:
        """The file as a tree holds it; of a glob, the pattern."""
        return self.entry.to_json() if self.entry is not None else self.pattern


Roles = Mapping[str, Tracked]
Sides = tuple[Roles, Roles, Roles]
"""Base, ours, theirs."""


def by_role(snapshot: Snapshot) -> dict[str, Tracked]:
    """What a version says of each of its roles."""
    patterns, entries = snapshot.manifest.files, snapshot.tree.by_role
    return {role: Tracked(patterns.get(role), entries.get(role)) for role in {**patterns, **entries}}


def merge_files(sides: Sides, judge: Judge) -> dict[str, Tracked]:
    """The merged roles. What cannot lie side by side, as two roles at one path, is a conflict as well."""
    base, ours, theirs = sides
    roles = sorted({*ours, *theirs})
    clean = {role: _merge(base.get(role), ours.get(role), theirs.get(role)) for role in roles}
    disputed = {role for role, (_, agreed) in clean.items() if not agreed}
    plain = {role: each for role, (each, _) in clean.items()}
    settled = {role for role in roles if ours.get(role) == theirs.get(role)}
    while more := _disputable(plain, ours, theirs, disputed) - disputed - settled:
        disputed |= more
    for role in sorted(disputed):
        conflict = Conflict(("files", role), _shown(ours, role), _shown(theirs, role), _shown(base, role))
        taken = theirs if judge.theirs(conflict) else ours
        plain[role] = taken.get(role)
    return {role: each for role, each in plain.items() if each is not None}


def _disputable(plain: Mapping[str, Tracked | None], ours: Roles, theirs: Roles, disputed: set[str]) -> set[str]:
    """The roles that clash when those in dispute are taken from either side."""
    return {
        role for side in (ours, theirs) for role in _clashes({**plain, **{each: side.get(each) for each in disputed}})
    }


def _shown(side: Roles, role: str) -> Any:
    tracked = side.get(role)
    return tracked.to_json() if tracked is not None else None


def _merge(base: Tracked | None, ours: Tracked | None, theirs: Tracked | None) -> tuple[Tracked | None, bool]:
    """The merged role, and whether there is one without a decision."""
    if theirs in (ours, base):
        return ours, True
    if ours == base:
        return theirs, True
    if base is None or ours is None or theirs is None or None in (base.entry, ours.entry, theirs.entry):
        return ours, False
    parts = [_parts(each) for each in (base, ours, theirs)]
    chosen = [_choose(*values) for values in zip(*parts, strict=True)]
    if None in chosen:
        return ours, False
    (pattern, path), (file, size), (executable,) = chosen
    assert ours.entry is not None  # noqa: S101 - looked at above
    return Tracked(pattern, TreeEntry(path, ours.entry.role, size, FileId(file), executable)), True


def _parts(tracked: Tracked) -> tuple[tuple[Any, ...], ...]:
    """What can change by itself: where the file lies, its bytes, its mode."""
    entry = tracked.entry
    assert entry is not None  # noqa: S101 - of roles with a file alone
    return (tracked.pattern, entry.path), (entry.file, entry.size), (entry.exec,)


def _choose(base: Any, ours: Any, theirs: Any) -> Any:
    if theirs in (ours, base):
        return ours
    return theirs if ours == base else None


def _clashes(roles: Mapping[str, Tracked | None]) -> Iterator[str]:
    """The roles whose files cannot lie side by side, or that no pattern names any more."""
    at: dict[str, list[str]] = {}
    for role, tracked in roles.items():
        if tracked is None or tracked.entry is None:
            continue
        at.setdefault(tracked.entry.path, []).append(role)
        if tracked.pattern is None and not _is_named(roles, role):
            yield role
    for path, here in at.items():
        above = [role for folder in _above(path) for role in at.get(folder, ())]
        if above or len(here) > 1:
            yield from (*here, *above)


def _is_named(roles: Mapping[str, Tracked | None], role: str) -> bool:
    """Whether a glob names the file; the labelmap, which has no pattern, is named elsewhere."""
    if "/" not in role:
        return True
    return any((found := roles.get(above)) is not None and found.pattern is not None for above in _above(role))


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
