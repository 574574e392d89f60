"""A reader of ModelPack artifacts, written from the specification alone: manifest, config, layers and their files."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LAYER = re.compile(
    r"application/vnd\.cncf\.model\.(weight|weight\.config|doc|code|dataset)\.v1\.(raw|tar|tar\+gzip|tar\+zstd)"
)
_DESCRIPTOR: Mapping[str, type] = {
    "createdAt": str, "authors": list, "family": str, "name": str, "docURL": str, "sourceURL": str, "datasetsURL": list,
    "version": str, "revision": str, "vendor": str, "licenses": list, "title": str, "description": str,
}  # fmt: skip
_CONFIG: Mapping[str, type] = {
    "architecture": str, "format": str, "paramSize": str, "precision": str, "quantization": str, "capabilities": dict,
}  # fmt: skip
OWN = "application/vnd.mvc.version.v1+json"
"""The one layer that is not of the specification."""


def read(manifest: bytes, blob: Callable[[str], bytes]) -> dict[str, bytes]:
    """Check an artifact against the specification; return its files by path, those of raw layers."""
    document = json.loads(manifest)
    assert document["schemaVersion"] == 2
    assert document["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert document["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert document["config"]["mediaType"] == "application/vnd.cncf.model.config.v1+json"
    _check_texts(document.get("annotations", {}))
    config = json.loads(_content(document["config"], blob))
    layers = document["layers"]
    _check_config(config, len(layers))
    files: dict[str, bytes] = {}
    for layer, diff_id in zip(layers, config["modelfs"]["diffIds"], strict=True):
        content = _content(layer, blob)
        assert diff_id == f"sha256:{hashlib.sha256(content).hexdigest()}"  # of the layer without compression
        _check_texts(layer.get("annotations", {}))
        if layer["mediaType"] != OWN:
            assert _LAYER.fullmatch(layer["mediaType"]), layer["mediaType"]
            path = layer["annotations"]["org.cncf.model.filepath"]
            assert path not in files
            files[path] = content
    return files


def _content(descriptor: Mapping[str, Any], blob: Callable[[str], bytes]) -> bytes:
    assert _DIGEST.fullmatch(descriptor["digest"])
    content = blob(descriptor["digest"])
    assert len(content) == descriptor["size"]
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == descriptor["digest"]
    return content


def _check_config(config: Any, layers: int) -> None:
    assert set(config) == {"descriptor", "config", "modelfs"}
    _check_types(config["descriptor"], _DESCRIPTOR)
    _check_types(config["config"], _CONFIG)
    assert dt.datetime.fromisoformat(config["descriptor"]["createdAt"]).tzinfo is not None
    assert config["descriptor"].get("name") != ""
    assert set(config["modelfs"]) == {"type", "diffIds"}
    assert config["modelfs"]["type"] == "layers"
    assert len(config["modelfs"]["diffIds"]) == layers >= 1


def _check_types(table: Mapping[str, Any], types: Mapping[str, type]) -> None:
    for key, value in table.items():
        assert isinstance(value, types[key]), key
        assert not isinstance(value, list) or all(isinstance(item, str) for item in value)


def _check_texts(annotations: Mapping[str, Any]) -> None:
    assert all(isinstance(value, str) for value in annotations.values())
