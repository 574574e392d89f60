"""The one way to read and change the working tree: never through a link, never in `.mvc`.

Every path is walked folder by folder with O_NOFOLLOW from the root's descriptor, so a link put in the way at any moment
is refused rather than followed, and `..` is refused in every path. Each folder entered is compared by device and inode
with the reserved ones (`.mvc`, `.git`), which catches every other spelling that a filesystem may accept for them (as jj
does).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat as stat_module
from collections.abc import Iterator, Mapping
from pathlib import Path

from mvc import errors, lazy
from mvc.model import paths
from mvc.storage.disk import hidden_names, process, unsupported
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.primitives import nameless, step, sync_file, writing

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MAX_SMALL = 8 << 20
"""The largest file that is read as a whole, in bytes."""


class TreeDoor:
    """The files below `root`; paths are relative to it, with `/`."""

    def __init__(self, root: Path, store: StoreDoor, *, filemode: bool = True) -> None:
        """Open `root`, whose own `.mvc` is `store`. Without `filemode`, executable bits are ignored."""
        self.root = root
        self._filemode = filemode
        self._store = store
        self._touched: set[str] = set()
        self._followed: dict[str, str] = {}
        self.kept_folder: str | None = None
        """The current folder of this process, if it is kept although it became empty."""

    # --- reading

    def stat(self, path: str) -> Stat | None:
        """Return the stat of `path` without following a link; None if it is absent.

        Raises UnsafePath if one of its folders is a link or reserved.
        """
        try:
            with self._parent(path) as (folder, name):
                return Stat.of(os.stat(name, dir_fd=folder, follow_symlinks=False))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def is_executable(self, stat: Stat, *, recorded: bool) -> bool:
        """Return whether a file counts as executable: the `recorded` bit if the file system invents bits."""
        return stat.executable if self._filemode else recorded

    def open(self, path: str) -> int:
        """Return a descriptor of a regular file for reading; the caller closes it.

        Raises NotRegularFile, UnsafePath, and OSError (FileNotFoundError, PermissionError) as the system does.
        """
        if path in self._followed:
            return self._open_target(path, self._followed[path])
        with self._parent(path) as (folder, name):
            try:
                fd = os.open(name, _FILE, dir_fd=folder)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO):
                    raise errors.NotRegularFile(path=path, kind=self._kind(folder, name)) from error
                raise
        if not stat_module.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise errors.NotRegularFile(path=path, kind="a folder or a special file")
        return fd

    def follow(self, links: Mapping[str, str]) -> None:
        """Open these links, by path, as their targets, which are resolved absolute paths.

        Only `open` follows them. All changes apply to the link itself.
        """
        self._followed.update(links)

    def read(self, path: str) -> bytes:
        """Return all bytes of a small file; raise as `open` does, and TooBig."""
        with os.fdopen(self.open(path), "rb") as file:
            data = file.read(MAX_SMALL + 1)
        if len(data) > MAX_SMALL:
            raise errors.TooBig(what=path, reason=f"it is larger than {MAX_SMALL >> 20} MiB")
        return data

    def scratch(self, path: str) -> int:
        """Open a nameless file in the folder of `path`, to probe its file system. Raises OSError."""
        with self._parent(path) as (folder, _):
            return nameless(".", folder)

    # --- changing

    def place(self, staged: Path, path: str) -> None:
        """Move a finished file to `path` atomically.

        It gets the read and write permissions of the replaced file: only the executable bit is versioned.
        """
        with writing(path), self._parent(path, make=True) as (folder, name):
            _keep_access(staged, folder, name)
            step("place", path)
            try:
                os.rename(staged, name, dst_dir_fd=folder)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copy_across(staged, folder, name)
        self.touch(path)

    def touch(self, path: str) -> None:
        """Make the name at `path`, or its removal, durable at the next `sync`, with its folders."""
        while path:
            path = path.rpartition("/")[0]
            self._touched.add(path)

    def write(self, path: str, data: bytes, *, mode: int = 0o666) -> None:
        """Replace a small file atomically with `data`; durable after `sync`."""
        temporary = self._store.temporary()
        try:
            temporary.write(data)
            temporary.close(mode)
            self.place(temporary.path, path)
        finally:
            temporary.discard()

    def chmod(self, path: str, *, executable: bool) -> None:
        """Make a file executable for everybody who may read it, or for nobody; do nothing without `filemode`."""
        if not self._filemode:
            return
        with writing(path), self._parent(path) as (folder, name):
            step("chmod", path)
            fd = os.open(name, _FILE, dir_fd=folder)
            try:
                status = os.fstat(fd)
                if not stat_module.S_ISREG(status.st_mode):
                    raise errors.NotRegularFile(path=path, kind="a folder or a special file")
                with unsupported.optional(unsupported.CHMOD, path):
                    os.fchmod(fd, _mode(status.st_mode, executable=executable))
            finally:
                os.close(fd)

    def delete(self, path: str) -> None:
        """Remove a file if it exists, and the folders that become empty."""
        with writing(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            with self._parent(path) as (folder, name):
                step("unlink", path)
                os.unlink(name, dir_fd=folder)
            self.touch(path)
        self._prune(path.rpartition("/")[0])

    def rename(self, old: str, new: str) -> None:
        """Rename a file or folder, and remove the folders that become empty; durable after `sync`. `new` is absent."""
        with writing(new), self._parent(old) as (source, name), self._parent(new, make=True) as (target, new_name):
            step("rename", new)
            os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
        self.settle_rename(old, new)

    def settle_rename(self, old: str, new: str) -> None:
        """Make a rename that was done durable at the next `sync`, and remove the folders that it left empty."""
        self.touch(old)
        self.touch(new)
        self._prune(old.rpartition("/")[0])

    def sync(self) -> None:
        """Make all changed names durable."""
        touched, self._touched = self._touched, set()
        for folder in sorted(touched):
            with writing(folder or "."), contextlib.suppress(FileNotFoundError), self._folder(folder) as fd:
                step("fsync-folder", folder)
                with unsupported.optional(unsupported.SYNC, self._join(folder)):
                    os.fsync(fd)

    def _open_target(self, path: str, target: str) -> int:
        top = os.path.realpath(self.root)
        if target.startswith(f"{top}/"):
            return self.open(target[len(top) + 1 :])
        fd = os.open(target, _FILE)
        if not stat_module.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise errors.NotRegularFile(path=path, kind="a link to a folder or a special file")
        return fd

    def current_folder(self) -> str | None:
        """Return the current folder of this process below `root`, as a path; None if it is elsewhere."""
        try:
            here = os.getcwd()
        except OSError:  # it was removed
            return None
        top = os.path.realpath(self.root)
        return here[len(top) + 1 :] if here.startswith(f"{top}/") else None

    # --- inside

    def _prune(self, folder: str) -> None:
        current = self.current_folder()
        while folder:
            if folder == current:  # a shell whose folder was removed cannot continue
                self.kept_folder = folder if _is_empty(self._join(folder)) else self.kept_folder
                return
            try:
                with self._parent(folder) as (above, name):
                    if not _is_empty(self._join(folder)):
                        return
                    step("rmdir", folder)
                    os.rmdir(name, dir_fd=above)
            except OSError:
                return
            self._touched.discard(folder)
            folder = folder.rpartition("/")[0]
            self._touched.add(folder)

    def _join(self, path: str) -> str:
        return os.path.join(self.root, path)

    @contextlib.contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        paths.check_inside(path)
        above, _, name = path.rpartition("/")
        with self._folder(above, make=make) as folder:
            yield folder, name

    @contextlib.contextmanager
    def _folder(self, path: str, *, make: bool = False) -> Iterator[int]:
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in path.split("/") if path else ():
                below = self._enter(fd, part, path, make=make)
                os.close(fd)
                fd = below
            yield fd
        finally:
            os.close(fd)

    def _enter(self, fd: int, part: str, path: str, *, make: bool) -> int:
        if make:
            self._make(part, fd, path)
        try:
            below = os.open(part, _FOLDER, dir_fd=fd)
        except OSError as error:
            if error.errno == errno.ELOOP or (error.errno == errno.ENOTDIR and _is_link(part, fd)):
                raise errors.UnsafePath(path=path, reason=f"{part} is a symbolic link") from error
            raise
        status = os.fstat(below)
        if (status.st_dev, status.st_ino) in self._reserved():
            os.close(below)
            raise errors.UnsafePath(path=path, reason=f"{part} is a folder reserved for mvc or Git")
        return below

    @staticmethod
    def _make(part: str, fd: int, path: str) -> None:
        try:
            os.stat(part, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            step("mkdir", path)
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=fd)

    def _reserved(self) -> set[tuple[int, int]]:
        found = set()
        for folder in (self._store.root, self.root / ".git"):
            with contextlib.suppress(OSError):
                status = os.stat(folder)
                found.add((status.st_dev, status.st_ino))
        return found

    @staticmethod
    def _kind(folder: int, name: str) -> str:
        with contextlib.suppress(OSError):
            return f"a symbolic link to {os.readlink(name, dir_fd=folder)}"
        return "a special file"

    @staticmethod
    def _copy_across(staged: Path, folder: int, name: str) -> None:
        """Place a file from another filesystem: copy it next to its target first, then rename it."""
        for left in hidden_names.left(folder):
            with contextlib.suppress(OSError):
                os.unlink(left, dir_fd=folder)
        building = hidden_names.name_for(name)
        target = os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        try:
            with open(staged, "rb") as source, os.fdopen(target, "wb") as copy:
                lazy.load("shutil").copyfileobj(source, copy, 1 << 23)
                copy.flush()
                with unsupported.optional(unsupported.CHMOD, name):
                    os.fchmod(copy.fileno(), stat_module.S_IMODE(os.fstat(source.fileno()).st_mode))
                sync_file(copy.fileno(), name)
            step("rename", name)
            os.rename(building, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(building, dir_fd=folder)
            raise
        staged.unlink()


def _mode(mode: int, *, executable: bool) -> int:
    """Return the permission bits of `mode` with the executable bits set for every reader (less the umask), or cleared."""
    if bool(mode & stat_module.S_IXUSR) == executable:
        return mode & 0o777
    access = mode & 0o666
    return access | ((access & 0o444 & ~process.umask()) >> 2) if executable else access


def _keep_access(staged: Path, folder: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        before = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat_module.S_ISREG(before):
            now = os.stat(staged).st_mode
            mode = _mode(before, executable=bool(now & stat_module.S_IXUSR))
            if mode != stat_module.S_IMODE(now):
                step("chmod", staged)
                with unsupported.optional(unsupported.CHMOD, name):
                    os.chmod(staged, mode)


def _is_empty(folder: str) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def _is_link(name: str, fd: int) -> bool:
    with contextlib.suppress(OSError):
        return stat_module.S_ISLNK(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode)
    return False
