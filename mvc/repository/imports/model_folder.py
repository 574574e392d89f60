"""The folder of a new model: the repository's root, else a folder of its name in which no model tracks a file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.repository.worktree import model_file


def of_new_model(repository: Repository, key: str) -> str:
    """Return the folder of the new model `key`, a path from the repository's root; "" is the root.

    A model's folder is its own: files that another model tracks there would be gone from that model.
    """
    if not repository.heads.models() and model_file.read(repository, "") is None:
        return ""
    tracked = set(_tracked(repository))
    names = itertools.chain([key], (f"{key}-{number}" for number in itertools.count(2)))
    return next(name for name in names if not any(path.startswith(f"{name}/") for path in tracked))


def _tracked(repository: Repository) -> Iterator[str]:
    """Yield the files of the current versions of all models, from the repository's root."""
    for key in repository.heads.models():
        model = Model(repository, key)
        version = history.snapshot(repository, model.current)
        folder = model.head.folder
        for entry in version.tree.entries if version is not None else ():
            yield f"{folder}/{entry.path}" if folder else entry.path
