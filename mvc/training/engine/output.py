"""The files that a run writes itself: its training log, the environment, and what it will record.

    mvc-runs/NAME/training-log.csv     epoch,step,<metrics>: one line per call of `log`
    mvc-runs/NAME/mvc-record.json      what the run would record now; `mvc record --resume` records it

Names that are taken get a number (`training-log-2.csv`), so that runs may share a folder. Nothing is written inside a
`.mvc`. Once the version is recorded, a folder that the user did not name is removed.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from mvc import errors
from mvc.storage.disk import outside
from mvc.storage.disk.exportdoor import outside_store

LOG = "training-log.csv"
MAX_BYTES = 64 << 20
"""The size of a training log, at most: later lines are dropped."""
MAX_COLUMNS = 1_000
FIRST = ("epoch", "step")
"""The first columns of a training log."""
_MAX_NAMES = 10_000


class OutputFolder:
    """A folder with files of a run. It is created with its first file."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which may be absent."""
        self.folder = folder
        self._paths: dict[str, Path] = {}

    def path(self, name: str) -> Path | None:
        """Return the path of the run's file `name`; None if it has not been written."""
        return self._paths.get(name)

    def write(self, name: str, data: Callable[[Path], bytes]) -> Path:
        """Create or replace the run's file `name` atomically by the bytes for its path, and return the path.

        Raises NotWritable, DiskFailed, InsideStore.
        """
        known = self._paths.get(name)
        if known is None:
            known = self._paths[name] = self._created(name, data)
        else:
            outside.replace_outside(known, data(known), 0o666)
        return known

    def append(self, name: str, data: bytes) -> int:
        """Append to the run's file `name`, and return its size. Raises NotWritable, DiskFailed."""
        return outside.append_outside(self._paths[name], data)

    def remove(self, *names: str) -> None:
        """Remove these files of the run; without names all, and the folder and the one above it if they are empty."""
        for name in names or tuple(self._paths):
            path = self._paths.pop(name, None)
            if path is not None:
                outside.remove_outside(path)
        if not names:
            outside.remove_outside(self.folder)
            outside.remove_outside(self.folder.parent)

    def _created(self, name: str, data: Callable[[Path], bytes]) -> Path:
        folder = outside_store(self.folder)
        stem, suffix = os.path.splitext(name)
        for number in itertools.count(1):
            path = folder / (name if number == 1 else f"{stem}-{number}{suffix}")
            if outside.create_outside(path, data(path)):
                return path
            if number >= _MAX_NAMES:
                break
        raise errors.NotWritable(path=folder / name, reason=f"{_MAX_NAMES} names like this one are taken")


class TrainingLog:
    """The log of a run: a CSV file that is whole to its last line whenever the process is killed.

    A new metric is a new column: the file is then replaced by one with all columns.
    """

    def __init__(self, output: OutputFolder) -> None:
        """Write to `output` with the first row."""
        self._output = output
        self._columns: list[str] = list(FIRST)
        self._size = 0

    @property
    def path(self) -> Path | None:
        """The file; None before the first row."""
        return self._output.path(LOG)

    def add(self, row: Mapping[str, float | int]) -> bool:
        """Append a row; return False if it has columns or bytes too many, and was not written whole."""
        new = [name for name in row if name not in self._columns]
        fitting = new[: max(0, MAX_COLUMNS - len(self._columns))]
        if self._size >= MAX_BYTES:
            return False
        columns = [*self._columns, *fitting]
        line = _line([_shown(row.get(name)) for name in columns])
        path = self.path
        if path is None:
            self._replace(_line(columns) + line)
        elif fitting:
            self._replace(_line(columns) + _widened(path, len(columns)) + line)
        else:
            self._size = self._output.append(LOG, line)
        self._columns = columns
        return len(new) == len(fitting)

    def _replace(self, data: bytes) -> None:
        self._output.write(LOG, lambda _: data)
        self._size = len(data)


def _widened(path: Path, count: int) -> bytes:
    """Return the rows of a log, filled up to `count` columns."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(io.StringIO(file.read(MAX_BYTES + 1_000_000))))[1:]
    return b"".join(_line([*row, *[""] * (count - len(row))]) for row in rows)


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "replace")


def _shown(value: float | None) -> str:
    """Return a number so that reading it gives the same number."""
    return "" if value is None else repr(value)
