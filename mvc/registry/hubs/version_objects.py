r"""The objects of a version in one document, `mvc-version.json`: from it and the files, an import gives the same id.

    {"kind":"version-objects","manifest":{…},"model_toml":"[model]\n…","tree":{…},"v":1,"version":{…}}

It is canonical JSON, so that the ids of its parts can be computed again. A hub keeps it beside the version's files.
"""

from __future__ import annotations

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import FileId, ManifestId, TreeId, digest
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.model.version import Version
from mvc.repository.imports.source import VersionObjects

NAME = "mvc-version.json"
"""The name of the document among the files of a hub."""
MAX_BYTES = canonical.MAX_BYTES
"""The size of a document, at most."""
_KIND = "version-objects"
_KEYS = {"kind", "v", "version", "manifest", "tree", "model_toml"}


def encode(objects: VersionObjects) -> bytes:
    """Return the canonical bytes of the document. Raises NotCanonical, also if the parts do not belong to the version."""
    _check(objects)
    return canonical.encode(
        {
            "kind": _KIND,
            "v": 1,
            "version": canonical.decode(objects.version.encode()),
            "manifest": canonical.decode(objects.manifest.encode()),
            "tree": canonical.decode(objects.tree.encode()),
            "model_toml": objects.model_toml.decode("utf-8"),
        }
    )


def decode(data: bytes) -> VersionObjects:
    """Return the objects in `data`, after checking the ids of the parts. Raises NotCanonical."""
    record = canonical.decode(data)
    if not isinstance(record, dict) or record.get("kind") != _KIND:
        raise errors.NotCanonical(reason="it does not have the objects of a version")
    if type(record.get("v")) is not int or record["v"] != 1 or set(record) != _KEYS:
        raise errors.NotCanonical(reason="it does not have the objects of a version in a known form")
    if not isinstance(record["model_toml"], str):
        raise errors.NotCanonical(reason="model_toml is not text")
    version, manifest, tree = (canonical.encode(record[key]) for key in ("version", "manifest", "tree"))
    objects = VersionObjects(
        Version.decode(version), Manifest.decode(manifest), Tree.decode(tree), record["model_toml"].encode()
    )
    _check(objects)
    return objects


def _check(objects: VersionObjects) -> None:
    """Raise NotCanonical unless manifest, tree and model.toml are those that the version names."""
    version = objects.version
    if version.manifest != ManifestId(digest(objects.manifest.encode())):
        raise errors.NotCanonical(reason="the manifest is not that of the version")
    if version.tree != TreeId(digest(objects.tree.encode())):
        raise errors.NotCanonical(reason="the tree is not that of the version")
    if version.model_toml != FileId(digest(objects.model_toml)):
        raise errors.NotCanonical(reason="model.toml is not that of the version")
