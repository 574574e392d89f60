r"""The marker of a published version, `mvc-manifest.json`: its objects, without the bytes of its files, in canonical JSON.

    {"branch":{"current":true,"name":"main"},"files":{"notes/a.txt":{"file":"9f…","size":583}},"kind":"marker",
     "manifest":{…},"model_toml":"[model]\n…","model_version":"0197…","names":{"notes/a.txt":"notes-a-txt"},
     "records":{"notes/a.txt":"0198…"},"tree":{…},"v":3,"version":{…}}

It has the exact bytes of the objects, so that their ids can be computed again. It is uploaded last: a registry version with
its marker is complete. `model_version` is the id of that registry version, so a copy of the marker in another one is detected;
`records` are the ids of the uploaded files' records, so a replaced file is. `branch` is a hint. `names` are the names on the
registry that differ from their roles. A marker of v 2 has no names: each role is its own; one of v 1 has no records and no
branch either. One of v 4 has `archives` too, `{"model-latest":"5c…"}`: the hashes of archives that hold a folder's files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any, Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import canonical
from mvc.model.ids import FileId, ManifestId, TreeId, VersionId, digest, is_id
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.model.version import Version
from mvc.registry.files import archives, role_names
from mvc.registry.protocol import RemoteFile

NAME = role_names.MARKERS[0]
"""The name of a marker on a registry; early publications have it under another one."""
FILENAME = "mvc-manifest.json"
"""Its file name."""
MAX_BYTES = canonical.MAX_BYTES
"""The largest marker, in bytes."""
_KEYS = {"kind", "v", "model_version", "version", "manifest", "tree", "model_toml", "files"}
_ADDED = ((), ("records", "branch"), ("names",), ("archives",))
"""The keys that each version added."""
_KEYS_OF = {v: _KEYS.union(*_ADDED[:v]) for v in range(1, len(_ADDED) + 1)}


@dataclass(frozen=True, slots=True)
class Branch:
    """The publisher's branch that had the version; `is_current` if it was checked out."""

    name: str
    is_current: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the branch as a JSON value."""
        return {"name": self.name, "current": self.is_current}


@dataclass(frozen=True)
class Marker:
    """A version with its manifest, its tree and the bytes of its model.toml, and the id of its registry version.

    `records` are the record ids of the files by role, `names` their names on the registry where these differ from the role;
    `archives` are the hashes of the archives that are there in place of a folder's files, by role.
    """

    model_version: str
    version: Version
    manifest: Manifest
    tree: Tree
    model_toml: bytes
    records: Mapping[str, str] = field(default_factory=dict)
    branch: Branch | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    archives: Mapping[str, FileId] = field(default_factory=dict)

    @property
    def id(self) -> VersionId:
        """The version's id."""
        return self.version.id()

    @cached_property
    def served(self) -> Tree:
        """The tree with an entry for each role or archive, as the registry has the files."""
        return archives.served(self.manifest, self.tree, self.archives)

    @property
    def contents(self) -> dict[str, FileId]:
        """The contents of the files by record id, as far as there are `records`."""
        return {record: self.served.by_role[role].file for role, record in self.records.items()}

    def encode(self) -> bytes:
        """Return the marker's canonical bytes. Raises NotCanonical, also if the parts do not belong to the version."""
        self._check()
        added: dict[str, Any] = {"records": dict(self.records), "branch": None, "names": dict(self.names)}
        added |= {"branch": self.branch.to_json() if self.branch is not None else None, "archives": dict(self.archives)}
        version = 2 if self.records or self.branch is not None else 1
        version = 4 if self.archives else 3 if self.names else version
        return canonical.encode(
            {
                "kind": "marker",
                "v": version,
                "model_version": self.model_version,
                "version": canonical.decode(self.version.encode()),
                "manifest": canonical.decode(self.manifest.encode()),
                "tree": canonical.decode(self.tree.encode()),
                "model_toml": self.model_toml.decode("utf-8"),
                "files": _files(self.tree),
                **{key: value for key, value in added.items() if key in _KEYS_OF[version]},
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the marker in `data`, after checking the ids of its parts. Raises NotCanonical."""
        record = canonical.decode(data)
        if not isinstance(record, dict) or record.get("kind") != "marker":
            raise errors.NotCanonical(reason="it is not a marker")
        if type(record.get("v")) is not int or set(record) != _KEYS_OF.get(record["v"]):
            raise errors.NotCanonical(reason="it is not a marker of a known version")
        if not isinstance(record["model_version"], str) or not isinstance(record["model_toml"], str):
            raise errors.NotCanonical(reason="a marker's model_version or model_toml is not text")
        parts = [canonical.encode(record.pop(key)) for key in ("version", "manifest", "tree")]  # free the memory
        version, manifest, tree = Version.decode(parts[0]), Manifest.decode(parts[1]), Tree.decode(parts[2])
        toml, records = record["model_toml"].encode(), record.get("records", {})
        branch, names, made = _branch(record.get("branch")), record.get("names", {}), record.get("archives", {})
        if not _are_archives(made, manifest, tree):
            raise errors.NotCanonical(reason="a marker's archives are not those of its folders")
        decoded = cls(record["model_version"], version, manifest, tree, toml, records, branch, names, made)
        if record["files"] != _files(tree):
            raise errors.NotCanonical(reason="a marker's files are not those of its tree")
        decoded._check()
        return decoded

    def _check(self) -> None:
        version = self.version
        if version.manifest != ManifestId(digest(self.manifest.encode())):
            raise errors.NotCanonical(reason="a marker's manifest is not its version's")
        if version.tree != TreeId(digest(self.tree.encode())):
            raise errors.NotCanonical(reason="a marker's tree is not its version's")
        if version.model_toml != FileId(digest(self.model_toml)):
            raise errors.NotCanonical(reason="a marker's model.toml is not its version's")
        if not isinstance(self.records, dict) or not set(self.records) <= set(self.served.by_role):
            raise errors.NotCanonical(reason="a marker's records are not those of its tree")
        if not all(isinstance(id_, str) for id_ in self.records.values()):
            raise errors.NotCanonical(reason="a marker's records are texts")
        if not _are_names(self.names, self.served):
            raise errors.NotCanonical(reason="a marker's names are not those of its roles")


def among(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """Return the files that have the name of a marker, those with the present name first."""
    return sorted((file for file in files if file.name in role_names.MARKERS), key=lambda file: file.name != NAME)


def without(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """Return the other files, in their order."""
    return [file for file in files if file.name not in role_names.MARKERS]


def _are_names(names: Any, served: Tree) -> bool:
    """Return whether these are names of roles of a tree, which leave each role a name of its own."""
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        return False
    distinct = role_names.named(served, names)
    return set(names) <= set(served.by_role) and len(distinct) == len(served.by_role)


def _are_archives(made: Any, manifest: Manifest, tree: Tree) -> bool:
    """Return whether these are hashes of archives of folders."""
    is_map = isinstance(made, dict) and all(map(is_id, made.values()))
    return is_map and set(archives.named(manifest, tree, made)) == set(made)


def _branch(value: Any) -> Branch | None:
    """Decode a branch. Raises NotCanonical."""
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"name", "current"} or not isinstance(value["name"], str):
        raise errors.NotCanonical(reason="a marker's branch has a name")
    return Branch(value["name"], value["current"] is True)


def _files(tree: Tree) -> dict[str, Any]:
    return {entry.role: {"file": entry.file, "size": entry.size} for entry in tree.entries}
