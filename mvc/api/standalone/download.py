"""Downloads without a repository: the files of one version, from a remote to a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mvc.api.session import PathLike, texts
from mvc.environment import Environment
from mvc.porcelain import download as porcelain
from mvc.porcelain.download import Downloaded, Setup, Source
from mvc.remotes.remote import JOBS
from mvc.storage.progress import Progress


def download(
    source: str,
    directory: PathLike,
    *,
    roles: str | Iterable[str] = (),
    lock: PathLike | None = None,
    force: bool = False,
    by_role: bool = False,
    jobs: int = JOBS,
    limit: float | None = None,
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    **settings: str,
) -> Downloaded:
    """Download a version, `URL#MODEL@REV`, to a folder, without a repository; resume an interrupted download.

    `roles` are roles, paths or patterns, by default all; `lock` is a file that records the files, `settings` are the
    remote's. With `by_role`, files are named by role and suffix, `model-latest.pt`. Raises FilesDiffer, SeveralModels, UnknownRevision, NotInRemoteVersion, and as `clone`.
    """
    environment = Environment.current(environ)
    return porcelain.download(
        Source.parse(source),
        _absolute(directory, environment),
        _setup(environment, jobs, limit, progress),
        names=texts(roles),
        settings=_options(settings),
        lock=_absolute(lock, environment) if lock is not None else None,
        force=force,
        by_role=by_role,
    )


def download_locked(
    lock: PathLike,
    directory: PathLike = ".",
    *,
    url: str | None = None,
    force: bool = False,
    by_role: bool = False,
    jobs: int = JOBS,
    limit: float | None = None,
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    **settings: str,
) -> Downloaded:
    """Download exactly the files that a lock file records, from its URL or from `url`, with its `settings`.

    Only a `url` that is given is approved. Raises BadLockFile, LockMismatch, LockNotTrusted, and as `download`.
    """
    environment = Environment.current(environ)
    return porcelain.download_locked(
        _absolute(lock, environment),
        _absolute(directory, environment),
        _setup(environment, jobs, limit, progress),
        url=url,
        settings=_options(settings),
        force=force,
        by_role=by_role,
    )


def _setup(environment: Environment, jobs: int, limit: float | None, progress: Progress | None) -> Setup:
    return Setup(
        environment.cwd,
        environment.user_config,
        environment.trusted_hosts,
        environment.offline,
        environment.lock_timeout,
        jobs,
        limit,
        progress,
    )


def _absolute(path: PathLike, environment: Environment) -> Path:
    return Path(os.path.abspath(environment.cwd / path))


def _options(settings: Mapping[str, str]) -> dict[str, str]:
    return {key.replace("_", "-"): value for key, value in settings.items()}
