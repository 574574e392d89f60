"""Files and folders outside any `.mvc`: the user's settings, logs of trainings, and folders under temporary names."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from mvc import errors, lazy
from mvc.model.ids import Buffer
from mvc.storage.disk import confined, hidden_names, lock, process, rename
from mvc.storage.disk.primitives import step, sync_folder, write_all, writing
from mvc.storage.disk.temporary import Temporary

_LOCK = "lock"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def make_folder(path: Path) -> None:
    """Create a folder outside any `.mvc`, and its parents, durably."""
    if not path.parent.is_dir():
        make_folder(path.parent)
    with writing(path):
        step("mkdir", path)
        path.mkdir()
        sync_folder(path.parent)


def discard_folder(path: Path) -> None:
    """Remove the incomplete folder of an interrupted command."""
    step("rmtree", path)
    lazy.load("shutil").rmtree(path, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder outside any `.mvc`, at once for others: it is renamed first."""
    gone = hidden_names.path_for(path)
    with writing(path):
        step("rename", path)
        os.rename(path, gone)
    discard_folder(gone)


@contextlib.contextmanager
def held_folder(path: Path, timeout: float) -> Iterator[Path]:
    """Create the folder `path` if it is absent, and hold the lock in it; wait at most `timeout` seconds.

    A lock does not count if its folder was removed meanwhile. Raises LockTimeout, NotWritable, IrregularFile for a link.
    """
    confined.Inside(path.parent).folder(path.name)
    while True:
        with writing(path), contextlib.suppress(FileExistsError):
            step("mkdir", path)
            path.mkdir()
        try:
            fd = confined.open_regular(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o666 & ~process.umask())
        except FileNotFoundError:
            continue
        try:
            lock.take(fd, path / _LOCK, timeout)
            if _is_at(fd, path / _LOCK):
                yield path
                return
        finally:
            os.close(fd)


def _is_at(fd: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    return False


def sweep_beside(folder: Path) -> None:
    """Remove the leftovers of killed commands from a folder outside any `.mvc`."""
    for name in hidden_names.left(folder):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            discard_folder(path)
        else:
            with contextlib.suppress(OSError):
                step("unlink", path)
                path.unlink()


def replace_outside(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a small file outside any `.mvc` (the user's settings, a `.gitignore`) atomically with `data`.

    A link is kept, and its target replaced. Raises NotRegularFile for a device, a folder and the like, which must never be
    replaced.
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


def create_outside(path: Path, data: Buffer) -> bool:
    """Create a small file with `data`, and the folders above it; return False if the name is taken. Raises as `writing`.

    A kill leaves no part of it, where the file system can rename a file to a free name only.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path):
        return False
    temporary = Temporary(hidden_names.path_for(path))
    try:
        temporary.write(data)
        temporary.close(0o666)
        with writing(path):
            step("rename", path)
            return rename.exclusively(temporary.path, path)
    except errors.NoExclusiveCreate:
        return _create_in_place(path, data)
    finally:
        temporary.discard()


def _create_in_place(path: Path, data: Buffer) -> bool:
    with writing(path):
        step("create", path)
        try:
            fd = os.open(path, _NEW, 0o666)
        except FileExistsError:
            return False
        _append(fd, data, path)
    return True


def append_outside(path: Path, data: Buffer) -> int:
    """Append `data` to a file by one write, so that a kill leaves whole lines; return its size. Raises as `writing`.

    If the disk is full, the part that was written is cut off again.
    """
    with writing(path):
        return _append(os.open(path, _APPEND), data, path)


def remove_outside(path: Path) -> None:
    """Remove a file, or an empty folder, that may be gone already."""
    with contextlib.suppress(OSError):
        step("unlink", path)
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()


def _append(fd: int, data: Buffer, path: Path) -> int:
    try:
        before = os.fstat(fd).st_size
        try:
            return before + write_all(fd, (data,), path)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, before)
            raise
    finally:
        os.close(fd)


def rename_new_folder(source: Path, target: Path) -> None:
    """Rename the finished folder `source` to `target`, durably; replace an empty `target`."""
    with writing(target):
        step("rename", target)
        os.rename(source, target)
        sync_folder(target.parent)
