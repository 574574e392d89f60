"""`mvc.open`: the repository that a folder belongs to, or what a remote has, without a clone."""

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
    from mvc.transport import fast_forward, trust
else:
    clone = lazy.Module("mvc.porcelain.clone")
    address = lazy.Module("mvc.remotes.backends.address")
    fast_forward = lazy.Module("mvc.transport.fast_forward")
    trust = lazy.Module("mvc.transport.trust")

_NOBODY = Actor(Person("mvc", "mvc@localhost"), Timestamp(0))
"""Whoever reads: nothing of what is noted leaves this process."""


def open_repository(
    path: str | os.PathLike[str] = ".",
    *,
    user_config: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    offline: bool = False,
    lock_timeout: float | None = None,
) -> Repository:
    """The repository at or above the folder `path`; `user_config` is a file of a person's own settings, instead of theirs.

    `environ` says where that is (MVC_CONFIG, XDG_CONFIG_HOME, HOME), and which hosts are trusted besides
    (MVC_TRUSTED_HOSTS).

    A URL (`s3://...`) opens the remote there: its metadata comes now, the bytes of files when they are read, into a
    temporary folder that goes with the repository that is returned. Its host is approved for this repository. Raises
    NoRepository, IncompleteInit, NewerFormat, UnknownFeature, BadConfig; of a remote what `clone` raises.
    """
    text, own, trusted = os.fspath(path), user_config or user_file(environ), environ.get(TRUSTED_HOSTS, "")
    if "://" in text:
        return _remote(text, own, trusted)
    return Repository(
        find_root(Path(text)), user_config=own, trusted_hosts=trusted, offline=offline, lock_timeout=lock_timeout
    )


def _remote(url: str, user_config: Path | None, trusted: str) -> Repository:
    folder = Path(tempfile.mkdtemp(prefix="mvc-"))
    settings: dict[str, Any] = {"user_config": user_config, "trusted_hosts": trusted}
    try:
        clone.clone(
            url, folder, base=Path.cwd(), actor=_NOBODY, select=fast_forward.nothing, remember=False, **settings
        )
        repository = Repository(folder, **settings)
        trust.approve_typed(repository, address.parse(url, Path.cwd()), {}, keep=False)
    except BaseException:
        discard_folder(folder)
        raise
    weakref.finalize(repository, discard_folder, folder)
    return repository
