"""Three-way merges of files by role: content, path and mode are each taken whole from the side that changed them.

Ours moved weights/best.onnx to best.onnx, theirs retrained it: the result is their content at our path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mvc.model.compare.diff import Snapshot
from mvc.model.ids import FileId
from mvc.model.merge.values import Conflict, Resolver
from mvc.model.roles import expanded
from mvc.model.tree import TreeEntry


class Tracked(NamedTuple):
    """A role in one version: its path or glob in `[files]`, and its file; None if there is none."""

    pattern: str | None
    entry: TreeEntry | None

    def to_json(self) -> Any:
        """Return the file as a tree stores it; for a glob, the pattern."""
        return self.entry.to_json() if self.entry is not None else self.pattern


Roles = Mapping[str, Tracked]
Sides = tuple[Roles, Roles, Roles]
"""Base, ours, theirs."""


def by_role(snapshot: Snapshot) -> dict[str, Tracked]:
    """Return the roles of a version."""
    patterns, entries = snapshot.manifest.files, expanded(snapshot.manifest, snapshot.tree).by_role
    return {role: Tracked(patterns.get(role), entries.get(role)) for role in {**patterns, **entries}}


def merge_files(sides: Sides, resolver: Resolver) -> dict[str, Tracked]:
    """Merge the roles; results that collide, such as two roles with other bytes at one path, are conflicts too."""
    base, ours, theirs = sides
    roles = sorted({*ours, *theirs})
    results = {role: _merge(base.get(role), ours.get(role), theirs.get(role)) for role in roles}
    conflicting = {role for role, (_, is_clean) in results.items() if not is_clean}
    merged = {role: tracked for role, (tracked, _) in results.items()}
    equal = {role for role in roles if ours.get(role) == theirs.get(role)}
    while colliding := _colliding(merged, ours, theirs, conflicting) - conflicting - equal:
        conflicting |= colliding
    for role in sorted(conflicting):
        conflict = Conflict(("files", role), _json(ours, role), _json(theirs, role), _json(base, role))
        side = theirs if resolver.takes_theirs(conflict) else ours
        merged[role] = side.get(role)
        if merged[role] is not None and not _is_named(merged, role):  # the other side removed the folder
            merged |= {parent: side[parent] for parent in _parents(role) if parent in side}
    return {role: tracked for role, tracked in merged.items() if tracked is not None}


def _colliding(merged: Mapping[str, Tracked | None], ours: Roles, theirs: Roles, conflicting: set[str]) -> set[str]:
    """Return the roles that collide if those in conflict are taken from either side."""
    options = ({**merged, **{role: side.get(role) for role in conflicting}} for side in (ours, theirs))
    return {role for option in options for role in _collisions(option)}


def _json(side: Roles, role: str) -> Any:
    tracked = side.get(role)
    return tracked.to_json() if tracked is not None else None


def _merge(base: Tracked | None, ours: Tracked | None, theirs: Tracked | None) -> tuple[Tracked | None, bool]:
    """Return the merged role, and whether it merged without conflict."""
    if theirs in (ours, base):
        return ours, True
    if ours == base:
        return theirs, True
    if base is None or ours is None or theirs is None or None in (base.entry, ours.entry, theirs.entry):
        return ours, False
    parts = [_parts(tracked) for tracked in (base, ours, theirs)]
    chosen = [_choose(*values) for values in zip(*parts, strict=True)]
    if None in chosen:
        return ours, False
    (pattern, path), (file, size), (executable,) = chosen
    assert ours.entry is not None  # noqa: S101 - checked above
    return Tracked(pattern, TreeEntry(path, ours.entry.role, size, FileId(file), executable)), True


def _parts(tracked: Tracked) -> tuple[tuple[Any, ...], ...]:
    """Return the parts that merge independently: path, content, mode."""
    entry = tracked.entry
    assert entry is not None  # noqa: S101 - the caller passes roles with a file only
    return (tracked.pattern, entry.path), (entry.file, entry.size), (entry.exec,)


def _choose(base: Any, ours: Any, theirs: Any) -> Any:
    if theirs in (ours, base):
        return ours
    return theirs if ours == base else None


def _collisions(roles: Mapping[str, Tracked | None]) -> Iterator[str]:
    """Yield the roles whose files cannot exist side by side, or that no pattern names any more."""
    by_path: dict[str, list[str]] = {}
    for role, tracked in roles.items():
        if tracked is None or tracked.entry is None:
            continue
        by_path.setdefault(tracked.entry.path, []).append(role)
        if tracked.pattern is None and not _is_named(roles, role):
            yield role
    for path, same_path in by_path.items():
        parents = [role for folder in _parents(path) for role in by_path.get(folder, ())]
        if parents or not _can_share(roles, path, same_path):
            yield from (*same_path, *parents)


def _can_share(roles: Mapping[str, Tracked | None], path: str, same_path: list[str]) -> bool:
    """Return whether these roles may share a file: it is the same one, and each names its path literally."""
    same = [tracked for role in same_path if (tracked := roles[role]) is not None]
    files = {entry._replace(role="") for tracked in same if (entry := tracked.entry) is not None}
    return len(same_path) == 1 or (len(files) == 1 and all(tracked.pattern == path for tracked in same))


def _is_named(roles: Mapping[str, Tracked | None], role: str) -> bool:
    """Return whether a glob names the file; the labelmap, which has no pattern, is named by `labelmap.path`."""
    if "/" not in role:
        return True
    globs = (roles.get(parent) for parent in _parents(role))
    return any(tracked is not None and tracked.pattern is not None for tracked in globs)


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
