"""Weights that a training gives its run, with the metrics measured on them; the best ones become the version."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self, get_args

from mvc import errors
from mvc.api.session import PathLike
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.repository.record.request import RequestedFile
from mvc.training.plan import Every

Mode = Literal["max", "min"]
"""Whether more or less of a metric is better."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that the training gave, the files that belong to them by role, and the metrics measured on them."""

    path: Path
    metrics: Mapping[str, float]
    files: Mapping[str, Path]
    given: Mapping[Path, RequestedFile]
    """The files as they were when they were given."""

    @classmethod
    def of(cls, path: PathLike, metrics: Mapping[str, float], files: Mapping[str, Path]) -> Self:
        """Return weights as they are now. Raises NoSuchFile, NotRegularFile, UnreadableFile."""
        place = regular(path)
        return cls(place, metrics, files, {each: RequestedFile.unread(each) for each in (place, *files.values())})

    @property
    def changed(self) -> bool:
        """Whether the file is not the one that was given any more."""
        return RequestedFile.unread(self.path) != self.given[self.path]

    def again(self) -> Self:
        """Return the weights with their files as they are now."""
        return replace(self, given={path: RequestedFile.unread(path) for path in self.given})


class Selection:
    """The weights that a run was given: which are best, and which epochs are recorded meanwhile."""

    def __init__(self, every: Every) -> None:
        """Start without weights."""
        self.best: Weights | None = None
        self._every = every
        self._last_due: float | None = None

    def add(self, new: Weights, key: str | None, mode: Mode) -> bool:
        """Return whether `new` are the best weights now. Without `key`, the last ones are. Raises OverwrittenWeights."""
        if mode not in get_args(Mode):
            raise ValueError(f"mode is {mode!r}, not max or min")
        old = self.best
        is_better = (
            old is None or key is None or old.changed or _is_better(new.metrics.get(key), old.metrics.get(key), mode)
        )
        if is_better:
            self.best = new
        return is_better

    def lost(self, new: Weights, key: str | None, mode: Mode) -> Weights | None:
        """Return the best weights if their file was overwritten, and `new` are worse."""
        old = self.best
        if old is None or key is None or not old.changed:
            return None
        return old if _is_better(old.metrics.get(key), new.metrics.get(key), mode) else None

    def is_due(self, epoch: float) -> bool:
        """Return whether weights of `epoch` are recorded meanwhile: with `every=N` the Nth since the last one."""
        if isinstance(self._every, str):
            return False
        self._last_due = epoch - 1 if self._last_due is None else self._last_due
        if epoch - self._last_due < self._every:
            return False
        self._last_due = epoch
        return True


def _is_better(new: float | None, old: float | None, mode: Mode) -> bool:
    """Return whether a metric is better than the one of the best weights; one that is missing is not."""
    if new is None or old is None:
        return new is not None
    return new > old if mode == "max" else new < old


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
