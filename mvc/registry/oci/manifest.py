"""Manifests of model artifacts: a config and layers, each by its digest (OCI image specification 1.1).

    {"artifactType":"application/vnd.cncf.model.manifest.v1+json","config":{…},"layers":[{"digest":"sha256:9f…",…}],…}

A manifest comes from anybody: sizes, digests and texts are checked when it is decoded, paths when files are written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Self

from mvc.deferred import dataclass
from mvc.formats.syntax import foreign_json
from mvc.model.toml.schema import IMAGE_DIGEST
from mvc.registry.oci import media_types

MAX_BYTES = 4 << 20
"""The largest manifest, in bytes: what every registry accepts."""
MAX_LAYERS = 50_000
_MAX_SIZE = 1 << 50
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


class BadManifestError(ValueError):
    """A manifest, a config or an index that is not valid; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A content by its digest: media type, size in bytes and annotations."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor as a manifest has it."""
        record: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        return {**record, "annotations": dict(self.annotations)} if self.annotations else record

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Decode a descriptor. Raises BadManifestError."""
        record = _object(value, "a descriptor")
        media_type, digest, size = record.get("mediaType"), record.get("digest"), record.get("size")
        if not isinstance(media_type, str) or not isinstance(digest, str) or not IMAGE_DIGEST.match(digest):
            raise BadManifestError("a descriptor has no media type, or its digest is not sha256: and 64 hex digits")
        if type(size) is not int or not 0 <= size <= _MAX_SIZE:
            raise BadManifestError("the size of a descriptor is not a number of bytes")
        return cls(media_type, digest, size, annotations_of(record))

    @property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of the content."""
        return self.digest.partition(":")[2]


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """The manifest of a model artifact."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = media_types.ARTIFACT

    def encode(self) -> bytes:
        """Return the bytes, the same for equal manifests."""
        return encode(
            {
                "schemaVersion": 2,
                "mediaType": media_types.MANIFEST,
                "artifactType": self.artifact_type,
                "config": self.config.to_json(),
                "layers": [layer.to_json() for layer in self.layers],
                "annotations": dict(self.annotations),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode the manifest of any artifact. Raises BadManifestError."""
        record = decode(data)
        if record.get("schemaVersion") != 2 or record.get("mediaType", media_types.MANIFEST) != media_types.MANIFEST:
            raise BadManifestError("it is not a manifest of schema 2")
        layers = record.get("layers")
        if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
            raise BadManifestError(f"its layers are not a list of at most {MAX_LAYERS}")
        kind = record.get("artifactType", "")
        return cls(
            Descriptor.from_json(record.get("config")),
            tuple(map(Descriptor.from_json, layers)),
            annotations_of(record),
            kind if isinstance(kind, str) else "",
        )

    @property
    def is_model(self) -> bool:
        """True if it is the manifest of a model, of whichever tool."""
        return self.artifact_type == media_types.ARTIFACT or media_types.is_model_config(self.config.media_type)

    @property
    def version(self) -> Descriptor | None:
        """The layer with the exact objects of a version that mvc published; None for another artifact."""
        return next((layer for layer in self.layers if layer.media_type == media_types.VERSION), None)

    @property
    def files(self) -> Mapping[str, Descriptor]:
        """The layers of a published version's files, by path."""
        return {
            layer.annotations[media_types.PATH]: layer
            for layer in self.layers
            if {media_types.PATH, media_types.FILE} <= set(layer.annotations)
        }


def encode(value: Mapping[str, Any]) -> bytes:
    """Return the bytes of a document: JSON with sorted keys and no spaces."""
    return _JSON.encode(value).encode()


def decode(data: bytes) -> dict[str, Any]:
    """Return the object in the bytes of a manifest, a config or an index. Raises BadManifestError."""
    if len(data) > MAX_BYTES:
        raise BadManifestError(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        return _object(foreign_json.loads(data), "it")
    except ValueError:
        raise BadManifestError("it is not a JSON object") from None


def annotations_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations of a descriptor or a manifest; those that are not texts are left out."""
    listed = record.get("annotations")
    pairs = listed.items() if isinstance(listed, dict) else ()
    return {key: value for key, value in pairs if isinstance(value, str)}


def _object(value: Any, noun: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadManifestError(f"{noun} is not a JSON object")
    return value
