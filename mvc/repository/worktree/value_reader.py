"""The files that model.toml takes values from, read in the working tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from mvc import errors, lazy
from mvc.model import paths
from mvc.model.ids import FileId, digest
from mvc.model.labelmap import Labelmap
from mvc.model.toml.rules import WARNING, Problem
from mvc.model.toml.value_file import KEY, LABELMAP, ValueFile
from mvc.model.tree import Tree

if TYPE_CHECKING:
    from mvc.formats.values import labels, sections
else:
    labels = lazy.Module("mvc.formats.values.labels")
    sections = lazy.Module("mvc.formats.values.sections")


class Files(Protocol):
    """The files of a place."""

    def open(self, path: str) -> int:
        """Return a descriptor of a file, by its path there. Raises MvcError, OSError."""


class Place(Protocol):
    """A repository, or another place with files."""

    @property
    def tree(self) -> Files:
        """Its files."""


class ValueReader:
    """Reads the value files of the model in `folder`, each once.

    With `tolerant`, a file that is absent or cannot be opened has no values: the scan of tracked files reports it. One with
    values that cannot be read is in `problems`.
    """

    def __init__(self, place: Place, folder: str, *, tolerant: bool = False) -> None:
        """Read nothing yet."""
        self._place = place
        self._folder = folder
        self.tolerant = tolerant
        self._data: dict[str, bytes | None] = {}
        self.warnings: list[Problem] = []
        self.problems: list[errors.MvcError] = []

    def labels(self, file: ValueFile) -> Labelmap:
        """Return the classes of a labelmap file. Raises BadLabels, MissingFile, UnreadableFile."""
        data = self._read(file.path, LABELMAP, labels.MAX_BYTES)
        return () if data is None else labels.read(data, file.path, file.key)

    def values(self, section: str, file: ValueFile) -> Mapping[str, Any]:
        """Return the values of `parameters` or `metrics`. Raises BadValueFile, MissingFile, UnreadableFile."""
        data = self._read(file.path, section, sections.MAX_BYTES)
        if data is None:
            return {}
        key = f"{KEY}.{section}"
        try:
            found = sections.read(data, file, section, sections.Request(key))
        except errors.MvcError as error:
            if not self.tolerant:
                raise
            self.problems.append(error)
            return {}
        left_out = sections.warning(found)
        if left_out:
            self.warnings.append(Problem(WARNING, key, f"{paths.escape_name(file.path)}: {left_out}"))
        return found.values

    def check(self, tree: Tree) -> None:
        """Raise FileChanged if a file of `tree` is not the one that was read. Files with the id "" are not compared."""
        for path, data in self._data.items():
            entry = tree.by_path.get(path)
            if entry is not None and data is not None and entry.file not in (FileId(""), digest(data)):
                raise errors.FileChanged(path=paths.escape_name(path))

    def _read(self, path: str, role: str, limit: int) -> bytes | None:
        """Return the bytes of a file, at most one more than allowed."""
        if path not in self._data:
            try:
                self._data[path] = self._opened(path, role, limit)
            except (errors.MvcError, OSError):
                if not self.tolerant:
                    raise
                self._data[path] = None
        return self._data[path]

    def _opened(self, path: str, role: str, limit: int) -> bytes:
        paths.check_path(path)
        try:
            with open(self._place.tree.open(f"{self._folder}/{path}" if self._folder else path), "rb") as file:
                return file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise errors.NoValueFile(path=paths.escape_name(path), role=role) from error
        except OSError as error:
            raise errors.UnreadableFile(path=paths.escape_name(path), reason=error.strerror) from error
