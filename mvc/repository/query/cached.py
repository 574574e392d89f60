"""The history of a model for queries: read from the query cache, and from objects what that lacks.

walk ─► version(id) ─► in the cache? ─ yes: no object is read          values(version, section): likewise
                         └─ no: read, remembered, saved if there are many
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvc import lazy
from mvc.model.ids import ManifestId, TreeId, VersionId
from mvc.model.query.subject import SECTIONS
from mvc.model.version import Code, Person, Timestamp, Version, VersionFields
from mvc.repository.model import Model
from mvc.storage.records import querycache
from mvc.storage.records.querycache import Row, Section

if TYPE_CHECKING:
    from mvc.repository.query import evaluated
    from mvc.repository.query.evaluated import CachedEvaluations
    from mvc.storage.objects import Objects
else:
    evaluated = lazy.Module("mvc.repository.query.evaluated")

MANY = 256
"""Objects read in one run from which on the cache is written: fewer are read again sooner than a cache is written."""


class CachedVersion:
    """A version of the cache; its message, code and tree are read from its object."""

    __slots__ = ("_history", "_id", "number", "parents", "row")

    def __init__(self, history: CachedHistory, id_: VersionId, row: Row) -> None:
        """Take the fields of `row`."""
        self._history, self._id, self.row = history, id_, row
        self.parents, self.number = row.parents, row.number

    @property
    def time(self) -> Timestamp:
        """The time."""
        return Timestamp(self.row.seconds, self.row.offset)

    @property
    def author(self) -> Person:
        """The author."""
        return Person(*self._history.table.authors[self.row.author])

    @property
    def manifest(self) -> ManifestId:
        """The id of the manifest."""
        return self._history.table.manifests[self.row.manifest]

    @property
    def message(self) -> str:
        """The message."""
        return self._version.message

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self._version.subject

    @property
    def tree(self) -> TreeId:
        """The id of the tree."""
        return self._version.tree

    @property
    def code(self) -> Code | None:
        """The Git commit of the training code."""
        return self._version.code

    @property
    def _version(self) -> Version:
        return self._history.objects.version(self._id)


class CachedHistory:
    """The versions of a model, for a walk; and the values of their manifests. Raises as `Objects`."""

    def __init__(self, model: Model) -> None:
        """Read the cache of `model`."""
        self._model = model
        self.objects: Objects = model.repository.objects
        self._door, self._key = model.repository.door, model.key
        self.table = querycache.load(self._door, self._key)
        self._authors = {author: number for number, author in enumerate(self.table.authors)}
        self._manifests: dict[ManifestId, int] = {}
        self._sections: dict[str, Section] = {}
        self._read = 0
        self.parents = self.objects.parents

    @functools.cached_property
    def evaluations(self) -> CachedEvaluations:
        """The answers of evaluations."""
        return evaluated.CachedEvaluations(self._model)

    def version(self, id_: VersionId) -> CachedVersion:
        """Return the version of that id."""
        return CachedVersion(self, id_, self.table.rows.get(id_) or self._add(id_))

    def values(self, version: VersionFields, name: str) -> Mapping[str, Any]:
        """Return the values of one section of a version."""
        manifest = version.row.manifest if isinstance(version, CachedVersion) else self._position(version.manifest)
        section = self._sections.get(name)
        if section is None:
            section = self._sections[name] = self.table.section(SECTIONS.index(name), name)
        at = section.at[manifest] if manifest < len(section.at) else -1
        return section.values[at] if at >= 0 else self._values(manifest)[name]

    def save(self) -> None:
        """Write the cache, if many objects were read that it lacked, and the answers of evaluations likewise."""
        if "evaluations" in vars(self):
            self.evaluations.save()
        if self._read >= MANY:
            querycache.save(self._door, self._key, self.table, SECTIONS)
            self._read = 0

    def _add(self, id_: VersionId) -> Row:
        version = self.objects.version(id_)
        author = (version.author.name, version.author.email)
        if author not in self._authors:
            self._authors[author] = len(self.table.authors)
            self.table.authors.append(author)
        time, manifest = version.time, self._position(version.manifest)
        row = Row(version.parents, version.number, time.seconds, time.offset, self._authors[author], manifest)
        self.table.rows[id_] = row
        self._read += 1
        return row

    def _position(self, manifest: ManifestId) -> int:
        """Return the position of a manifest in the table, where it is added if needed."""
        if not self._manifests:
            self._manifests = {id_: position for position, id_ in enumerate(self.table.manifests)}
        position = self._manifests.setdefault(manifest, len(self._manifests))
        if position == len(self.table.manifests):
            self.table.manifests.append(manifest)
        return position

    def _values(self, position: int) -> dict[str, Mapping[str, Any]]:
        """Read a manifest, and add its values to the table."""
        manifest = self.objects.manifest(self.table.manifests[position])
        found: dict[str, Mapping[str, Any]] = {name: getattr(manifest, name) for name in SECTIONS}
        for number, (name, values) in enumerate(found.items()):
            self.table.section(number, name).put(position, values)
        self._read += 1
        return found
