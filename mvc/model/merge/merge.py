"""Three-way merges of versions: the merged version as a value, and its conflicts.

base, ours, theirs ─┬─ sections of the manifest, by key (merge/values)
                    ├─ sections that come from a file, with that file (merge/value_files)
                    ├─ labelmap, by class; whole if one side re-indexed it and the other changed files
                    └─ files, by role (merge/files)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mvc.deferred import dataclass
from mvc.model import labelmap
from mvc.model.compare.diff import Snapshot
from mvc.model.labelmap import Labelmap
from mvc.model.manifest import SECTIONS, Manifest
from mvc.model.merge import value_files
from mvc.model.merge.files import Sides, Tracked, by_role, merge_files
from mvc.model.merge.values import OURS, THEIRS, Conflict, Resolver, merge_values, same
from mvc.model.roles import LABELMAP
from mvc.model.toml import value_file
from mvc.model.toml.value_file import ValueFile
from mvc.model.tree import Tree, TreeEntry

__all__ = ["LABELMAP", "OURS", "THEIRS", "Conflict", "Merged", "merge", "same", "value_at"]

_REINDEXED = "one side changed class numbers or names, and the other side changed files"
_DUPLICATE = "a class would occur twice"
Labels = tuple[str | None, Labelmap, Tracked | None, ValueFile | None]
"""The path of the classes' file, the classes, the file, and its entry in `[from]`."""


@dataclass(frozen=True)
class Merged:
    """The merged version, with our side of each unresolved conflict in `conflicts`.

    `fields` are those of all conflicts, resolved or not.
    """

    snapshot: Snapshot
    conflicts: tuple[Conflict, ...]
    fields: tuple[str, ...]


def merge(base: Snapshot, ours: Snapshot, theirs: Snapshot, takes: Mapping[str, str] | None = None) -> Merged:
    """Merge both sides' changes since `base`; `takes` resolves conflicts by field: OURS or THEIRS."""
    resolver = Resolver(takes or {})
    sides = (base, ours, theirs)
    values = value_files.merge_sections(sides, resolver)
    apart = ("files", "ext", *values.sections)
    sections = {name: _section(name, sides, resolver) for name in SECTIONS if name not in apart}
    read_from = value_files.roles(sides)
    files = _files(base, read_from), _files(ours, read_from), _files(theirs, read_from)
    labels = _labels(base), _labels(ours), _labels(theirs)
    path, classes, labels_file, labels_from = _merge_labels(labels, files, resolver)
    roles = {**merge_files(files, resolver), **values.roles}
    if labels_file is not None:
        roles = {role: _with_file(tracked, labels_file) for role, tracked in roles.items()} | {LABELMAP: labels_file}
    patterns = {role: tracked.pattern for role, tracked in roles.items() if tracked.pattern is not None}
    tree = Tree.of(list(_entries(roles)))
    named = {value_file.LABELMAP: labels_from, **values.files} if labels_from is not None else values.files
    sections["ext"] = value_file.to_ext(_merge_ext(sides, resolver), named, values.own)
    sections |= values.resolved(tree, sides)
    manifest = Manifest(**sections, files=patterns, labelmap=classes, labelmap_path=path)
    snapshot = Snapshot(manifest, Tree(tree.entries, ours.tree.ext))
    return Merged(snapshot, resolver.unresolved(), tuple(sorted(resolver.conflicts)))


def _with_file(tracked: Tracked, labels_file: Tracked) -> Tracked:
    """Return a role of the labelmap's file with that file, which is merged with the classes."""
    entry, labels = tracked.entry, labels_file.entry
    if entry is None or labels is None or entry.path != labels.path:
        return tracked
    return Tracked(tracked.pattern, labels._replace(role=entry.role))


def _entries(roles: Mapping[str, Tracked]) -> Iterator[TreeEntry]:
    """Yield an entry for each file: under the first of its roles."""
    paths: set[str] = set()
    for role in sorted(roles):
        entry = roles[role].entry
        if entry is not None and entry.path not in paths:
            paths.add(entry.path)
            yield entry


def value_at(snapshot: Snapshot, conflict: Conflict) -> Any:
    """Return the value of `snapshot` at the field of a conflict, in the conflict's form."""
    section, *rest = conflict.key
    if section == "files":
        tracked = by_role(snapshot).get(rest[0])
        return tracked.to_json() if tracked is not None else None
    if section == LABELMAP:
        value: Any = {str(number): name for number, name in snapshot.manifest.labelmap} or None
    else:
        value = getattr(snapshot.manifest, section)
    for part in rest:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _section(name: str, sides: tuple[Snapshot, Snapshot, Snapshot], resolver: Resolver) -> Any:
    base, ours, theirs = (dict(getattr(side.manifest, name)) for side in sides)
    return merge_values((name,), base, ours, theirs, resolver)


def _merge_ext(sides: tuple[Snapshot, Snapshot, Snapshot], resolver: Resolver) -> Any:
    """Merge `ext` without the value files, which are merged with their values."""
    base, ours, theirs = (value_file.to_ext(side.manifest.ext, {}, {}) for side in sides)
    return merge_values(("ext",), base, ours, theirs, resolver) or {}


def _files(side: Snapshot, read_from: Collection[str]) -> dict[str, Tracked]:
    """Return all roles but the labelmap's and those of value files, which are merged with their values."""
    return {role: tracked for role, tracked in by_role(side).items() if role not in (LABELMAP, *read_from)}


def _labels(side: Snapshot) -> Labels:
    labels_from = side.manifest.value_files.get(value_file.LABELMAP)
    return side.manifest.labelmap_path, side.manifest.labelmap, by_role(side).get(LABELMAP), labels_from


def _merge_labels(labels: tuple[Labels, Labels, Labels], files: Sides, resolver: Resolver) -> Labels:
    base, ours, theirs = labels
    if _is_reindexed_under_files(labels, files):
        return _merge_whole(labels, resolver, _REINDEXED)
    if theirs in (ours, base):
        return ours
    if ours == base:
        return theirs
    if any(path is not None or file is not None for path, _, file, _ in labels):
        return _merge_whole(labels, resolver, "")  # a labelmap file is taken from one side
    return _merge_classes(labels, resolver)


def _merge_classes(labels: tuple[Labels, Labels, Labels], resolver: Resolver) -> Labels:
    base, ours, theirs = ({str(number): name for number, name in classes} for _, classes, _, _ in labels)
    attempt = Resolver(resolver.takes)
    merged = merge_values((LABELMAP,), base, ours, theirs, attempt) or {}
    classes = tuple(sorted((int(number), name) for number, name in merged.items()))
    existing = {*labelmap.duplicates(labels[1][1]), *labelmap.duplicates(labels[2][1])}
    if not attempt.conflicts and set(labelmap.duplicates(classes)) - existing:
        return _merge_whole(labels, resolver, _DUPLICATE)
    resolver.conflicts |= attempt.conflicts
    return None, classes, None, None


def _merge_whole(labels: tuple[Labels, Labels, Labels], resolver: Resolver, reason: str) -> Labels:
    base, ours, theirs = ({str(number): name for number, name in classes} or None for _, classes, _, _ in labels)
    return labels[2] if resolver.takes_theirs(Conflict((LABELMAP,), ours, theirs, base, reason)) else labels[1]


def _is_reindexed_under_files(labels: tuple[Labels, Labels, Labels], files: Sides) -> bool:
    """Return whether one side changed class numbers or names, and the other side changed files."""
    base, ours, theirs = (classes for _, classes, _, _ in labels)
    base_files, our_files, their_files = files
    if ours == theirs:
        return False
    return (_is_reindexed(base, ours) and _are_changed(base_files, their_files)) or (
        _is_reindexed(base, theirs) and _are_changed(base_files, our_files)
    )


def _is_reindexed(old: Labelmap, new: Labelmap) -> bool:
    removed = dict(set(old) - set(new))
    return any(number in removed or name in removed.values() for number, name in set(new) - set(old))


def _are_changed(old: Mapping[str, Tracked], new: Mapping[str, Tracked]) -> bool:
    """Return whether any file was changed, added or deleted: which files are weights cannot be known."""
    return {role: _content(t) for role, t in old.items()} != {role: _content(t) for role, t in new.items()}


def _content(tracked: Tracked) -> Any:
    return tracked.entry.file if tracked.entry is not None else None
