"""Folders of a store: created level by level, each durable before anything is put into it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from mvc.storage.disk import permissions
from mvc.storage.disk.confined import Inside
from mvc.storage.disk.permissions import Sharing
from mvc.storage.disk.primitives import step, sync_folder, writing
from mvc.storage.disk.temporary import TEMPORARY


def _depth(folder: Path) -> int:
    return len(folder.parts)


class Folders:
    """Creator of the folders of a store, which also syncs folders whose entries changed."""

    def __init__(
        self, root: Path, inside: Inside, sharing: Callable[[], Sharing | None], temporary_name: Callable[[], str]
    ) -> None:
        """Create folders below `root`, for the group of `sharing`; `temporary_name` returns a new name in `tmp/`."""
        self._root = root
        self._inside = inside
        self._sharing = sharing
        self._temporary_name = temporary_name
        self._changed: set[Path] = set()
        self._entered: set[Path] = set()

    def changed(self, folder: Path) -> None:
        """Note that a name in `folder` changed, for the next `sync`."""
        self._changed.add(folder)

    def sync(self) -> None:
        """Make the names in all changed folders durable."""
        changed, self._changed = self._changed, set()
        for folder in sorted(changed, reverse=True):
            with writing(folder):
                sync_folder(folder)

    def make(self, name: str) -> None:
        """Create a folder and its parents; durable after the next `sync`."""
        self._changed.update(self._made_at(self._inside.folder(name)))

    def enter(self, names: Iterable[str]) -> None:
        """Create the folders of files, level by level, each durable before anything is put into it.

        So a non-empty folder is durable; an empty one may be left by a killed command.
        """
        wanted: set[Path] = set()
        for name in names:
            folder = self._inside.folder(name.rpartition("/")[0])
            while folder not in wanted and not (folder in self._entered and folder.is_dir()):
                if folder == self._root.parent and folder.is_dir():
                    break
                wanted.add(folder)
                folder = folder.parent
        for _, level in itertools.groupby(sorted(wanted, key=_depth), _depth):
            own = list(level)
            for above in sorted({folder.parent for folder in own if self._is_fresh(folder)}):
                with writing(above):
                    sync_folder(above)
            self._entered.update(own)

    def _made_at(self, folder: Path) -> list[Path]:
        if folder.is_dir():
            return []
        above = self._made_at(folder.parent)
        with writing(folder):
            self._make(folder)
        return [folder.parent, *above]

    def _is_fresh(self, folder: Path) -> bool:
        """Create the folder if it is absent; return whether it is empty."""
        with writing(folder):
            try:
                with os.scandir(folder) as entries:
                    return next(entries, None) is None
            except FileNotFoundError:
                self._make(folder)
                return True

    def _make(self, folder: Path) -> None:
        """Create a folder, with the permissions of a shared store's folder."""
        inside_store = folder != self._root and folder.is_relative_to(self._root)
        shared = self._sharing() if inside_store else permissions.of(folder.parent, inherited=True)
        step("mkdir", folder)
        if shared is not None and inside_store:
            self._make_shared(folder, shared)
        else:
            folder.mkdir(exist_ok=True)
            if shared is not None:
                shared.adopt(folder)

    def _make_shared(self, folder: Path, shared: Sharing) -> None:
        """Create a folder of a shared store; rename it into place only once the group may write to it."""
        temporary = self._root / TEMPORARY
        if folder == temporary or not temporary.is_dir():
            folder.mkdir(exist_ok=True)
            shared.adopt(folder)
            return
        building = temporary / self._temporary_name()
        building.mkdir()
        shared.adopt(building)
        try:
            os.rename(building, folder)  # replaces an empty one
        except OSError:
            building.rmdir()
            if not folder.is_dir():
                raise
