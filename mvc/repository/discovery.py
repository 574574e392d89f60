"""Which repository, and which model of it, a folder belongs to."""

from __future__ import annotations

import os
from pathlib import Path

from mvc import errors
from mvc.model import modeltoml
from mvc.repository.repository import DIRECTORY, MODEL_TOML, Repository


def find_root(folder: Path) -> Path:
    """The folder at or above `folder` that holds `.mvc`; raises NoRepository."""
    start = Path(os.path.abspath(folder))
    for above in (start, *start.parents):
        if (above / DIRECTORY).is_dir():
            return above
    raise errors.NoRepository(where=start)


def find_model(repository: Repository, folder: Path, key: str | None = None) -> str:
    """The model `key`, or the one whose model.toml is nearest at or above `folder`, or the only one there is.

    Raises NoModel, WhichModel, NotInitialized, and what is wrong with the model.toml. A model whose folder was moved is
    recognised where its model.toml lies now.
    """
    if key is not None:
        repository.head(key)
        return key
    here = _nearest(repository, folder)
    if here is None:
        models = repository.heads.models()
        if len(models) == 1:
            return models[0]
        raise errors.WhichModel(models=", ".join(models) or "none; make one with `mvc init --model NAME`")
    name, place = here
    head = repository.heads.get(name)
    if head is None:
        raise errors.NotInitialized(path=f"{place}/{MODEL_TOML}" if place else MODEL_TOML, model=name)
    if head.folder != place:
        if _name_in(repository, head.folder) == name:
            raise errors.TwoFolders(model=name, first=head.folder or ".", second=place or ".")
        raise errors.MovedFolder(model=name, old=head.folder or ".", new=place or ".")
    return name


def _nearest(repository: Repository, folder: Path) -> tuple[str, str] | None:
    """The name in the nearest model.toml, and its folder from the repository's root."""
    start = Path(os.path.realpath(folder))
    root = Path(os.path.realpath(repository.root))
    for above in (start, *start.parents):
        if above != root and root not in above.parents:
            return None
        place = "" if above == root else above.relative_to(root).as_posix()
        name = _name_in(repository, place)
        if name is not None:
            return name, place
    return None


def _name_in(repository: Repository, folder: str) -> str | None:
    path = f"{folder}/{MODEL_TOML}" if folder else MODEL_TOML
    try:
        data = repository.tree.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        name = modeltoml.load(data, where=path).get("model", {}).get("name")
        if not isinstance(name, str):
            raise errors.NoModelName(where=path)
    except errors.Usage:
        known = _at_home(repository, folder)
        if known is None:
            raise
        return known  # broken, so `restore`, `reset` and `switch` must still work here
    return name


def _at_home(repository: Repository, folder: str) -> str | None:
    """The model whose head says that it lives in `folder`."""
    for model in repository.heads.models():
        head = repository.heads.get(model)
        if head is not None and head.folder == folder:
            return model
    return None
