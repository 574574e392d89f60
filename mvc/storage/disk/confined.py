"""Confined paths below one folder: no `..`, no symbolic links, and only regular files are opened.

    packs/77/x.pack   yes      ../x   /x   packs//x   no      packs -> /home/ana/photos   no: IrregularFile names the link

A `.mvc` may come from somebody else, in an archive or on a shared disk. A command that runs in it reads, creates, changes
and removes nothing outside of it. A folder that was checked once is not checked again.
"""

from __future__ import annotations

import contextlib
import os
import stat as stat_module
from collections.abc import Iterator
from pathlib import Path

from mvc import errors
from mvc.storage.disk.file_stat import Stat

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Flags that open a file without following a link, and without waiting for the other end of a pipe."""
_KINDS = {
    stat_module.S_IFREG: "a file",
    stat_module.S_IFLNK: "a symbolic link",
    stat_module.S_IFDIR: "a folder",
    stat_module.S_IFIFO: "a pipe",
    stat_module.S_IFSOCK: "a socket",
}


class Inside:
    """The paths below one folder; `root` itself may be a link."""

    def __init__(self, root: Path) -> None:
        """Check no folder yet."""
        self.root = root
        self._root = os.fspath(root)
        self._above = os.path.join(self._root, "")
        self._folders: set[str] = set()

    def path(self, name: str) -> Path:
        """Return the path of `name`, whose last part may be of any type; raise UnsafePath, IrregularFile."""
        return Path(self.text(name))

    def text(self, name: str) -> str:
        """Return the path of `name` as text, which is cheaper for thousands of reads; raise as `path`."""
        parts = name.split("/")
        if name and ("" in parts or "." in parts or ".." in parts or "\0" in name):
            raise errors.UnsafePath(path=name, reason="it is outside the folder of the store")
        above = name.rpartition("/")[0]
        if above and above not in self._folders:
            self._look(parts[:-1])
        return self._above + name if name else self._root

    def folder(self, name: str) -> Path:
        """Return the path of the folder `name`, which may be absent; raise UnsafePath, IrregularFile for a link."""
        return Path(self.folder_text(name))

    def folder_text(self, name: str) -> str:
        """Return the path of a folder as text; raise as `folder`."""
        path = self.text(name)
        if name and name not in self._folders:
            self._look(name.split("/"))
        return path

    def _look(self, parts: list[str]) -> None:
        """Raise IrregularFile for the first of these folders, from the root down, that is a link."""
        name = ""
        for part in parts:
            name = f"{name}/{part}" if name else part
            if name in self._folders:
                continue
            try:
                mode = os.lstat(self._above + name).st_mode
            except (FileNotFoundError, NotADirectoryError):
                return
            if stat_module.S_ISLNK(mode):
                raise errors.IrregularFile(path=self.root / name, kind=kind_of(mode))
            if not stat_module.S_ISDIR(mode):
                return
            self._folders.add(name)


def files(folder: str | Path, name: str) -> Iterator[tuple[str, Stat]]:
    """Yield the name and the stat of each file at any depth below a folder that is called `name`; links are not followed.

    What is removed meanwhile is left out.
    """
    waiting: list[tuple[str | Path, str]] = [(folder, name)]
    while waiting:
        folder, name = waiting.pop()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
            for entry in entries:
                own = f"{name}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, own))
                    continue
                try:
                    found = Stat.of(entry.stat(follow_symlinks=False))
                except FileNotFoundError:
                    continue
                yield own, found


def last_file(folder: os.DirEntry[str]) -> tuple[str, Stat] | None:
    """Return the last name in a folder, with its stat; None if it is not a folder or empty, or the last is not a file."""
    try:
        if not folder.is_dir(follow_symlinks=False):
            return None
        name = max(os.listdir(folder.path))
        found = Stat.of(os.stat(f"{folder.path}/{name}", follow_symlinks=False))
    except (OSError, ValueError):  # empty, or changed meanwhile
        return None
    return (name, found) if found.is_file else None


def open_regular(path: str | Path, flags: int = READ, mode: int = 0o666) -> int:
    """Open a regular file and return its descriptor; raise IrregularFile for anything else, and OSError.

    The caller closes it. Links are never followed, and pipes never block, for any `flags`.
    """
    return _opened(path, flags, mode)[0]


def _opened(path: str | Path, flags: int = READ, mode: int = 0o666) -> tuple[int, os.stat_result]:
    """Open a regular file, as `open_regular`; return its stat, too."""
    try:
        fd = os.open(path, flags | READ, mode)
    except FileNotFoundError:
        raise
    except OSError as error:
        with contextlib.suppress(OSError):
            found = os.lstat(path)
            if not stat_module.S_ISREG(found.st_mode):
                raise errors.IrregularFile(path=Path(path), kind=kind_of(found.st_mode)) from error
        if isinstance(error, NotADirectoryError):
            raise other_kind(Path(path)) from error
        raise
    found = os.fstat(fd)
    if not stat_module.S_ISREG(found.st_mode):
        os.close(fd)
        raise errors.IrregularFile(path=Path(path), kind=kind_of(found.st_mode))
    return fd, found


def read_regular(path: str | Path, limit: int) -> bytes:
    """Return the bytes of a regular file; raise as `open_regular`, and Damaged when it has more than `limit`."""
    fd, found = _opened(path)
    try:
        pieces: list[bytes] = []
        left, wanted = limit + 1, min(found.st_size, limit) + 1  # a buffer of `limit` bytes costs more than most reads
        while left and (piece := os.read(fd, min(left, wanted))):
            pieces.append(piece)
            left -= len(piece)
            if limit + 1 - left == found.st_size:  # a read of one byte more ended here
                break
    finally:
        os.close(fd)
    if not left:
        raise errors.Damaged(what=Path(path), reason=f"it is larger than {limit} bytes")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def read_given(path: Path, limit: int) -> bytes:
    """Return up to `limit` bytes of a file that the user named, which may be a link or a pipe. Raises OSError.

    A pipe that nobody writes to is empty, and does not block.
    """
    with open(path, "rb", opener=lambda place, flags: os.open(place, flags | os.O_NONBLOCK)) as file:
        os.set_blocking(file.fileno(), True)
        return file.read(limit)


def other_kind(path: Path) -> errors.IrregularFile:
    """Return the error for `path`, or the first folder above it, that exists but is of the wrong type."""
    for each in (path, *path.parents):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            mode = os.lstat(each).st_mode
            place = "where a file belongs" if stat_module.S_ISDIR(mode) else "where a folder belongs"
            return errors.IrregularFile(path=each, kind=f"{kind_of(mode)} {place}")
    return errors.IrregularFile(path=path, kind="changing while mvc reads it")


def kind_of(mode: int) -> str:
    """Return the noun for a file type, by its mode bits."""
    return _KINDS.get(stat_module.S_IFMT(mode), "a device")
