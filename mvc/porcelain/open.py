"""`mvc.open`: the repository that contains a folder, or a remote without a clone."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import lazy
from mvc.model.version import Person, Timestamp
from mvc.repository.discovery import find_root
from mvc.repository.repository import Actor, Repository
from mvc.storage.disk.outside import discard_folder
from mvc.storage.records.config import TRUSTED_HOSTS, user_file

if TYPE_CHECKING:
    from mvc.porcelain import clone
    from mvc.remotes.backends import address
    from mvc.repository.policy import take
    from mvc.transport import fast_forward, trust
else:
    clone = lazy.Module("mvc.porcelain.clone")
    address = lazy.Module("mvc.remotes.backends.address")
    take = lazy.Module("mvc.repository.policy.take")
    fast_forward = lazy.Module("mvc.transport.fast_forward")
    trust = lazy.Module("mvc.transport.trust")

_NOBODY = Actor(Person("mvc", "mvc@localhost"), Timestamp(0))
"""The reader's identity in records, which never leave this process."""


def open_repository(
    path: str | os.PathLike[str] = ".",
    *,
    user_config: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    offline: bool = False,
    lock_timeout: float | None = None,
    force_policy: str = "",
) -> Repository:
    """Open the repository that contains the folder `path`; `user_config` replaces the user's settings file.

    `environ` locates that file (MVC_CONFIG, XDG_CONFIG_HOME, HOME), and names more trusted hosts (MVC_TRUSTED_HOSTS).

    A URL (`s3://...`) opens a remote, `URL#MODEL` only one model of it: its metadata is fetched now, the content of files when it is read, into a
    temporary folder that is removed with the returned repository. Its host is approved for this repository. A name that the
    user's policy refuses raises TakeRefused when it is used; `force_policy` is the reason for which rules are passed. Raises
    NoRepository, IncompleteInit, NewerFormat, UnknownFeature, BadConfig; for a remote, as `clone` does.
    """
    text, own, trusted = os.fspath(path), user_config or user_file(environ), environ.get(TRUSTED_HOSTS, "")
    if "://" in text:
        return _remote(text, own, trusted, force_policy)
    repository = Repository(
        find_root(Path(text)), user_config=own, trusted_hosts=trusted, offline=offline, lock_timeout=lock_timeout
    )
    repository.force_policy = force_policy
    return repository


def _remote(text: str, user_config: Path | None, trusted: str, force_policy: str) -> Repository:
    url, model = address.with_model(text, Path.cwd())
    folder = Path(tempfile.mkdtemp(prefix="mvc-"))
    settings: dict[str, Any] = {"user_config": user_config, "trusted_hosts": trusted}
    try:
        done = clone.clone(
            *(url, folder),
            base=Path.cwd(),
            actor=_NOBODY,
            model=model,
            select=fast_forward.nothing,
            unborn=True,
            remember=False,
            force_policy=force_policy,
            **settings,
        )
        repository = Repository(folder, **settings)
        repository.force_policy = force_policy
        repository.refused = {each.ref: take.error([each]) for each in done.refused}
        trust.approve_typed(repository, address.parse(url, Path.cwd()), {}, keep=False)
    except BaseException:
        discard_folder(folder)
        raise
    weakref.finalize(repository, discard_folder, folder)
    return repository
