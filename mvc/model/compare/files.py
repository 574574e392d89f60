"""What changed between two listings of files: the one comparison that status, diff and checkout share.

M  same path, other bytes or executable bit       A, D  on one side only
R  the same bytes under another path or role, or the same role at another path
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mvc.model.compare.pairing import pair
from mvc.model.ids import FileId
from mvc.model.tree import Tree, TreeEntry

ADDED, DELETED, MODIFIED, RENAMED = "A", "D", "M", "R"
Pair = tuple[TreeEntry, TreeEntry]


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's change; `old` is None when it was added, `new` when it was removed.

    `new_bytes` counts the bytes that the new file brought to the store, None where nobody counted.
    """

    kind: str
    old: TreeEntry | None
    new: TreeEntry | None
    new_bytes: int | None = None

    @property
    def entry(self) -> TreeEntry:
        """The file as it is now, or was last."""
        entry = self.new or self.old
        assert entry is not None  # noqa: S101 - a change has at least one side
        return entry

    @property
    def bytes_changed(self) -> bool:
        """Whether the content differs; true of files added or removed."""
        return self.old is None or self.new is None or self.old.file != self.new.file

    @property
    def mode_changed(self) -> bool:
        """Whether the file became executable, or ceased to be."""
        return self.old is not None and self.new is not None and self.old.exec != self.new.exec

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        record: dict[str, Any] = {
            "kind": self.kind,
            "old": self.old.to_json() if self.old else None,
            "new": self.new.to_json() if self.new else None,
        }
        return record if self.new_bytes is None else {**record, "new_bytes": self.new_bytes}


def compare_trees(
    old: Tree | None, new: Tree | None, new_bytes: Mapping[FileId, int] | None = None
) -> tuple[FileChange, ...]:
    """Every file that differs, in the order of paths (of the new one, where there are two).

    `new_bytes` says of each file that brought bytes to the store how many.
    """
    if old is not None and new is not None and old.entries == new.entries:  # as nearly always in `status`
        return ()
    before, after = old.by_path if old else {}, new.by_path if new else {}
    same_path = [(before[path], entry) for path, entry in after.items() if path in before and before[path] != entry]
    gone = [entry for path, entry in before.items() if path not in after]
    come = [entry for path, entry in after.items() if path not in before]
    moved = list(_moved(gone, come))
    pairs: list[tuple[str, TreeEntry | None, TreeEntry | None]] = [(_kind(a, b), a, b) for a, b in same_path]
    pairs += [(RENAMED, a, b) for a, b in moved]
    left, right = {a.path for a, _ in moved}, {b.path for _, b in moved}
    pairs += [(DELETED, entry, None) for entry in gone if entry.path not in left]
    pairs += [(ADDED, None, entry) for entry in come if entry.path not in right]
    changes = [FileChange(kind, a, b, _brought(a, b, new_bytes)) for kind, a, b in pairs]
    return tuple(sorted(changes, key=lambda change: change.entry.path.encode()))


def _kind(old: TreeEntry, new: TreeEntry) -> str:
    """A file that stayed where it is: only its role moved, or it was modified."""
    return RENAMED if old.file == new.file and old.exec == new.exec else MODIFIED


def _moved(gone: list[TreeEntry], come: list[TreeEntry]) -> Iterator[Pair]:
    """Pair files that left one path with files that came to another: the surest likeness first, each file once."""
    likenesses: tuple[Callable[[TreeEntry], object], ...] = (
        lambda entry: (entry.file, entry.role),
        lambda entry: (entry.file, entry.path.rpartition("/")[2]),
        lambda entry: entry.file,
        lambda entry: entry.role,
    )
    for likeness in likenesses:
        pairs, gone, come = pair(gone, come, likeness)
        yield from pairs


def _brought(old: TreeEntry | None, new: TreeEntry | None, new_bytes: Mapping[FileId, int] | None) -> int | None:
    if new_bytes is None or new is None:
        return None
    return 0 if old is not None and old.file == new.file else new_bytes.get(new.file, 0)
