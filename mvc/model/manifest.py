"""Manifests: what `model.toml` said, as resolved values: about, files, labelmap, parameters, metrics, docker, source.

    {"files":{"model-latest":"best.onnx"},"kind":"manifest","labelmap":[[0,"helmet"],[1,"head"]],
     "model":{"framework":"ONNX","name":"helmet-detector","type":"OBJECT_DETECTION"},"parameters":{"epochs":100}}

Decoding looks at the shape alone: a vocabulary, gaps between classes and keys of later releases are no business of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import ManifestId, digest
from mvc.model.toml import schema

Values = Mapping[str, Any]
"""A map of JSON values, without null: TOML has none."""

SECTIONS = ("model", "files", "parameters", "metrics", "docker", "source", "intent", "ext")
"""The parts of a manifest that are maps; one without entries is absent from the bytes."""
_KEYS = {"kind", "labelmap", "labelmap_path", *SECTIONS}


@dataclass(frozen=True, eq=False)
class Manifest:
    """The values of one version. `labelmap` is in the order of its class numbers; two are equal when their bytes are."""

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
        """What the model infers (`OBJECT_DETECTION`), if said."""
        return self.model.get("type")

    @property
    def framework(self) -> str | None:
        """What it is built with (`ONNX`), if said."""
        return self.model.get("framework")

    @property
    def docker_digest(self) -> str | None:
        """The digest of its docker image, written down or looked up when the version was made; None if neither."""
        found = self.docker.get("digest")
        return found["resolved"] if isinstance(found, dict) else found

    @cached_property
    def encoded(self) -> bytes:
        """Its exact bytes; raises NotCanonical."""
        record: dict[str, Any] = {"kind": "manifest"}
        record |= {name: dict(getattr(self, name)) for name in SECTIONS if getattr(self, name)}
        if self.labelmap:
            record["labelmap"] = [list(pair) for pair in self.labelmap]
        if self.labelmap_path is not None:
            record["labelmap_path"] = self.labelmap_path
        _check(record)
        return canonical.encode(record)

    def encode(self) -> bytes:
        """Its exact bytes; raises NotCanonical."""
        return self.encoded

    def id(self) -> ManifestId:
        """The id of its bytes."""
        return ManifestId(digest(self.encoded))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The manifest in `data`; raises NotCanonical."""
        record = canonical.decode(data)
        _check(record)
        values = {name: record[name] for name in SECTIONS if name in record}
        labelmap = tuple([(index, name) for index, name in record.get("labelmap", ())])
        return cls(**values, labelmap=labelmap, labelmap_path=record.get("labelmap_path"))

    def to_toml(self) -> dict[str, Any]:
        """The values as `model.toml` holds them: sections, a labelmap keyed by number or its path, `digest = "auto"`."""
        values = {name: dict(getattr(self, name)) for name in SECTIONS if name != "ext" and getattr(self, name)}
        labels = {str(index): name for index, name in self.labelmap}
        if self.labelmap_path is not None:
            labels = {"path": self.labelmap_path}
        if labels:
            values["labelmap"] = labels
        if isinstance(self.docker.get("digest"), dict):
            values["docker"]["digest"] = self.docker["digest"]["asked"]
        return {name: values[name] for name in schema.MODEL_TOML.keys if name in values}

    def __eq__(self, other: object) -> bool:
        """Whether the bytes are the same, so that `1`, `1.0` and `true` are three values."""
        return self.encoded == other.encoded if isinstance(other, Manifest) else NotImplemented

    def __hash__(self) -> int:
        """Of the bytes."""
        return hash(self.encoded)


def _check(record: Any) -> None:
    """Raise NotCanonical unless `record` has the shape of a manifest."""
    if not isinstance(record, dict) or record.get("kind") != "manifest" or not set(record) <= _KEYS:
        raise errors.NotCanonical(reason="it is not a manifest")
    for name in SECTIONS:
        if name in record and not (isinstance(record[name], dict) and record[name]):
            raise errors.NotCanonical(reason=f"{name} is a map with something in it, or absent")
    if not isinstance(record.get("model", {}).get("name"), str):
        raise errors.NotCanonical(reason="model has a name")
    if not isinstance(record.get("labelmap_path", ""), str):
        raise errors.NotCanonical(reason="labelmap_path is text")
    _check_labelmap(record.get("labelmap"))
    try:
        schema.check({name: record[name] for name in SECTIONS if name in record}, schema.STORED)
    except errors.MvcError as error:
        raise errors.NotCanonical(reason=error.message.rstrip(".")) from error


def _check_labelmap(pairs: Any) -> None:
    if pairs is None:
        return
    if not isinstance(pairs, list) or not pairs or not all(map(_is_class, pairs)):
        raise errors.NotCanonical(reason="labelmap is a list of pairs of a number from 0 and a name, or absent")
    numbers = [pair[0] for pair in pairs]
    if any(low >= high for low, high in itertools.pairwise(numbers)):
        raise errors.NotCanonical(reason="labelmap is in the order of its numbers, none twice")


def _is_class(pair: Any) -> bool:
    return (
        isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int and pair[0] >= 0 and isinstance(pair[1], str)
    )
