"""`mvc clone` of a registry model: a new repository, the registry as its remote, and an import.

empty folder ─► .mvc, the registry's settings ─► import ─► the files of branch main

An interrupted clone is resumed by the same command, as in `clone`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mvc import errors
from mvc.porcelain import clone, import_
from mvc.porcelain.import_ import Imported
from mvc.registry.protocol import Registry
from mvc.remotes.backends import address
from mvc.remotes.backends.registry_address import HOST
from mvc.repository.places import PICSELLIA
from mvc.repository.repository import Actor
from mvc.storage.progress import Progress
from mvc.storage.records.clone_source import CloneSource
from mvc.transport import trust


def clone_registry(
    registry: Registry,
    model: str,
    folder: Path,
    *,
    actor: Actor,
    url: str,
    settings: Mapping[str, str] | None = None,
    version: str | None = None,
    key: str | None = None,
    user_config: Path | None = None,
    trusted_hosts: str = "",
    progress: Progress | None = None,
) -> Imported:
    """Create a repository in `folder`, which must be absent or empty, and import `model` of `registry`, which is at `url`.

    Raises NotEmpty, NotOnRegistry if no version can be imported, and as importing does; imported versions are kept for the
    next call.
    """
    source = CloneSource(f"{url}/{model}" + (f"@{version}" if version is not None else ""), key)
    with clone.resumable(folder, source, user_config, trusted_hosts) as repository:
        typed = dict(settings or {})
        trust.approve_typed(repository, address.parse(url, folder), typed)
        reached = {"host": registry.host} if registry.host != HOST else {}  # by a container, which approves only itself
        repository.config.set_remote(PICSELLIA, {"url": url, **reached, **typed})
        done = import_.import_model(
            repository, registry, model, actor, version=version, model=key, allow_unsafe=True, progress=progress
        )
        if done.model is None:
            raise errors.NotOnRegistry(registry=model, what="version that can be imported", known=_known(done))
        return done


def _known(done: Imported) -> str:
    skipped = [f"#{version.number} {version.name} ({version.notes[0]})" for version in done.versions]
    return ", ".join(skipped) or "none"
