"""The history that a source outside mvc has: folders of runs, a Git or DVC repository, a model hub, another mvc repository.

    source ─ read ─► SourceHistory: steps, parents first ─ recorded ─► versions, branches, tags, aliases

Everything that goes into a version comes from the source, so that everybody who imports it gets the same ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.model.version import Code, Person, Timestamp, Version
from mvc.storage.records.annotations.log import Annotation
from mvc.storage.records.promised import Expired

Sink = Callable[[bytes], object]
"""A consumer of a file's bytes, block by block."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """The checksum by which a source names a content: an algorithm of `digests`, such as `sha256`, and the hexadecimal digest."""

    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a step, with its path and its role in the version.

    `content` is a file on disk, which is not a link, or a function that writes the bytes into a sink, block by block; it may
    be called again. A `checksum` and a `size` are verified; content whose checksum an earlier import saw is not read again.
    A `remote` one is downloaded, which a dry run does not do.
    """

    path: str
    role: str
    content: Path | Callable[[Sink], object]
    size: int | None = None
    checksum: Checksum | None = None
    executable: bool = False
    remote: bool = False


@dataclass(frozen=True, slots=True)
class VersionObjects:
    """The objects of a version that mvc published: importing them gives the same id."""

    version: Version
    manifest: Manifest
    tree: Tree
    model_toml: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """One state of the model in its source, which becomes one version.

    `key` names it in the source, such as a commit id or a folder; `parents` are keys of earlier steps. `sections` are the
    values of model.toml, whole: `model`, `labelmap`, `parameters`, `metrics`, `docker`, `source`, `from`; a file that
    `from` names is one of the step's. `patterns` are entries of `[files]` for folders: the files in `models/**`, say, have
    the roles `models/...`. `missing` names files whose bytes the source lacks: the step is then left out, and its children
    become those of its parents. With `objects`, the version is exactly these: files that are stored here are not read, and
    those that the source dropped (`SourceHistory.expired`) are absent.
    """

    key: str
    parents: tuple[str, ...]
    files: tuple[SourceFile, ...]
    message: str
    author: Person
    time: Timestamp
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    code: Code | None = None
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    objects: VersionObjects | None = None


@dataclass(frozen=True, slots=True)
class AliasMove:
    """A move of an alias in the source, to the step `key`; None removed it."""

    alias: str
    key: str | None
    author: Person
    time: Timestamp
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SourceHistory:
    """The steps of a source, parents first, and its names for them.

    `origin` names the source in messages; `expired` are its records of bytes that it dropped, `annotations` the notes and evaluations of its versions, by kind. `model` is the model's name there, which is in each version, and the proposed
    key; with `is_chosen`, the user chose it. The first of `branches` is checked out in a new model.
    """

    origin: str
    model: str
    steps: Sequence[Step]
    branches: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Sequence[AliasMove] = ()
    warnings: tuple[str, ...] = ()
    is_chosen: bool = False
    expired: Sequence[Expired] = ()
    annotations: Mapping[str, Mapping[VersionId, Sequence[Annotation]]] = field(default_factory=dict)
