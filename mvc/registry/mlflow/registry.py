"""The interface of a model registry of MLflow (a typing protocol), and its values; a server and a database implement it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from mvc.deferred import dataclass

Sink = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A registered model, and the version number of each of its aliases."""

    name: str
    description: str = ""
    aliases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a registered model; `created` is in milliseconds since 1970, `source` the place of its artifacts."""

    number: int
    created: int
    source: str
    run: str = ""
    user: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """The values that a run logged: texts as parameters, the last number of each metric, tags."""

    name: str = ""
    user: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a version, with its path there; `content` is a file on disk, or writes the bytes into a sink."""

    path: str
    size: int | None
    content: Path | Callable[[Sink], object]


class ModelRegistry(Protocol):
    """A model registry. Its methods raise RegistryUnreachable, HubDenied, HubLacks and RegistryFault."""

    def model(self, name: str) -> RegisteredModel:
        """Return a registered model. Raises HubLacks."""

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Return the versions of a model, by number; without deleted ones and those that are not ready."""

    def run(self, run_id: str) -> Run:
        """Return a run; an empty one if it is gone."""

    def artifacts(self, version: ModelVersion) -> Iterator[Artifact]:
        """Yield the files of a version. Raises NoArtifactsError if their place cannot be read."""

    def close(self) -> None:
        """Close the connection."""


class NoArtifactsError(Exception):
    """The artifacts of a version are at a place that mvc does not read, or are gone."""
