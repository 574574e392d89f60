"""Renamed files by the folders that they moved between, and such a move as one text.

runs/exp2/weights/best.pt → runs/exp3/weights/best.pt      runs/{exp2 => exp3}/weights/best.pt
runs/exp2/args.yaml       → runs/exp3/args.yaml            both: from runs/exp2/ to runs/exp3/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mvc.model.compare.diff import Change
from mvc.model.compare.files import FileChange
from mvc.model.toml import value_file
from mvc.model.toml.schema import dotted
from mvc.model.tree import TreeEntry

_FROM = f"{value_file.KEY}."
MANY = 6
"""Files that moved together, from which on they are one line."""


class Moved(NamedTuple):
    """The files that moved from one folder to another; the folders end with `/`, or are "" for the top."""

    old: str
    new: str
    files: tuple[FileChange, ...]

    @property
    def is_folded(self) -> bool:
        """True if the files are many enough for one line."""
        return len(self.files) >= MANY

    @property
    def changed(self) -> int:
        """The number of files whose content changed as well."""
        return sum(file.bytes_changed for file in self.files)


def folders(changes: Iterable[FileChange]) -> list[Moved]:
    """Return the moves of the renamed files that keep their path below a folder, in the order of the files."""
    grouped: dict[tuple[str, str], list[FileChange]] = {}
    for change in changes:
        if change.old is not None and change.new is not None and change.old.path != change.new.path:
            parted = _parted(change.old.path, change.new.path)
            if parted is not None:
                grouped.setdefault(parted, []).append(change)
    return [Moved(*key, tuple(files)) for key, files in grouped.items()]


def unshown(changes: Iterable[Change], files: Iterable[FileChange]) -> tuple[Change, ...]:
    """Return the changed keys of `[files]` and `[from]`, without those whose path moved with a file of the same role."""
    pairs = ((file.old, file.new) for file in files)
    moved = {old.path: new for old, new in pairs if old is not None and new is not None and old.role == new.role}
    return tuple(change for change in changes if not _is_shown(change, moved))


def _is_shown(change: Change, moved: Mapping[str, TreeEntry]) -> bool:
    if not isinstance(change.old, str):
        return False
    if not change.key.startswith(_FROM):
        new = moved.get(change.old)
        return new is not None and (change.key, change.new) == (dotted((new.role,)), new.path)
    path = change.old.partition(" (")[0]  # what is taken of the file follows
    return path in moved and change.new == moved[path].path + change.old[len(path) :]


def braced(old: str, new: str) -> str:
    """Return two paths as one text, as Git writes a rename: `runs/{exp2 => exp3}/best.pt`."""
    before, after = old.split("/"), new.split("/")
    start = _common(before, after)
    end = min(_common(before[::-1], after[::-1]), len(before) - start, len(after) - start)
    left, right = ("/".join(parts[start : len(parts) - end]) for parts in (before, after))
    if not start and not (left and right and end):
        return f"{old} => {new}"
    head = "".join(f"{part}/" for part in before[:start])
    tail = "".join(f"/{part}" for part in before[len(before) - end :])
    return f"{head}{{{left} => {right}}}{tail}"


def _parted(old: str, new: str) -> tuple[str, str] | None:
    """Return both folders above what the paths have in common at their ends; None if not even their names are equal."""
    before, after = old.split("/"), new.split("/")
    end = _common(before[::-1], after[::-1])
    if not end:
        return None
    return _folder(before[: len(before) - end]), _folder(after[: len(after) - end])


def _folder(parts: Sequence[str]) -> str:
    return "".join(f"{part}/" for part in parts)


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the number of equal items at the start of both."""
    pairs = zip(left, right, strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(left), len(right)))
