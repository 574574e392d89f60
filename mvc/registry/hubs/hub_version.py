"""A version as a hub gets it: its files as streams, its values, its lineage and its exact objects."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from mvc.deferred import dataclass
from mvc.model import roles
from mvc.model.ids import Buffer, FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.model.version import Version
from mvc.registry import published
from mvc.registry.hubs import stored_file, version_objects
from mvc.repository import history
from mvc.repository.imports.source import VersionObjects
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import ALIASES, TAGS
from mvc.transport import promises


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a version: its path, its roles, its size in bytes and its BLAKE3 hash, `id`."""

    path: str
    roles: tuple[str, ...]
    size: int
    id: FileId
    repository: Repository

    @property
    def role(self) -> str:
        """The role that the tree has; a file may have others."""
        return self.roles[0]

    def blocks(self) -> Iterator[Buffer]:
        """Yield the bytes, each block verified before it is yielded. Raises Missing, Damaged."""
        return self.repository.extract.stream(self.id)

    def open(self) -> io.BufferedReader:
        """Return a stream that can seek, for any thread; each chunk read is verified. Raises Missing, Damaged."""
        return stored_file.opened(self.repository, self.id)


@dataclass(frozen=True)
class HubVersion:
    """A version with its objects and its files; `tags` and `aliases` are those that are at it."""

    model: Model
    id: VersionId
    objects: VersionObjects
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def version(self) -> Version:
        """The version's own object: author, time, message, parents."""
        return self.objects.version

    @property
    def manifest(self) -> Manifest:
        """The values: labelmap, parameters, metrics."""
        return self.objects.manifest

    @property
    def tree(self) -> Tree:
        """The listing of the files."""
        return self.objects.tree

    @property
    def name(self) -> str:
        """The version's name on a hub: `v7-3f9c2ab1d0f4`."""
        return published.version_name(self.version.number, self.id)

    @property
    def size(self) -> int:
        """The size of the files, in bytes."""
        return sum(entry.size for entry in self.tree.entries)

    @cached_property
    def files(self) -> tuple[HubFile, ...]:
        """The files, by path."""
        return tuple(
            HubFile(entry.path, roles.roles_of(self.manifest, entry), entry.size, entry.file, self.model.repository)
            for entry in self.tree.entries
        )

    @cached_property
    def document(self) -> bytes:
        """The bytes of `mvc-version.json`."""
        return version_objects.encode(self.objects)

    @property
    def lineage(self) -> dict[str, Any]:
        """The version's origin as JSON: its parents by name, the Git commit of the training code, and the base model."""
        objects, version = self.model.repository.objects, self.version
        parents = [
            published.version_name(objects.version(id_).number, id_) if objects.has(id_) else str(id_)
            for id_ in version.parents
        ]
        code = version.code
        origin: Mapping[str, Any] = {
            "parents": parents,
            "base_model": self.manifest.model.get("parent"),
            "code": code.to_json() if code is not None else None,
        }
        return {key: value for key, value in origin.items() if value}

    def is_ancestor_of(self, other: VersionId) -> bool:
        """Return whether `other` is a version of this repository that descends from this one."""
        objects = self.model.repository.objects
        return objects.has(other) and other != self.id and self.id in history.ancestors(objects, [other])


def of(model: Model, id_: VersionId, progress: Progress | None = None) -> HubVersion:
    """Return the version `id_`, whose promised files are fetched. Raises Missing, Damaged, and as a fetch."""
    repository = model.repository
    promises.ensure_version_present(repository, id_, progress)
    version = repository.objects.version(id_)
    objects = VersionObjects(
        version,
        repository.objects.manifest(version.manifest),
        repository.objects.tree(version.tree),
        repository.extract.small(version.model_toml),
    )
    names = {kind: [name for name in model.names(kind) if model.target(kind, name) == id_] for kind in (TAGS, ALIASES)}
    return HubVersion(model, id_, objects, tuple(sorted(names[TAGS])), tuple(sorted(names[ALIASES])))
