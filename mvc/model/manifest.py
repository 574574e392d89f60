"""Manifests: the resolved values of a `model.toml`: model, labelmap, parameters, metrics, docker, source, intent.

    {"files":{"model-latest":"best.onnx"},"kind":"manifest","labelmap":[[0,"helmet"],[1,"head"]],
     "model":{"framework":"ONNX","name":"helmet-detector","type":"OBJECT_DETECTION"},"parameters":{"epochs":100}}

Decoding checks the structure only: vocabularies, gaps between classes and keys of later releases are accepted.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from typing import Any, Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import canonical
from mvc.model.ids import ManifestId, digest
from mvc.model.toml import schema, value_file
from mvc.model.toml.value_file import ValueFile

Values = Mapping[str, Any]
"""A map of JSON values, without null: TOML has none."""

SECTIONS = ("model", "files", "parameters", "metrics", "docker", "source", "intent", "ext")
"""The parts of a manifest that are maps; an empty one is absent from the bytes."""
_KEYS = {"kind", "labelmap", "labelmap_path", *SECTIONS}


@dataclass(frozen=True, eq=False)
class Manifest:
    """The values of one version. `labelmap` is sorted by class number; two manifests are equal if their bytes are."""

    model: Values
    files: Mapping[str, str] = field(default_factory=dict)
    labelmap: tuple[tuple[int, str], ...] = ()
    labelmap_path: str | None = None
    parameters: Values = field(default_factory=dict)
    metrics: Mapping[str, int | float] = field(default_factory=dict)
    docker: Values = field(default_factory=dict)
    source: Values = field(default_factory=dict)
    intent: Values = field(default_factory=dict)
    ext: Values = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The model's key."""
        return str(self.model["name"])

    @property
    def type(self) -> str | None:
        """The model's type (`OBJECT_DETECTION`), if set."""
        return self.model.get("type")

    @property
    def framework(self) -> str | None:
        """The model's framework (`ONNX`), if set."""
        return self.model.get("framework")

    @property
    def docker_digest(self) -> str | None:
        """The digest of the docker image, given or resolved when the version was made; None if neither."""
        return digest_of(self.docker.get("digest"))

    @cached_property
    def value_files(self) -> Mapping[str, ValueFile]:
        """The files that sections are read from, by section, as `[from]` of model.toml names them."""
        return value_file.in_ext(self.ext)

    @property
    def value_paths(self) -> dict[str, str]:
        """The paths of the value files by section, but for the labelmap, whose file has a role of its own."""
        return {name: file.path for name, file in self.value_files.items() if name in value_file.MERGED}

    def own(self, section: str) -> dict[str, Any]:
        """Return the values of `parameters` or `metrics` that model.toml has itself; all of them without a value file."""
        values = getattr(self, section)
        if section not in self.value_files:
            return dict(values)
        keys = value_file.own_keys(self.ext, section)
        return {key: value for key, value in values.items() if key in keys}

    @cached_property
    def encoded(self) -> bytes:
        """The canonical bytes; raises NotCanonical."""
        record: dict[str, Any] = {"kind": "manifest"}
        record |= {name: dict(getattr(self, name)) for name in SECTIONS if getattr(self, name)}
        if self.labelmap:
            record["labelmap"] = [list(pair) for pair in self.labelmap]
        if self.labelmap_path is not None:
            record["labelmap_path"] = self.labelmap_path
        _check(record)
        return canonical.encode(record)

    def encode(self) -> bytes:
        """Return the canonical bytes; raise NotCanonical."""
        return self.encoded

    def id(self) -> ManifestId:
        """Return the id of the bytes."""
        return ManifestId(digest(self.encoded))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode canonical bytes; raise NotCanonical."""
        record = canonical.decode(data)
        _check(record)
        values = {name: record[name] for name in SECTIONS if name in record}
        labelmap = tuple([(index, name) for index, name in record.get("labelmap", ())])
        return cls(**values, labelmap=labelmap, labelmap_path=record.get("labelmap_path"))

    def to_toml(self) -> dict[str, Any]:
        """Return the values as in `model.toml`: those of value files as their paths, `digest = "auto"`."""
        values = {name: dict(getattr(self, name)) for name in SECTIONS if name != "ext" and getattr(self, name)}
        values |= {name: self.own(name) for name in value_file.MERGED if name in self.value_files}
        if self.value_files:
            values[value_file.KEY] = {name: file.to_toml() for name, file in self.value_files.items()}
        labels = {str(index): name for index, name in self.labelmap}
        if value_file.LABELMAP in self.value_files:
            labels = {}
        elif self.labelmap_path is not None:
            labels = {"path": self.labelmap_path}
        if labels:
            values["labelmap"] = labels
        if isinstance(self.docker.get("digest"), dict):
            values["docker"]["digest"] = self.docker["digest"]["asked"]
        return {name: values[name] for name in schema.MODEL_TOML.keys if values.get(name)}

    def resolved(self) -> dict[str, Any]:
        """Return the values as `to_toml`, with those of value files beside their paths."""
        values = self.to_toml()
        values |= {name: dict(getattr(self, name)) for name in value_file.MERGED if getattr(self, name)}
        if value_file.LABELMAP in self.value_files:
            values["labelmap"] = {str(index): name for index, name in self.labelmap}
        return {name: values[name] for name in schema.MODEL_TOML.keys if values.get(name)}

    def __eq__(self, other: object) -> bool:
        """Compare the bytes, so that `1`, `1.0` and `true` differ."""
        return self.encoded == other.encoded if isinstance(other, Manifest) else NotImplemented

    def __hash__(self) -> int:
        """Return the hash of the bytes."""
        return hash(self.encoded)


def digest_of(value: Any) -> str | None:
    """Return the digest of a docker image: of the value as it is stored, the text or the resolved one."""
    digest: str | None = value["resolved"] if isinstance(value, dict) else value
    return digest


def _check(record: Any) -> None:
    """Raise NotCanonical unless `record` has the structure of a manifest."""
    if not isinstance(record, dict) or record.get("kind") != "manifest" or not set(record) <= _KEYS:
        raise errors.NotCanonical(reason="it is not a manifest")
    for name in SECTIONS:
        if name in record and not (isinstance(record[name], dict) and record[name]):
            raise errors.NotCanonical(reason=f"{name} is an empty map or not a map")
    if not isinstance(record.get("model", {}).get("name"), str):
        raise errors.NotCanonical(reason="model.name is missing or not text")
    if not isinstance(record.get("labelmap_path", ""), str):
        raise errors.NotCanonical(reason="labelmap_path is not text")
    if "labelmap" in record:
        _check_labelmap(record["labelmap"])
    try:
        schema.check({name: record[name] for name in SECTIONS if name in record}, schema.STORED)
    except errors.MvcError as error:
        raise errors.NotCanonical(reason=error.message.rstrip(".")) from error


def _check_labelmap(pairs: Any) -> None:
    if not isinstance(pairs, list) or not pairs or not all(map(_is_class, pairs)):
        raise errors.NotCanonical(reason="labelmap is not a list of pairs of a class number and a name")
    numbers = [pair[0] for pair in pairs]
    if any(low >= high for low, high in itertools.pairwise(numbers)):
        raise errors.NotCanonical(reason="labelmap is not sorted by class number, or has a number twice")


def _is_class(pair: Any) -> bool:
    return (
        isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int and pair[0] >= 0 and isinstance(pair[1], str)
    )
