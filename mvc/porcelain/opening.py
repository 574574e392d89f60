"""`mvc.open`: the repository that a folder belongs to, or what a remote has, without a clone."""

from __future__ import annotations

import os
import tempfile
import weakref
from pathlib import Path

from mvc import lazy
from mvc.model.version import Person, Timestamp
from mvc.repository.discovery import find_root
from mvc.repository.repository import Actor, Repository
from mvc.storage.door import discard_folder

_NOBODY = Actor(Person("mvc", "mvc@localhost"), Timestamp(0))
"""Whoever reads: nothing of what is noted leaves this process."""


def open_repository(path: str | os.PathLike[str] = ".", *, user_config: Path | None = None) -> Repository:
    """The repository at or above the folder `path`; `user_config` is a person's own settings, if they are to count.

    A URL (`s3://...`) opens the remote there: its metadata comes now, the bytes of files when they are read, into a
    temporary folder that goes with the repository that is returned. Raises NoRepository, IncompleteInit, NewerFormat, UnknownFeature,
    BadConfig; of a remote what `clone` raises.
    """
    text = os.fspath(path)
    if "://" in text:
        return _remote(text, user_config)
    return Repository(find_root(Path(text)), user_config=user_config)


def _remote(url: str, user_config: Path | None) -> Repository:
    folder = Path(tempfile.mkdtemp(prefix="mvc-"))
    try:
        clone = lazy.load("mvc.porcelain.clone")
        select = lazy.load("mvc.porcelain.pull").nothing
        clone.clone(url, folder, base=Path.cwd(), actor=_NOBODY, user_config=user_config, select=select)
        repository = Repository(folder, user_config=user_config)
    except BaseException:
        discard_folder(folder)
        raise
    weakref.finalize(repository, discard_folder, folder)
    return repository
