"""Files and folders outside any `.mvc`: the user's settings, logs of trainings, exports, folders under temporary names."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mvc import errors, lazy
from mvc.model.ids import Buffer
from mvc.storage.disk import confined, hidden_names, lock, process, rename
from mvc.storage.disk.primitives import step, sync_folder, write_all, writing
from mvc.storage.disk.temporary import Batch, Temporary

_LOCK = "lock"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_READ = 256 << 20
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def make_folder(path: Path) -> bool:
    """Create a folder outside any `.mvc`, and its parents, durably; return False if another command has created it."""
    if not path.parent.is_dir():
        make_folder(path.parent)
    with writing(path):
        step("mkdir", path)
        try:
            path.mkdir()
        except FileExistsError:
            if path.is_symlink():  # somebody has put it there
                raise
            return False
        sync_folder(path.parent)
    return True


def discard_folder(path: Path) -> None:
    """Remove the incomplete folder of an interrupted command."""
    step("rmtree", path)
    lazy.load("shutil").rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def temporary_folder(parent: Path, name: str) -> Iterator[Path]:
    """Create a new folder in `parent`, which only this user may enter, and remove it after the block.

    Its hidden name has `name`. What a killed command left is removed by the next one.
    """
    sweep_beside(parent)
    path = hidden_names.path_for(parent / name)
    with writing(parent):
        step("mkdir", path)
        path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        discard_folder(path)


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
        make_folder(path)
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
    """Rename the finished folder `source` to `target`, durably; replace an empty `target`.

    Raises NotEmpty if another command has created `target` meanwhile, and as `writing`.
    """
    with writing(target):
        step("rename", target)
        try:
            os.rename(source, target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR) and os.path.lexists(target):
                raise errors.NotEmpty(path=target) from error
            raise
        sync_folder(target.parent)


class UpdatedFolder:
    """A folder outside any `.mvc` that gets new files; links in it are never followed. Raises as `writing`.

        data/site-3f9c….js  ◄─rename─  .site-3f9c….js.<…>.mvc-tmp        files are added, and never changed
        index.html          ◄─rename─  …                                 the one commit point
        data/site-60ab….js  removed

    A kill leaves the old files or the new ones, and at most files that neither index.html names.
    """

    def __init__(self, target: Path) -> None:
        """Start without new files. `target` has no link in it, and is not in a `.mvc`."""
        self.root = target
        self._inside = confined.Inside(self.root)
        self._batch = Batch()
        self._added: list[tuple[Temporary, Path]] = []
        self._folders: dict[Path, None] = {}

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock of the folder, so that two exports do not remove each other's files."""
        with writing(self.root), lock.folder(self.root, wait=True):
            try:
                yield
            finally:
                self._batch.discard()
                for temporary, _ in self._added:
                    temporary.discard()

    def names(self) -> list[str]:
        """Return the names in the folder itself."""
        with writing(self.root):
            return sorted(os.listdir(self.root))

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file; None if it is absent or no regular file."""
        try:
            return confined.read_regular(self._inside.text(name), _MAX_READ)
        except FileNotFoundError:
            return None

    def has(self, name: str) -> bool:
        """Return whether there is something of that name."""
        return os.path.lexists(self._inside.text(name))

    def add(self, name: str, data: Buffer) -> None:
        """Write a new file, which appears with `finish`."""
        place = self._inside.path(name)
        self._make(place.parent)
        temporary = Temporary(hidden_names.path_for(place))
        self._added.append((temporary, place))
        temporary.write(data)
        self._batch.add(temporary, 0o666)

    def finish(self, listing: tuple[str, Buffer], index: tuple[str, Buffer], removed: Iterable[str]) -> None:
        """Give the new files their names: the listing of them first, the index last; then remove files, up to a failure."""
        added, self._added = self._added, []
        self.add(*listing)
        self._publish()
        self._added = added
        self._publish()
        self.add(*index)
        self._publish()
        with contextlib.suppress(OSError):
            for old in removed:
                place = self._inside.path(old)
                step("unlink", place)
                place.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # not empty
                    place.parent.rmdir()

    def _publish(self) -> None:
        self._batch.close()
        for temporary, place in self._added:
            with writing(place):
                step("rename", place)
                os.replace(temporary.path, place)
        for folder in dict.fromkeys(place.parent for _, place in self._added):
            with writing(folder):
                sync_folder(folder)
        self._added = []

    def _make(self, folder: Path) -> None:
        if folder in self._folders:
            return
        if folder != self.root:
            self._make(folder.parent)
            with writing(folder):
                if not folder.is_dir():
                    step("mkdir", folder)
                    folder.mkdir()
                    sync_folder(folder.parent)
        sweep_beside(folder)
        self._folders[folder] = None
