"""Trees: the files of a version in one flat list, sorted by the bytes of their paths.

    {"entries":[{"file":"9f…","path":"weights/best.onnx","role":"model-latest","size":92100000}],"kind":"tree"}

Paths and roles are unique.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from typing import Any, NamedTuple, Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import canonical
from mvc.model.ids import FileId, TreeId, are_ids, digest

MAX_ENTRIES = 200_000
ENTRY = 104
"""Bytes of an entry without path and role, at least."""
MAX_ROLE = 4_200
"""Characters of a role, at most; a role filled by a pattern contains a path."""
_FIELDS = 4
"""The fields of an entry without `exec`."""


class TreeEntry(NamedTuple):
    """One file: path in the model's folder, role, size in bytes, id, and whether it is executable."""

    path: str
    role: str
    size: int
    file: FileId
    exec: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a tree stores it."""
        record: dict[str, Any] = {"path": self.path, "role": self.role, "size": self.size, "file": self.file}
        return {**record, "exec": True} if self.exec else record


@dataclass(frozen=True)
class Tree:
    """Entries sorted by the UTF-8 bytes of their paths; `ext` is a map of later releases, kept as it is."""

    entries: tuple[TreeEntry, ...] = ()
    ext: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: list[TreeEntry]) -> Self:
        """Make a tree of entries in any order."""
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
        """Return the id of the bytes."""
        return TreeId(digest(self.encode()))

    def encode(self) -> bytes:
        """Return the canonical bytes; raise NotCanonical."""
        record: dict[str, Any] = {"kind": "tree", "entries": [entry.to_json() for entry in self.entries]}
        if self.ext:
            record["ext"] = dict(self.ext)
        _parse(record)
        return canonical.encode(record)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode canonical bytes; raise NotCanonical."""
        record = canonical.decode(data)
        return cls(_parse(record), record.get("ext", {}))


def _parse(record: Any) -> tuple[TreeEntry, ...]:
    """Return the entries of a tree; raise NotCanonical for wrong types, order, duplicates, or exceeded limits.

    Paths may be unsafe: they are checked before files are written.
    """
    if not isinstance(record, dict) or record.get("kind") != "tree" or not set(record) <= {"kind", "entries", "ext"}:
        raise errors.NotCanonical(reason="it is not a tree")
    rows = record.get("entries")
    if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
        raise errors.NotCanonical(reason=f"entries are not a list of at most {MAX_ENTRIES}")
    try:
        entries = tuple([_entry(row) for row in rows])
        if not are_ids([entry.file for entry in entries]):
            raise ValueError
    except (KeyError, TypeError, AttributeError, ValueError):
        reason = "an entry does not have path, role, size and file, and exec only if true"
        raise errors.NotCanonical(reason=reason) from None
    paths = [entry.path for entry in entries]
    if not all(map(operator.lt, paths, paths[1:])) or len({entry.role for entry in entries}) != len(entries):
        raise errors.NotCanonical(reason="entries are not sorted by path, or a path or role occurs twice")
    if "ext" in record and (not isinstance(record["ext"], dict) or not record["ext"]):
        raise errors.NotCanonical(reason="ext is an empty map or not a map")
    return entries


def _entry(row: dict[str, Any]) -> TreeEntry:
    """Return one entry, unchecked only for its id, since a tree may have very many.

    Raises KeyError, TypeError, ValueError.
    """
    path, role, size, file = row["path"], row["role"], row["size"], row["file"]
    executable = len(row) == _FIELDS + 1 and row["exec"] is True
    has_texts = type(path) is str and type(role) is str and 0 < len(role) <= MAX_ROLE
    if not (has_texts and type(size) is int and size >= 0 and len(row) == _FIELDS + executable):
        raise ValueError
    return tuple.__new__(TreeEntry, (path, role, size, file, executable))  # takes half the time of the class's own
