"""The door to a folder that is being exported: built beside its place under a name of its own, named last."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from mvc.storage.door import Temporary, discard_folder, rename_new_folder, step, sync_folder, writing


class ExportDoor:
    """A new folder at `target`, which is absent or empty; without `finish`, nothing of it stays."""

    def __init__(self, target: Path) -> None:
        """Begin the folder; raises ReadOnlyStore, DiskFailed."""
        self._target = target.absolute()
        self._building = self._target.parent / f".{self._target.name[:100]}.mvc-{os.urandom(4).hex()}"
        self._folders: set[Path] = set()

    def __enter__(self) -> Self:
        """Make the folder that is built in."""
        self._make(self._building)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not finished."""
        discard_folder(self._building)

    @contextlib.contextmanager
    def file(self, path: str, *, executable: bool) -> Iterator[Temporary]:
        """A new file at `path` below the folder; durable when the block ends."""
        place = self._building / path
        self._make(place.parent)
        temporary = Temporary(place)
        try:
            yield temporary
            temporary.close(0o777 if executable else 0o666)
        except BaseException:
            temporary.discard()
            raise

    def finish(self) -> None:
        """Have the folder be at its target, whole and durable."""
        for folder in sorted(self._folders, reverse=True):
            with writing(folder):
                sync_folder(folder)
        rename_new_folder(self._building, self._target)

    def _make(self, folder: Path) -> None:
        if folder in self._folders or (folder.is_dir() and self._building not in (folder, *folder.parents)):
            return
        self._make(folder.parent)
        with writing(folder):
            step("mkdir", folder)
            os.mkdir(folder)
        if self._building in (folder, *folder.parents):
            self._folders.add(folder)


@contextlib.contextmanager
def one_file(target: Path) -> Iterator[Temporary]:
    """A file that is `target` when the block ends, whole and durable; an error leaves what was there as it was.

    Raises ReadOnlyStore, DiskFailed.
    """
    target = target.absolute()
    temporary = Temporary(target.parent / f".{target.name[:100]}.mvc-{os.urandom(4).hex()}")
    try:
        yield temporary
        temporary.close(0o666)
        with writing(target):
            step("rename", target)
            os.replace(temporary.path, target)
            sync_folder(target.parent)
    finally:
        temporary.discard()
