"""Discovery: the repository that a folder belongs to, and the model."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mvc import errors
from mvc.model.toml import parse
from mvc.repository.parts import DIRECTORY, MODEL_TOML
from mvc.repository.repository import Repository

_MAX_GITFILE = 8192
"""Characters of a `.git` file that are read."""


def find_root(folder: Path) -> Path:
    """Return the folder at or above `folder` that has `.mvc`. Raises NoRepository, OtherWorktree."""
    start = Path(os.path.abspath(folder))
    found = _at_or_above(start)
    if found is not None:
        return found
    elsewhere = _in_main_worktree(start)
    root = _at_or_above(elsewhere) if elsewhere is not None else None
    if root is not None:
        raise errors.OtherWorktree(where=start, repository=root / DIRECTORY, folder=elsewhere)
    raise errors.NoRepository(where=start)


def _at_or_above(folder: Path) -> Path | None:
    return next((above for above in (folder, *folder.parents) if (above / DIRECTORY).is_dir()), None)


def _in_main_worktree(folder: Path) -> Path | None:
    """Return the corresponding folder in the main Git worktree, if `folder` is in a linked one.

    In a linked worktree, `.git` is a file with the line `gitdir: MAIN/.git/worktrees/NAME` (gitrepository-layout(5)).
    """
    top = next((above for above in (folder, *folder.parents) if (above / ".git").is_file()), None)
    if top is None:
        return None
    with contextlib.suppress(OSError, UnicodeDecodeError), open(top / ".git", encoding="utf-8") as file:
        git = Path(top, file.read(_MAX_GITFILE).removeprefix("gitdir:").strip())
        if git.parent.name == "worktrees" and git.parent.parent.name == ".git":
            return git.parent.parent.parent / folder.relative_to(top)
    return None


def find_model(repository: Repository, folder: Path, key: str | None = None) -> str:
    """Return the model `key`, else the one of the nearest model.toml at or above `folder`, else the only one.

    Raises NoModel, WhichModel, NotInitialized, TwoFolders, MovedFolder, and the errors of the model.toml.
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
    """Return the name in the nearest model.toml, and its folder from the repository's root."""
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
        name = parse.load(repository.tree.read(path), where=path).get("model", {}).get("name")
        if not isinstance(name, str):
            raise errors.NoModelName(where=path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except errors.Usage:
        known = _at_home(repository, folder)
        if known is None:
            raise
        return known  # broken, so `restore`, `reset` and `switch` must still work here
    return name


def _at_home(repository: Repository, folder: str) -> str | None:
    """Return the model whose HEAD records this folder."""
    for model in repository.heads.models():
        head = repository.heads.get(model)
        if head is not None and head.folder == folder:
            return model
    return None
