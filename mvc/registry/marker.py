r"""The marker of a published version, `mvc-manifest.json`: its objects, without the bytes of its files, in canonical JSON.

    {"files":{"model-latest":{"file":"9f…","size":96583}},"kind":"marker","manifest":{…},"model_toml":"[model]\n…",
     "model_version":"0197…","tree":{…},"v":1,"version":{…}}

It has the exact bytes of the objects, so that their ids can be computed again. It is uploaded last: a registry version with
its marker is complete. `model_version` is the id of that registry version, so a copy of the marker in another one is detected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import FileId, ManifestId, TreeId, VersionId, digest
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.model.version import Version

NAME = "mvc-manifest.json"
"""The role and the file name of a marker."""
MAX_BYTES = canonical.MAX_BYTES
"""The largest marker, in bytes."""
_KEYS = {"kind", "v", "model_version", "version", "manifest", "tree", "model_toml", "files"}


@dataclass(frozen=True)
class Marker:
    """A version with its manifest, its tree and the bytes of its model.toml, and the id of its registry version."""

    model_version: str
    version: Version
    manifest: Manifest
    tree: Tree
    model_toml: bytes

    @property
    def id(self) -> VersionId:
        """The version's id."""
        return self.version.id()

    def encode(self) -> bytes:
        """Return the marker's canonical bytes. Raises NotCanonical, also if the parts do not belong to the version."""
        self._check()
        return canonical.encode(
            {
                "kind": "marker",
                "v": 1,
                "model_version": self.model_version,
                "version": canonical.decode(self.version.encode()),
                "manifest": canonical.decode(self.manifest.encode()),
                "tree": canonical.decode(self.tree.encode()),
                "model_toml": self.model_toml.decode("utf-8"),
                "files": _files(self.tree),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the marker in `data`, after checking the ids of its parts. Raises NotCanonical."""
        record = canonical.decode(data)
        if not isinstance(record, dict) or set(record) != _KEYS or record["kind"] != "marker" or record["v"] != 1:
            raise errors.NotCanonical(reason="it is not a marker")
        if not isinstance(record["model_version"], str) or not isinstance(record["model_toml"], str):
            raise errors.NotCanonical(reason="a marker's model_version and model_toml are texts")
        parts = [canonical.encode(record.pop(key)) for key in ("version", "manifest", "tree")]  # free the memory
        version, manifest, tree = Version.decode(parts[0]), Manifest.decode(parts[1]), Tree.decode(parts[2])
        decoded = cls(record["model_version"], version, manifest, tree, record["model_toml"].encode())
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


def _files(tree: Tree) -> dict[str, Any]:
    return {entry.role: {"file": entry.file, "size": entry.size} for entry in tree.entries}
