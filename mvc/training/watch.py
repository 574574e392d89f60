"""The weights and metrics that a command writes, in the folders where its run is looked for.

no --watch     the model's folder, and the current one if it is elsewhere
--watch PATH   a folder, a file of weights, or a pattern: only weights there are those of the run

Another `mvc run` in the same folders may write a run of its own meanwhile: without --watch, nobody knows whose it is.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake import snapshot
from mvc.intake.snapshot import Snapshot
from mvc.model.paths import escape_name
from mvc.model.roles import is_glob
from mvc.plural import first
from mvc.storage.disk.lock import Presence

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Written:
    """The folders of the runs that a command wrote, the last one last, and all files of weights and metrics it wrote.

    `chosen` is the file of weights that was asked for by its own name, in one of these runs. `loose` are weights of no run.
    """

    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    chosen: Path | None = None
    loose: tuple[Path, ...] = ()


class Watch:
    """What is watched, while the `with` block runs. It begins when the block does; `written` says what came since."""

    def __init__(self, model: Path | None, cwd: Path, patterns: Sequence[str]) -> None:
        """Watch for a model in the folder `model`; `patterns` are paths or patterns from `cwd`."""
        here = Path(os.path.realpath(cwd))
        place = Path(os.path.realpath(model)) if model is not None else here
        self.folders = (place,) if here.is_relative_to(place) else (place, here)
        self._model = place
        self._patterns = [os.path.join(cwd, pattern) for pattern in patterns]
        self._presence = Presence(self.folders)
        self._before: Snapshot = {}
        self.shared = False
        """Whether another `mvc run` was seen in the same folders, and none is named by --watch."""

    def __enter__(self) -> Self:
        """Look at what is there."""
        self._presence.__enter__()
        self._see_others()
        self._before = self._snapshot()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching."""
        self._presence.__exit__(kind, error, trace)

    @property
    def shown(self) -> str:
        """What is watched, for messages."""
        places = map(os.path.normpath, self._patterns or map(os.fspath, self.folders))
        return first([escape_name(place) for place in places], _SHOWN)

    def look(self) -> bool:
        """Look for another `mvc run`; return True if one is seen for the first time. One that begins and ends meanwhile counts."""
        known = self.shared
        self._see_others()
        return self.shared and not known

    def written(self) -> Written:
        """Return what was written since the beginning. Raises NothingWritten."""
        self._see_others()
        places = self._places()
        files = snapshot.changed(self._before, self._snapshot())
        weights = [path for path in files if snapshot.is_weights(path) and _is_of(path, places)]
        if not weights:
            raise errors.NothingWritten(where=self.shown)
        named = [path for path in weights if path in places]
        folders = tuple(snapshot.runs(weights, self.folders))
        loose = tuple(path for path in weights if not _is_of(path, folders))
        return Written(folders, tuple(files), named[-1] if named else None, loose)

    def _see_others(self) -> None:
        self.shared = self.shared or (not self._patterns and self._presence.others())

    def _snapshot(self) -> Snapshot:
        return snapshot.of((*self.folders, *self._places()), self._model)

    def _places(self) -> list[Path]:
        """Return what the patterns name now, without links; all folders if there are none."""
        if not self._patterns:
            return [*self.folders]
        named = [
            path
            for pattern in self._patterns
            for path in ([pattern] if os.path.lexists(pattern) or not is_glob(pattern) else _matches(pattern))
        ]
        return [Path(os.path.realpath(path)) for path in named]


def _matches(pattern: str) -> Iterable[str]:
    return sorted(glob.iglob(pattern, recursive=True))


def _is_of(path: Path, places: Iterable[Path]) -> bool:
    return any(path.is_relative_to(place) for place in places)
