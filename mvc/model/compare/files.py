"""Diffs of two file listings, shared by status, diff and checkout.

M  modified: same path, other content or executable bit       A, D  added, deleted
R  renamed: same content under another path or role, or same role at another path
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import FileId
from mvc.model.tree import Tree, TreeEntry

if TYPE_CHECKING:
    from mvc.model.compare import match
else:
    match = lazy.Module("mvc.model.compare.match")

ADDED, DELETED, MODIFIED, RENAMED = "A", "D", "M", "R"
Pair = tuple[TreeEntry, TreeEntry]


@dataclass(frozen=True, slots=True)
class FileChange(Document):
    """The change of one file; `old` is None if it was added, `new` if it was deleted.

    `new_bytes` is the number of bytes that the new file added to the store, None if not counted.
    """

    KEYS = keys("kind old new bytes_new=new_bytes")
    OPTIONAL = ("bytes_new",)

    kind: str
    old: TreeEntry | None
    new: TreeEntry | None
    new_bytes: int | None = None

    @property
    def entry(self) -> TreeEntry:
        """The new entry, or the old one of a deleted file."""
        entry = self.new or self.old
        assert entry is not None  # noqa: S101 - a change has at least one side
        return entry

    @property
    def bytes_changed(self) -> bool:
        """True if the content differs; also for added and deleted files."""
        return self.old is None or self.new is None or not _has_same_bytes(self.old, self.new)

    @property
    def mode_changed(self) -> bool:
        """True if the executable bit differs."""
        return self.old is not None and self.new is not None and self.old.exec != self.new.exec


def compare_trees(
    old: Tree | None, new: Tree | None, new_bytes: Mapping[FileId, int] | None = None
) -> tuple[FileChange, ...]:
    """Return the changes between two trees, sorted by path (the new one, if there are two).

    `new_bytes` maps each file that was added to the store to the bytes this took.
    """
    if old is not None and new is not None and old.entries == new.entries:  # the usual case of `status`
        return ()
    before, after = old.by_path if old else {}, new.by_path if new else {}
    same_path = [(before[path], entry) for path, entry in after.items() if path in before and before[path] != entry]
    deleted = [entry for path, entry in before.items() if path not in after]
    added = [entry for path, entry in after.items() if path not in before]
    renamed = list(_renamed(deleted, added))
    pairs: list[tuple[str, TreeEntry | None, TreeEntry | None]] = [(_kind(a, b), a, b) for a, b in same_path]
    pairs += [(RENAMED, a, b) for a, b in renamed]
    sources, targets = {a.path for a, _ in renamed}, {b.path for _, b in renamed}
    pairs += [(DELETED, entry, None) for entry in deleted if entry.path not in sources]
    pairs += [(ADDED, None, entry) for entry in added if entry.path not in targets]
    changes = [FileChange(kind, a, b, _added_bytes(a, b, new_bytes)) for kind, a, b in pairs]
    return tuple(sorted(changes, key=lambda change: change.entry.path.encode()))


def _kind(old: TreeEntry, new: TreeEntry) -> str:
    """Return the kind of change of a file at the same path: only its role changed, or it was modified."""
    return RENAMED if _has_same_bytes(old, new) and old.exec == new.exec else MODIFIED


def _has_same_bytes(old: TreeEntry, new: TreeEntry) -> bool:
    """Return whether two files have the same id and size: those that were not read have no id."""
    return old.file == new.file and old.size == new.size


def _renamed(deleted: list[TreeEntry], added: list[TreeEntry]) -> Iterator[Pair]:
    """Yield deleted files with the added files they became; the most specific key matches first, each file once."""
    keys: tuple[Callable[[TreeEntry], object], ...] = (
        lambda entry: (entry.file, entry.role),
        lambda entry: entry.role,
        lambda entry: (entry.file, entry.path.rpartition("/")[2]) if entry.file else None,
        lambda entry: entry.file or None,
    )
    for key in keys:
        pairs, deleted, added = match.match(deleted, added, key)
        yield from pairs


def _added_bytes(old: TreeEntry | None, new: TreeEntry | None, new_bytes: Mapping[FileId, int] | None) -> int | None:
    if new_bytes is None or new is None:
        return None
    return 0 if old is not None and old.file == new.file else new_bytes.get(new.file, 0)
