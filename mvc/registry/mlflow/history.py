"""A registered model of MLflow as a history: a step for each version, in the order of their numbers.

version ─┬─ mvc-version.json among its files ─► the version that mvc published, with its id
         └─ run ─► parameters, metrics, Git commit; files with roles; each follows the version before
aliases ─► aliases
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.model.version import Code, Person, Timestamp
from mvc.registry.handmade import model_key
from mvc.registry.hubs import file_roles, version_objects
from mvc.registry.hubs.hub import Access
from mvc.registry.hubs.side_branches import side_branches
from mvc.registry.mlflow import address
from mvc.registry.mlflow.address import Address
from mvc.registry.mlflow.database import Database
from mvc.registry.mlflow.registry import Artifact, ModelRegistry, ModelVersion, NoArtifactsError, Run
from mvc.registry.mlflow.server import Server
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import AliasMove, SourceFile, SourceHistory, Step, VersionObjects
from mvc.repository.parts import MAIN

AUTHOR = "mlflow"
ID = "mvc.id"
"""The tag of a model version with the id of the version that mvc published as it."""
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\Z")
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
_LAST_SECOND = (1 << 31) - 1
_MAX_DIGITS = 18


@contextlib.contextmanager
def opened(request: Request) -> Iterator[SourceHistory]:
    """Yield the history of a registered model, of a server or in a database.

    Raises BadHubUrl, HubLacks, HubDenied, RegistryUnreachable, RegistryFault, PlainHttp, Offline.
    """
    where = address.parse(request.places[0])
    with contextlib.closing(_registry(where, request)) as registry:
        yield read(where, registry, request.branch or MAIN)


def _registry(where: Address, request: Request) -> ModelRegistry:
    if where.database is not None:
        return Database(where.database, request.settings.get("artifacts"))
    if request.repository.offline:
        raise errors.Offline(what=where.url)
    return Server(where, Access(request.environ, request.repository.approvals))


def read(where: Address, registry: ModelRegistry, branch: str) -> SourceHistory:
    """Return the history of a registered model."""
    model = registry.model(where.model)
    steps: list[Step] = []
    for version in registry.versions(where.model):
        parents = (steps[-1].key,) if steps else ()
        steps.append(_step(registry, model.description, version, parents))
    published = [step.objects.manifest.name for step in steps if step.objects is not None]
    keys = {step.key: step for step in steps}
    moves = [
        AliasMove(alias, str(number), Person(AUTHOR, ""), keys[str(number)].time)
        for alias, number in sorted(model.aliases.items())
        if str(number) in keys
    ]
    name = published[-1] if published else model_key(where.model)
    tips = [steps[-1].key] if steps else []
    branches = {branch: steps[-1].key, **side_branches(steps, tips)} if tips else {}
    return SourceHistory(where.url, name, tuple(steps), branches, aliases=moves)


def _step(registry: ModelRegistry, description: str, version: ModelVersion, parents: tuple[str, ...]) -> Step:
    run = registry.run(version.run) if version.run else Run()
    try:
        artifacts = list(registry.artifacts(version))
        missing: tuple[str, ...] = ()
    except NoArtifactsError as error:
        artifacts, missing = [], (f"the artifacts of version {version.number}: {error}",)
    objects = _objects(artifacts)
    named = version.tags.get(ID)
    if named is not None and not missing and (objects is None or objects.version.id() != named):
        missing = (f"an intact {version_objects.NAME} of version {version.number}, which mvc published",)
    name = run.name or f"version {version.number}"
    foreign = Step(
        str(version.number),
        parents,
        (),
        version.description.strip() or name,
        Person(version.user or run.user or run.tags.get("mlflow.user", "") or AUTHOR, ""),
        Timestamp(version.created // 1000 if 0 <= version.created // 1000 <= _LAST_SECOND else version.number),
        code=_code(run),
        missing=missing,
    )
    if objects is None:
        return replace(foreign, **_values(description, version, run), **_files(artifacts))
    by_path = {artifact.path: artifact for artifact in artifacts}
    files = tuple(_file(by_path[entry.path], entry.role, executable=entry.exec) for entry in objects.tree.entries)
    own = objects.version
    return replace(
        foreign, files=files, message=own.message, author=own.author, time=own.time, code=own.code, objects=objects
    )


def _objects(artifacts: Sequence[Artifact]) -> VersionObjects | None:
    """Return the version that mvc published, if all its files are among the artifacts."""
    by_path = {artifact.path: artifact for artifact in artifacts}
    document = by_path.get(version_objects.NAME)
    if document is None:
        return None
    try:
        objects = version_objects.decode(_small(document, version_objects.MAX_BYTES))
    except errors.NotCanonical:
        return None
    return objects if all(entry.path in by_path for entry in objects.tree.entries) else None


def _small(artifact: Artifact, limit: int) -> bytes:
    """Return the bytes of a small file, empty for a larger one."""
    data = bytearray()
    if artifact.size is not None and artifact.size > limit:
        return b""
    if isinstance(artifact.content, Path):
        with open(artifact.content, "rb") as file:
            data += file.read(limit + 1)
    else:
        artifact.content(data.extend)
    return bytes(data) if len(data) <= limit else b""


def _files(artifacts: Sequence[Artifact]) -> dict[str, Any]:
    own = [artifact for artifact in artifacts if artifact.path != version_objects.NAME]
    roles = file_roles.assign({artifact.path: artifact.size or 0 for artifact in own})
    files = tuple(_file(artifact, roles.roles[artifact.path]) for artifact in own)
    return {"files": files, "patterns": roles.patterns}


def _file(artifact: Artifact, role: str, *, executable: bool = False) -> SourceFile:
    is_remote = not isinstance(artifact.content, Path)
    return SourceFile(artifact.path, role, artifact.content, artifact.size, executable=executable, remote=is_remote)


def _values(description: str, version: ModelVersion, run: Run) -> dict[str, Any]:
    """Return the sections of model.toml: MLflow's own tags are left out, those of people become `key=value`."""
    tags = {**run.tags, **version.tags}
    model = {
        "description": description,
        "tags": [f"{key}={value}" for key, value in sorted(tags.items()) if not key.startswith("mlflow.")],
    }
    sections: dict[str, Mapping[str, Any]] = {
        "model": {key: value for key, value in model.items() if value},
        "parameters": {key: typed(text) for key, text in sorted(run.parameters.items())},
        "metrics": {key: value for key, value in sorted(run.metrics.items()) if math.isfinite(value)},
    }
    left = sorted(key for key, value in run.metrics.items() if not math.isfinite(value))
    warnings = (f"metrics that are not finite were left out: {', '.join(left)}",) if left else ()
    return {"sections": {name: values for name, values in sections.items() if values}, "warnings": warnings}


def typed(text: str) -> bool | int | float | str:
    """Return a parameter, which MLflow keeps as text, as the number or truth value that it is the text of."""
    if text in {"True", "False", "true", "false"}:
        return text in {"True", "true"}
    if not _NUMBER.match(text):
        return text
    if text.lstrip("-+").isdecimal():
        return int(text) if len(text) <= _MAX_DIGITS and str(int(text)) == text else text
    value = float(text)
    return value if math.isfinite(value) else text


def _code(run: Run) -> Code | None:
    commit = run.tags.get("mlflow.source.git.commit", "")
    if not _COMMIT.match(commit):
        return None
    return Code(
        commit, run.tags.get("mlflow.source.git.branch"), run.tags.get("mlflow.source.git.repoURL"), dirty=False
    )
