"""Files and folders outside any `.mvc`: settings of a person, and folders built beside their place."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mvc import errors, lazy
from mvc.storage.disk import hidden_names
from mvc.storage.disk.primitives import step, sync_folder, writing
from mvc.storage.disk.temporary import Temporary


def make_folder(path: Path) -> None:
    """Make a folder outside any `.mvc`, and those above it, durably."""
    if not path.parent.is_dir():
        make_folder(path.parent)
    with writing(path):
        step("mkdir", path)
        path.mkdir()
        sync_folder(path.parent)


def discard_folder(path: Path) -> None:
    """Remove a folder that an interrupted command left half made."""
    step("rmtree", path)
    lazy.load("shutil").rmtree(path, ignore_errors=True)


def sweep_beside(folder: Path) -> None:
    """Remove what killed commands left in a folder outside any `.mvc` where they built something beside its place."""
    for name in hidden_names.left(folder):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            discard_folder(path)
        else:
            with contextlib.suppress(OSError):
                step("unlink", path)
                path.unlink()


def replace_outside(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a small file outside any `.mvc` (a person's settings, a `.gitignore`) atomically with `data`.

    A link stays, and its target is written. Raises NotRegularFile for a device, a folder and the like, which a
    file must never take the place of.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise errors.NotRegularFile(path=path, kind="a folder, a device or the like")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    sweep_beside(path.parent)
    temporary = Temporary(hidden_names.path_for(path))
    try:
        temporary.write(data)
        temporary.close(mode)
        with writing(path):
            step("rename", path)
            os.replace(temporary.path, path)
            sync_folder(path.parent)
    finally:
        temporary.discard()


def rename_new_folder(source: Path, target: Path) -> None:
    """Give the finished folder `source` the name `target`, durably; an empty or absent `target` is replaced."""
    with writing(target):
        step("rename", target)
        os.rename(source, target)
        sync_folder(target.parent)
