"""The rows of the index: what it says of each version, read from objects once and then from a cache.

walk ─► version(id) ─► in the cache? ─ no: version, manifest and tree are read
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from mvc import errors
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.model.compare import labels
from mvc.model.ids import FileId, TreeId, VersionId, are_ids
from mvc.model.manifest import Manifest
from mvc.model.version import Person, Timestamp
from mvc.repository import history
from mvc.repository.model import Model
from mvc.storage.caches import page as cache
from mvc.storage.chunks.recipes import MAX_INLINE


class Row(NamedTuple):
    """A version: the fields that a walk reads, its first line, and what its manifest and tree say.

    `breaking` and `reweighted` say that classes were removed, renamed or renumbered, and that weights changed, since the first parent. `parent`
    is the version it is derived from, as model.toml names it; `small` the bytes of new files that are in their recipes,
    `damaged` the reason why manifest or tree cannot be read.
    """

    parents: tuple[VersionId, ...]
    number: int
    name: str
    email: str
    seconds: int
    offset: int
    subject: str
    breaking: bool = False
    size: int | None = None
    metrics: Mapping[str, float] = {}
    parent: str | None = None
    reweighted: bool = False
    small: int = 0
    damaged: str | None = None

    @property
    def time(self) -> Timestamp:
        """The time."""
        return Timestamp(self.seconds, self.offset)

    @property
    def author(self) -> Person:
        """The author."""
        return Person(self.name, self.email)


_FIELDS = len(Row._fields) - 1  # a damaged version is not cached: it may be repaired
_TYPES = (list, int, str, str, int, int, str, bool, int, dict)
_REST = (bool, int)
"""The types of cached fields before and after `parent`, which is a text or null."""
_KEPT = 16
"""Trees and manifests that are kept: a walk comes from a version to its parent, on some branches in turns."""


class _Tree(NamedTuple):
    """The bytes of all files of a version, its weight files by path, and the sizes of files inside their recipes."""

    size: int
    weights: Mapping[str, FileId]
    small: Mapping[FileId, int]


_EMPTY = _Tree(0, {}, {})


class Rows:
    """The rows of a model's versions by id, for a walk. Raises as `Objects`."""

    def __init__(self, model: Model) -> None:
        """Read the cache of `model`."""
        self._objects = model.repository.objects
        self._door, self._key = model.repository.door, model.key
        self._rows = _decoded(cache.load(self._door, self._key))
        self._tree = functools.lru_cache(_KEPT)(self._read_tree)
        self._manifest = functools.lru_cache(_KEPT)(self._objects.manifest)
        self._read: set[VersionId] = set()
        self.parents = self._objects.parents

    def version(self, id_: VersionId) -> Row:
        """Return the row of a version."""
        row = self._rows.get(id_)
        if row is None:
            row = self._rows[id_] = self._row(id_)
            self._read.add(id_)
        return row

    def save(self, ids: list[VersionId]) -> None:
        """Write the cache of the versions `ids`, if one of them was read from objects."""
        if any(id_ in self._read and self._rows[id_].damaged is None for id_ in ids):
            kept = {id_: self._rows[id_][:_FIELDS] for id_ in ids if self._rows[id_].damaged is None}
            cache.save(self._door, self._key, kept)

    def _row(self, id_: VersionId) -> Row:
        version = self._objects.version(id_)
        author, time = version.author, version.time
        row = Row(
            version.parents, version.number, author.name, author.email, time.seconds, time.offset, version.subject
        )
        try:
            manifest, tree = self._manifest(version.manifest), self._tree(version.tree)
            above = history.first_parent(self._objects, version)
            before = self._objects.version(above) if above is not None else None
            old = self._tree(before.tree) if before is not None else _EMPTY
            return row._replace(
                breaking=before is not None and _breaks(self._manifest(before.manifest), manifest),
                size=tree.size,
                metrics=manifest.metrics,
                parent=manifest.model.get("parent"),
                reweighted=any(file != tree.weights.get(path, file) for path, file in old.weights.items()),
                small=sum(size for file, size in tree.small.items() if file not in old.small),
            )
        except errors.Damaged as error:
            return row._replace(damaged=error.message)

    def _read_tree(self, id_: TreeId) -> _Tree:
        entries = self._objects.tree(id_).entries
        weights = {entry.path: entry.file for entry in entries if entry.path.lower().endswith(WEIGHT_SUFFIXES)}
        small = {entry.file: entry.size for entry in entries if entry.size <= MAX_INLINE}
        return _Tree(sum(entry.size for entry in entries), weights, small)


def _breaks(old: Manifest, new: Manifest) -> bool:
    """Return whether the new labelmap breaks consumers of the old one."""
    return old.labelmap != new.labelmap and labels.compare(old.labelmap, new.labelmap).breaking


def _decoded(content: Any) -> dict[VersionId, Row]:
    """Return the rows of a cache; none if it is not one, since it may come from anybody."""
    try:
        if not are_ids(content) or not all(map(_is_row, content.values())):
            return {}
        return {VersionId(id_): Row(tuple(parents), *rest) for id_, (parents, *rest) in content.items()}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, errors.NotCanonical):
        return {}


def _is_row(fields: Any) -> bool:
    """Return whether a list has the fields of a row; raise ValueError and the like for most others."""
    types, metrics = tuple(map(type, fields)), fields[9]
    if types not in ((*_TYPES, str, *_REST), (*_TYPES, type(None), *_REST)):
        return False
    Timestamp.from_json({"seconds": fields[4], "offset": fields[5]})
    return (
        are_ids(fields[0])
        and set(map(type, metrics.values())) <= {int, float}
        and all(map(math.isfinite, metrics.values()))
    )
