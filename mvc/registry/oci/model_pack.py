"""A version as a ModelPack artifact: its config, the layers of its files, and its manifest.

    weights/best.onnx   model-latest   ─► application/vnd.cncf.model.weight.v1.raw
    model.toml, README.md              ─► …weight.config.v1.raw, …doc.v1.raw
    version, manifest, tree            ─► application/vnd.mvc.version.v1+json

The bytes depend on the version alone, so everybody who publishes it makes the same manifest. Files are raw layers: nothing is
packed or copied, and equal files of two versions are one blob.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.images.digests import digest_of
from mvc.model.ids import FileId
from mvc.registry.hubs.hub_version import HubFile, HubVersion
from mvc.registry.oci import media_types
from mvc.registry.oci.manifest import MAX_BYTES, Descriptor, ModelManifest, encode

NAME, NUMBER, ID = "org.mvc.model", "org.mvc.number", "org.mvc.version"
"""Annotations of a manifest: the model's key, the version's number and its id."""
MODEL_TOML = "model.toml"
VERSION_JSON = "mvc-version.json"
_STANDARD = "org.opencontainers.image."
_FORMATS = {
    ".pt": "pytorch", ".pth": "pytorch", ".ckpt": "pytorch", ".pb": "tensorflow", ".h5": "keras", ".keras": "keras",
}  # fmt: skip
_MAX_TEXT = 4096


@dataclass(frozen=True)
class ModelPack:
    """The artifact of a version whose files have these SHA-256 hashes, by file id."""

    source: HubVersion
    sha256: Mapping[FileId, str]

    @cached_property
    def documents(self) -> Mapping[str, bytes]:
        """The contents that are no stored files, by digest: the config, model.toml and the version's objects."""
        contents = (self.config, self.source.objects.model_toml, self.source.document)
        return {digest_of(content): content for content in contents}

    @cached_property
    def layers(self) -> tuple[Descriptor, ...]:
        """The layers: the files by path, then model.toml and the version's objects."""
        objects = self.source.objects
        toml = _described(media_types.raw(media_types.WEIGHT_CONFIG), objects.model_toml, _path(MODEL_TOML))
        version = _described(media_types.VERSION, self.source.document, {media_types.TITLE: VERSION_JSON})
        return (*(self._layer(file) for file in self.source.files), toml, version)

    @cached_property
    def config(self) -> bytes:
        """The bytes of the config, as the ModelPack specification has it."""
        return encode(
            {
                "descriptor": self._descriptor(),
                "config": self._technical(),
                "modelfs": {"type": "layers", "diffIds": [layer.digest for layer in self.layers]},
            }
        )

    @cached_property
    def manifest(self) -> bytes:
        """The bytes of the manifest. Raises ManifestTooLarge if they are more than registries accept."""
        source, version = self.source, self.source.version
        described = _described(media_types.CONFIG, self.config, {})
        notes = {
            NAME: source.manifest.name,
            NUMBER: str(version.number),
            ID: source.id,
            f"{_STANDARD}created": str(version.time),
            f"{_STANDARD}version": source.name,
            f"{_STANDARD}description": version.message[:_MAX_TEXT],
        }
        if version.code is not None:
            notes[f"{_STANDARD}revision"] = version.code.commit
        data = ModelManifest(described, self.layers, notes).encode()
        if len(data) > MAX_BYTES:
            raise errors.ManifestTooLarge(version=source.name, files=len(source.files), limit=MAX_BYTES >> 20)
        return data

    def _layer(self, file: HubFile) -> Descriptor:
        notes = {**_path(file.path), media_types.ROLE: file.role, media_types.FILE: file.id}
        media_type = media_types.raw(media_types.kind_of(file.path, file.role))
        return Descriptor(media_type, f"sha256:{self.sha256[file.id]}", file.size, notes)

    def _descriptor(self) -> dict[str, Any]:
        """Return what describes the model: who, when, which version."""
        version, about = self.source.version, self.source.manifest.model
        code = version.code
        values = {
            "name": self.source.manifest.name,
            "version": f"v{version.number}",
            "createdAt": str(version.time),
            "authors": [str(version.author)],
            "description": about.get("description"),
            "licenses": [about["license"]] if about.get("license") else None,
            "revision": code.commit if code is not None else None,
            "sourceURL": code.remote if code is not None else None,
        }
        return {key: value for key, value in values.items() if value}

    def _technical(self) -> dict[str, Any]:
        """Return the technical data, as far as the version says it."""
        values = {"architecture": self.source.manifest.parameters.get("architecture"), "format": self._format()}
        return {key: value for key, value in values.items() if isinstance(value, str) and value}

    def _format(self) -> str | None:
        """Return the format of the largest weights."""
        weights = [file for file in self.source.files if media_types.kind_of(file.path, "") == media_types.WEIGHT]
        largest = max(weights, key=lambda file: file.size, default=None)
        suffix = f".{largest.path.rpartition('.')[2].lower()}" if largest is not None else ""
        return _FORMATS.get(suffix, suffix.removeprefix(".")) or None


def difference(source: HubVersion, known: Mapping[FileId, str], stored: ModelManifest) -> str:
    """Return how a stored manifest differs from the artifact of a version; empty if it is that.

    `known` are the SHA-256 hashes that are known of files; others are compared by the BLAKE3 hash that is stored.
    """
    objects = stored.version
    if objects is None:
        return "it was not published by mvc"
    if objects.digest != digest_of(source.document):
        return "it is another version"
    if set(stored.files) != {file.path for file in source.files}:
        return "it has other files"
    for file in source.files:
        layer = stored.files[file.path]
        is_equal = layer.size == file.size and layer.annotations.get(media_types.FILE) == file.id
        if not is_equal or layer.sha256 != known.get(file.id, layer.sha256):
            return f"{file.path} is another file"
    return ""


def _path(path: str) -> dict[str, str]:
    return {media_types.PATH: path, media_types.TITLE: path}


def _described(media_type: str, content: bytes, notes: Mapping[str, str]) -> Descriptor:
    return Descriptor(media_type, digest_of(content), len(content), notes)
