"""A version as a snapshot, to be compared with another or with the working tree."""

from __future__ import annotations

from dataclasses import replace

from mvc.model.compare.diff import Snapshot
from mvc.model.ids import VersionId
from mvc.repository.repository import Repository


def snapshot_of(repository: Repository, version: VersionId | None, model: str | None = None) -> Snapshot | None:
    """What `version` holds; None for no version. Raises Missing, Damaged.

    With `model`, its name is that one, as it is now: a model that was renamed since is not a changed one.
    """
    if version is None:
        return None
    found = repository.objects.version(version)
    manifest = repository.objects.manifest(found.manifest)
    if model is not None and manifest.name != model:
        manifest = replace(manifest, model={**manifest.model, "name": model})
    return Snapshot(manifest, repository.objects.tree(found.tree))


def called(repository: Repository, version: VersionId) -> str:
    """How people are told of a version: `v7 3f9c2ab1d0`."""
    return f"v{repository.objects.version(version).number} {version[:10]}"
