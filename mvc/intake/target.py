"""A path, folder or pattern to track: its form in `[files]`, and a base for its role.

runs/exp3/weights/best.pt   runs/exp3/weights/best.pt   best
runs/exp3/plots             runs/exp3/plots/**          plots
*.onnx                      *.onnx                      files
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.model.roles import is_glob
from mvc.repository.repository import Repository
from mvc.repository.worktree import globs

_PATTERN_ROLE = "files"


@dataclass(frozen=True, slots=True)
class Target:
    """A path or pattern to add: its path in the model's folder, its form in `[files]`, and the base of its role."""

    path: str
    pattern: str
    name: str
    is_file: bool = False

    @property
    def is_glob(self) -> bool:
        """True if it may match several files."""
        return is_glob(self.pattern)


def resolve(repository: Repository, folder: str, path: Path) -> Target:
    """Return the target at an absolute path, for the model in `folder`; raise NotInModel, NoSuchFile, UnportablePath."""
    is_above = path.name == ".."
    place = Path(os.path.realpath(path)) if is_above else Path(os.path.realpath(path.parent)) / path.name
    relative = below_model(repository, folder, place, path)
    if is_glob(relative) and not os.path.lexists(place):
        return Target(relative, relative, PurePosixPath(globs.fixed_part(relative) or _PATTERN_ROLE).name)
    if os.path.isdir(place) and not os.path.islink(place):
        if relative == ".":
            return Target("", globs.WHOLE, _PATTERN_ROLE)
        return of_folder(relative)
    if not os.path.lexists(place):
        raise errors.NoSuchFile(path=paths.escape_name(relative))
    return of_file(relative)


def of_folder(relative: str) -> Target:
    """Return the target for a folder, by its path in the model's folder; raise UnportablePath, UnsafePath."""
    paths.check_path(relative)
    return Target(relative, f"{globs.literal(relative)}/**", PurePosixPath(relative).name)


def of_file(relative: str) -> Target:
    """Return the target for a file, by its path in the model's folder."""
    name = relative.rpartition("/")[2]
    return Target(relative, globs.literal(relative), name.lstrip(".").partition(".")[0], is_file=True)


def below_model(repository: Repository, folder: str, place: Path, given: Path) -> str:
    """Return the path of `place` in the model's folder, "." for that; raise NotInModel, which names `given`."""
    try:
        return place.relative_to(os.path.realpath(repository.root / folder)).as_posix()
    except ValueError:
        raise errors.NotInModel(path=paths.escape_name(os.fspath(given)), folder=folder or "the top") from None
