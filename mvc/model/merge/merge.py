"""Three-way merges of versions: values key by key, classes by number, files whole; a value, and the conflicts in it.

base, ours, theirs ─┬─ sections of the manifest, by key (valuemerge)
                    ├─ labelmap, by class; whole when it was re-indexed under weights that the other side trained
                    └─ files, by role (filemerge)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mvc.model import labelmap
from mvc.model.compare.diff import Snapshot
from mvc.model.labelmap import Labelmap
from mvc.model.manifest import SECTIONS, Manifest
from mvc.model.merge import files as filemerge
from mvc.model.merge.files import Sides, Tracked
from mvc.model.merge.values import OURS, THEIRS, Conflict, Judge, merge_values, same
from mvc.model.tree import Tree

__all__ = ["LABELMAP", "OURS", "THEIRS", "Conflict", "Merged", "merge", "same", "value_at"]

LABELMAP = "labelmap"
"""The field that holds all classes, and the role of the file that they come from, if they do."""
_REINDEXED = "classes have other numbers, or numbers other names, on one side, and the other side changed files"
_TWICE = "a class would come twice"
Labels = tuple[str | None, Labelmap, Tracked | None]
"""The file that the labelmap comes from, the classes, and that file."""


@dataclass(frozen=True)
class Merged:
    """The merged version, with our side of each open conflict; `conflicts` are those that nobody decided.

    `fields` are all that were in conflict, decided or not.
    """

    snapshot: Snapshot
    conflicts: tuple[Conflict, ...]
    fields: tuple[str, ...]


def merge(base: Snapshot, ours: Snapshot, theirs: Snapshot, takes: Mapping[str, str] | None = None) -> Merged:
    """Both sides' changes since `base`; `takes` decides conflicts by field: OURS or THEIRS."""
    judge = Judge(takes or {})
    sides = (base, ours, theirs)
    sections = {name: _section(name, sides, judge) for name in SECTIONS if name != "files"}
    files = _files(base), _files(ours), _files(theirs)
    path, classes, labels_file = _merge_labels((_labels(base), _labels(ours), _labels(theirs)), files, judge)
    roles = filemerge.merge_files(files, judge)
    if labels_file is not None:
        roles[LABELMAP] = labels_file
    patterns = {role: each.pattern for role, each in roles.items() if each.pattern is not None}
    tree = Tree.of([each.entry for each in roles.values() if each.entry is not None])
    manifest = Manifest(**sections, files=patterns, labelmap=classes, labelmap_path=path)
    return Merged(Snapshot(manifest, Tree(tree.entries, ours.tree.ext)), judge.open(), tuple(sorted(judge.conflicts)))


def value_at(snapshot: Snapshot, conflict: Conflict) -> Any:
    """What `snapshot` has where `conflict` is, as the conflict shows it."""
    section, *below = conflict.key
    if section == "files":
        tracked = filemerge.by_role(snapshot).get(below[0])
        return tracked.to_json() if tracked is not None else None
    if section == LABELMAP:
        value: Any = {str(number): name for number, name in snapshot.manifest.labelmap} or None
    else:
        value = getattr(snapshot.manifest, section)
    for part in below:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _section(name: str, sides: tuple[Snapshot, Snapshot, Snapshot], judge: Judge) -> Any:
    base, ours, theirs = (dict(getattr(side.manifest, name)) for side in sides)
    return merge_values((name,), base, ours, theirs, judge)


def _files(side: Snapshot) -> dict[str, Tracked]:
    """All roles but that of the labelmap's file, which goes with the classes in it."""
    return {role: each for role, each in filemerge.by_role(side).items() if role != LABELMAP}


def _labels(side: Snapshot) -> Labels:
    return side.manifest.labelmap_path, side.manifest.labelmap, filemerge.by_role(side).get(LABELMAP)


def _merge_labels(labels: tuple[Labels, Labels, Labels], files: Sides, judge: Judge) -> Labels:
    base, ours, theirs = labels
    if _misleads(labels, files):
        return _whole(labels, judge, _REINDEXED)
    if theirs in (ours, base):
        return ours
    if ours == base:
        return theirs
    if any(path is not None or file is not None for path, _, file in labels):
        return _whole(labels, judge, "")  # one file cannot be taken from both
    return _by_class(labels, judge)


def _by_class(labels: tuple[Labels, Labels, Labels], judge: Judge) -> Labels:
    base, ours, theirs = ({str(number): name for number, name in classes} for _, classes, _ in labels)
    attempt = Judge(judge.takes)
    merged = merge_values((LABELMAP,), base, ours, theirs, attempt) or {}
    classes = tuple(sorted((int(number), name) for number, name in merged.items()))
    known = {*labelmap.duplicates(labels[1][1]), *labelmap.duplicates(labels[2][1])}
    if not attempt.conflicts and set(labelmap.duplicates(classes)) - known:
        return _whole(labels, judge, _TWICE)
    judge.conflicts |= attempt.conflicts
    return None, classes, None


def _whole(labels: tuple[Labels, Labels, Labels], judge: Judge, reason: str) -> Labels:
    base, ours, theirs = ({str(number): name for number, name in classes} or None for _, classes, _ in labels)
    return labels[2] if judge.theirs(Conflict((LABELMAP,), ours, theirs, base, reason)) else labels[1]


def _misleads(labels: tuple[Labels, Labels, Labels], files: Sides) -> bool:
    """Whether a side gave classes other numbers, or numbers other names, while the other side changed files."""
    base, ours, theirs = (classes for _, classes, _ in labels)
    before, mine, others = files
    if ours == theirs:
        return False
    return (_reindexed(base, ours) and _changed(before, others)) or (
        _reindexed(base, theirs) and _changed(before, mine)
    )


def _reindexed(old: Labelmap, new: Labelmap) -> bool:
    gone = dict(set(old) - set(new))
    return any(number in gone or name in gone.values() for number, name in set(new) - set(old))


def _changed(old: Mapping[str, Tracked], new: Mapping[str, Tracked]) -> bool:
    """Whether any file has other bytes, came or went: which of them are weights, nothing says for sure."""
    return {role: _bytes(each) for role, each in old.items()} != {role: _bytes(each) for role, each in new.items()}


def _bytes(tracked: Tracked) -> Any:
    return tracked.entry.file if tracked.entry is not None else None
