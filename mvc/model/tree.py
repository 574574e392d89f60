"""Trees: the files of a version, flat, sorted by the bytes of their paths.

    {"entries":[{"file":"9f…","path":"weights/best.onnx","role":"model-latest","size":92100000}],"kind":"tree"}

No path and no role comes twice.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Self

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import FileId, TreeId, are_ids, digest

MAX_ENTRIES = 200_000
ENTRY = 104
"""Bytes of an entry beside its path and its role, at least."""
MAX_ROLE = 4_200
"""Letters of a role; one made by a glob has a path in it."""
_FIELDS = 4
"""An entry's fields, besides `exec`."""


class TreeEntry(NamedTuple):
    """One file: its path in the model's folder, its role, its size in bytes, its id, whether it is executable."""

    path: str
    role: str
    size: int
    file: FileId
    exec: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a tree holds it."""
        record: dict[str, Any] = {"path": self.path, "role": self.role, "size": self.size, "file": self.file}
        return {**record, "exec": True} if self.exec else record


@dataclass(frozen=True)
class Tree:
    """Entries in the order of their paths' UTF-8 bytes; `ext` is a map that is kept as it is."""

    entries: tuple[TreeEntry, ...] = ()
    ext: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: list[TreeEntry]) -> Self:
        """A tree of entries in any order."""
        return cls(tuple(sorted(entries, key=lambda entry: entry.path.encode())))

    @cached_property
    def by_path(self) -> dict[str, TreeEntry]:
        """Entries by path."""
        return {entry.path: entry for entry in self.entries}

    @cached_property
    def by_role(self) -> dict[str, TreeEntry]:
        """Entries by role."""
        return {entry.role: entry for entry in self.entries}

    def id(self) -> TreeId:
        """The id of its bytes."""
        return TreeId(digest(self.encode()))

    def encode(self) -> bytes:
        """Its exact bytes; raises NotCanonical."""
        record: dict[str, Any] = {"kind": "tree", "entries": [entry.to_json() for entry in self.entries]}
        if self.ext:
            record["ext"] = dict(self.ext)
        _parse(record)
        return canonical.encode(record)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The tree in `data`; raises NotCanonical."""
        record = canonical.decode(data)
        return cls(_parse(record), record.get("ext", {}))


def _parse(record: Any) -> tuple[TreeEntry, ...]:
    """The entries of a tree; raises NotCanonical unless it is one: types, order, no path or role twice, limits.

    Whether a path may be written to a disk is not decided here but by whoever writes.
    """
    if not isinstance(record, dict) or record.get("kind") != "tree" or not set(record) <= {"kind", "entries", "ext"}:
        raise errors.NotCanonical(reason="it is not a tree")
    rows = record.get("entries")
    if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
        raise errors.NotCanonical(reason=f"entries are a list of at most {MAX_ENTRIES}")
    try:
        entries = tuple([_entry(row) for row in rows])
        if not are_ids([entry.file for entry in entries]):
            raise ValueError
    except (KeyError, TypeError, AttributeError, ValueError):
        reason = "an entry has path, role, size, file, and exec only when it is true"
        raise errors.NotCanonical(reason=reason) from None
    paths = [entry.path for entry in entries]
    if not all(map(operator.lt, paths, paths[1:])) or len({entry.role for entry in entries}) != len(entries):
        raise errors.NotCanonical(reason="entries are sorted by path, and no path or role comes twice")
    if "ext" in record and (not isinstance(record["ext"], dict) or not record["ext"]):
        raise errors.NotCanonical(reason="ext is a map with something in it, or absent")
    return entries


def _entry(row: dict[str, Any]) -> TreeEntry:
    """One entry, checked in one go but for its id: a tree may have very many. Raises KeyError, TypeError, ValueError."""
    path, role, size, file = row["path"], row["role"], row["size"], row["file"]
    executable = len(row) == _FIELDS + 1 and row["exec"] is True
    texts = type(path) is str and type(role) is str and 0 < len(role) <= MAX_ROLE
    if not (texts and type(size) is int and size >= 0 and len(row) == _FIELDS + executable):
        raise ValueError
    return tuple.__new__(TreeEntry, (path, role, size, file, executable))  # half the time of the class's own
