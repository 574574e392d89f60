"""`mvc show`: one version in full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc.model.compare.diff import VersionDiff, compare
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.roles import roles_of
from mvc.model.tensor_count import TensorCount, count
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.repository import disk_usage, history, refnames, tensors
from mvc.repository import places as publications
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.promised import State
from mvc.storage.records.reflog import Place


@dataclass(frozen=True)
class Shown:
    """A version in full, with its refs and its changes against its first parent.

    `absent` are the parents recorded as never published, `places` its registry versions; `states` says where the
    content of each path is, `tensors` lists the tensors of files in which they are known.
    """

    model: str
    id: VersionId
    version: Version
    manifest: Manifest
    tree: Tree
    names: tuple[tuple[str, str], ...]
    difference: VersionDiff
    absent: frozenset[VersionId]
    places: tuple[Place, ...]
    states: dict[str, State]
    tensors: dict[str, TensorCount]

    def to_json(self) -> dict[str, Any]:
        """Return the version as `--json` prints it."""
        version = self.version
        return {
            "model": self.model,
            "id": self.id,
            "number": version.number,
            "parents": list(version.parents),
            "author": {"name": version.author.name, "email": version.author.email},
            "time": version.time.utc(),
            "message": version.message,
            "code": version.code.to_json() if version.code else None,
            "registry": [{**place.to_json(), "page": place.page} for place in self.places],
            "names": [{"kind": kind, "name": name} for kind, name in self.names],
            "manifest_id": version.manifest,
            "tree_id": version.tree,
            "manifest": {key: value for key, value in self.manifest.to_toml().items() if key != "labelmap"},
            "docker_digest": self.manifest.docker_digest,
            "labelmap": [list(pair) for pair in self.manifest.labelmap],
            "files": [self._file(entry) for entry in self.tree.entries],
            "changes": self.difference.to_json(),
        }

    def _file(self, entry: TreeEntry) -> dict[str, Any]:
        named = {"roles": list(roles_of(self.manifest, entry))}
        record = {**entry.to_json(), **named, "state": self.states[entry.path].value.lower()}
        found = self.tensors.get(entry.path)
        return {**record, "tensors": found.to_json()} if found else record


def show(model: Model, id_: VersionId) -> Shown:
    """Return the version `id_` of `model`; raise Missing, Damaged."""
    repository = model.repository
    version = repository.objects.version(id_)
    snapshot = history.snapshot(repository, id_)
    assert snapshot is not None  # noqa: S101 - of a version there always is one
    parent = history.snapshot(repository, history.first_parent(repository.objects, version))
    brought = disk_usage.added_bytes(repository, parent.tree if parent else None, snapshot.tree)
    return Shown(
        model=model.key,
        id=id_,
        version=version,
        manifest=snapshot.manifest,
        tree=snapshot.tree,
        names=tuple(refnames.decorations(model).get(id_, ())),
        difference=compare(parent, snapshot, new_bytes=brought),
        absent=frozenset(version.parents) - frozenset(repository.objects.parents(version)),
        places=tuple(publications.places(model, id_)),
        states={entry.path: repository.promised.state(entry.file) for entry in snapshot.tree.entries},
        tensors=_tensors(repository, snapshot.tree),
    )


def _tensors(repository: Repository, tree: Tree) -> dict[str, TensorCount]:
    counted = ((entry.path, count(tensors.stored(repository, entry))) for entry in tree.entries)
    return {path: found for path, found in counted if found is not None}
