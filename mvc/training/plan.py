"""What was asked of a run, and the weights it was given: values, which can be pickled."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from mvc import errors
from mvc.api.session import PathLike, Who
from mvc.model import paths

Every = Literal["end", "best"] | int
"""When versions are recorded: once at the end, also at each improvement, or also every so many epochs."""
Keep = Literal["finished", "failed"]
"""Which runs are recorded: those that finish, or also those that fail."""
Mode = Literal["max", "min"]
SECTIONS = ("parameters", "metrics", "labelmap", "about", "docker", "source", "intent")
"""The sections of values, in the order and by the names of `Model.record`."""
Report = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of a run; `mvc.training.run.run` describes them. `folder` and `path` are absolute."""

    model: str | None
    path: str
    name: str
    branch: str | None
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    every: Every
    optimizer: bool
    strict: bool
    push: str | None
    message: str | None
    keep: Keep
    actor: Who | None
    environment: bool
    folder: str
    is_own_folder: bool
    role: str
    report: Report | None

    @property
    def own_branch(self) -> str:
        """The branch of the run's own versions."""
        return f"run/{self.name}"


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that the training gave, the files that belong to them by role, and the metrics measured on them."""

    path: Path
    metrics: Mapping[str, float]
    files: Mapping[str, Path]
    epoch: float | None
    stamp: tuple[int, int, int]

    @classmethod
    def of(
        cls, path: PathLike, metrics: Mapping[str, float], files: Mapping[str, PathLike], epoch: float | None
    ) -> Self:
        """Return weights as they are now. Raises NoSuchFile, NotRegularFile, UnreadableFile."""
        place = regular(path)
        belonging = {role: regular(file) for role, file in files.items()}
        return cls(place, metrics, belonging, epoch, _stamp(place))

    @property
    def changed(self) -> bool:
        """Whether the file is not the one that was given any more."""
        try:
            return _stamp(self.path) != self.stamp
        except OSError:
            return True


def regular(path: PathLike) -> Path:
    """Return the absolute path of a regular file. Raises NoSuchFile, NotRegularFile, UnreadableFile."""
    place = Path(os.path.abspath(path))
    shown = paths.escape_name(os.fspath(place))
    try:
        mode = os.stat(place).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise errors.NoSuchFile(path=shown) from None
    except OSError as error:
        raise errors.UnreadableFile(path=shown, reason=error.strerror) from error
    if not stat.S_ISREG(mode):
        raise errors.NotRegularFile(path=shown, kind="a folder or a special file")
    return place


def _stamp(path: Path) -> tuple[int, int, int]:
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns, found.st_size
