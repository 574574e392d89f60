"""`mvc.open`: the repository that a folder belongs to."""

from __future__ import annotations

import os
from pathlib import Path

from mvc.repository.discovery import find_root
from mvc.repository.repository import Repository


def open_repository(path: str | os.PathLike[str] = ".", *, user_config: Path | None = None) -> Repository:
    """The repository at or above the folder `path`; `user_config` is a person's own settings, if they are to count.

    Raises NoRepository, IncompleteInit, NewerFormat, UnknownFeature, BadConfig.
    """
    return Repository(find_root(Path(path)), user_config=user_config)
