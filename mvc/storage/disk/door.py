"""The one door to the disk: every write, sync, rename and deletion of mvc is one step through here.

    stage(data) ─┐
    stage(data) ─┼─ barrier: fsync files → give them their names → fsync folders ─ create(ref entry)
    seal(pack)  ─┘                                                                 (the commit point)

What a pointer reaches is durable before the pointer exists: `create` and `replace` run the barrier themselves, so no
caller can forget it. A published name always holds whole bytes, because a file gets its name only after its fsync.

`on_step` is called before each step that changes the disk, with the step's name and its path. Tests count the steps,
stop the process before any one of them, or make it fail; there is no other way to the disk, so that covers all.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import stat as stat_module
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.model.ids import Buffer
from mvc.storage.disk import confined, hidden_names, permissions, process, rename, unsupported
from mvc.storage.disk.confined import Inside
from mvc.storage.disk.permissions import Sharing
from mvc.storage.disk.writeback import WriteBehind

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Step = Callable[[str, str], None]

on_step: Step | None = None

STORE = ".mvc"
"""The folder of a repository that holds its store."""
TEMPORARY = "tmp"
STORED = 0o444
"""The mode of a file of a store: it is never changed."""
LOCK = "lock"
MAX_SMALL = 64 << 20
"""Bytes of a file that is read whole, at most: those of the largest object."""
_SYNC_THREADS = 8
_OPEN = 32
"""Staged files that are open at once, at most: a process may have as few as 256 descriptors (macOS)."""
_OPEN_BYTES = 32 << 20
"""Bytes of them that may wait: a long file is made durable at once."""
_ABANDONED = 3 * 24 * 3600 * 1_000_000_000
"""Nanoseconds after which a temporary file of another machine or container is left over: its process cannot be asked."""
_COPY = 1024 * 1024
_SETTLED = 3600 * 10**9
"""Nanoseconds after which every file system has written a name by itself."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_OTHER_KIND = (errno.ENOTDIR, errno.EISDIR)


def step(name: str, path: str | os.PathLike[str]) -> None:
    """Announce the next change of the disk."""
    if on_step is not None:
        on_step(name, os.fspath(path))


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn an OSError of a writing step into the error a user reads, which names `path` as what could not be written.

    Raises ReadOnlyStore for a place inside a `.mvc`, NotWritable for one elsewhere, DiskFailed, IrregularFile.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if STORE in Path(path).parts:
            refuse_other_kind(path, error)
        if error.errno not in _READ_ONLY:
            raise errors.DiskFailed(path=path, reason=reason) from error
        if STORE in Path(path).parts:
            raise errors.ReadOnlyStore(reason=f"{path}: {reason}") from error
        raise errors.NotWritable(path=path, reason=reason) from error


def refuse_other_kind(path: str | os.PathLike[str], error: OSError) -> None:
    """Raise IrregularFile when `error` says that a file is where a folder of a store belongs, or a folder where a file does."""
    if error.errno in _OTHER_KIND:
        raise confined.other_kind(Path(path)) from error


def now_ns() -> int:
    """The machine's clock, in nanoseconds since 1970; used only to tell young files from old ones."""
    return time.time_ns()


def sync_file(fd: int, path: str | os.PathLike[str]) -> None:
    """Make the bytes of an open file durable (on macOS, past the drive's own cache)."""
    step("fsync", path)
    if sys.platform == "darwin":
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Make the names in a folder durable."""
    step("fsync-folder", path)
    with unsupported.optional(unsupported.SYNC, path):
        fd = os.open(path, _FOLDER)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def write_all(fd: int, parts: Sequence[Buffer], path: str | os.PathLike[str]) -> int:
    """Write every byte of `parts`, however many calls that takes; how many bytes those are."""
    step("write", path)
    left = [memoryview(part) for part in parts]
    count = sum(map(len, left))
    while left:
        done = os.writev(fd, left)
        while left and done >= len(left[0]):
            done -= len(left.pop(0))
        if left:
            left[0] = left[0][done:]
    return count


def nameless(folder: str | os.PathLike[str], dir_fd: int | None = None) -> int:
    """Open a new file on the file system of `folder` without giving it a name there. Raises OSError."""
    if not hasattr(os, "O_TMPFILE"):  # macOS
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), folder)
    return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=dir_fd)


def write_mapped(page: WriteableBuffer) -> None:
    """Write a byte through a memory map. The kernel does it, so that a full disk is an OSError and not a deadly signal."""
    source, sink = os.pipe()
    try:
        os.write(sink, b"x")
        os.readv(source, [page])
    finally:
        os.close(source)
        os.close(sink)


class Stat(NamedTuple):
    """What a file looks like from outside: size in bytes, times in nanoseconds since 1970, inode, mode bits."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    mode: int

    @classmethod
    def of(cls, result: os.stat_result) -> Stat:
        """From what the system returned."""
        outside = (result.st_size, result.st_mtime_ns, result.st_ctime_ns, result.st_ino, result.st_mode)
        return tuple.__new__(cls, outside)  # half the time of the class's own, for thousands of files

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat_module.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat_module.S_ISLNK(self.mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat_module.S_ISDIR(self.mode)

    @property
    def executable(self) -> bool:
        """Whether its owner may execute it."""
        return bool(self.mode & stat_module.S_IXUSR)


class Temporary:
    """A new file in `tmp/` that has no name in the store yet; whoever made it writes, then publishes or discards it.

    `size` is the bytes written so far.
    """

    __slots__ = ("_behind", "_fd", "_reserved", "_sharing", "path", "size")

    def __init__(self, path: Path, sharing: Sharing | None = None) -> None:
        """Create the file, readable and writable by its owner alone; raises the errors of `writing`.

        `sharing` says how the store is shared that it is made for.
        """
        self.path = path
        self._sharing = sharing
        with writing(path.parent):
            step("create", path)
            self._fd = os.open(path, _NEW, 0o600)
        self._behind = WriteBehind(self._fd)
        self._reserved = False
        self.size = 0

    def write(self, *parts: Buffer) -> None:
        """Append `parts`, one after the other."""
        with writing(self.path):
            count = write_all(self._fd, parts, self.path)
            self.size += count
            if on_step is None:  # else a test's steps would have no order
                self._behind.wrote(count)

    def copy(self, source: Path) -> None:
        """Append all bytes of another file."""
        with writing(source), open(source, "rb", buffering=0) as file:
            while block := file.read(_COPY):
                self.write(block)

    def reserve(self, count: int) -> None:
        """Have room for `count` bytes from here, where the filesystem can do that: it then writes them in less time.

        What is left of it goes when the file is closed.
        """
        if not hasattr(os, "posix_fallocate"):  # macOS
            return
        step("reserve", self.path)
        self._reserved = True  # also where it fails: a part may have been taken
        with contextlib.suppress(OSError):  # no room, or no such call there: that shows when the bytes are written
            os.posix_fallocate(self._fd, os.lseek(self._fd, 0, os.SEEK_CUR), count)

    def skip(self, count: int) -> None:
        """Leave a hole of `count` zero bytes, which takes no room where the filesystem has holes."""
        with writing(self.path):
            step("skip", self.path)
            os.ftruncate(self._fd, os.lseek(self._fd, count, os.SEEK_CUR))

    def restart(self) -> None:
        """Have it hold nothing again."""
        with writing(self.path):
            step("truncate", self.path)
            os.ftruncate(self._fd, os.lseek(self._fd, 0, os.SEEK_SET))

    def close(self, mode: int = STORED) -> None:
        """Make the bytes durable, set the permission bits (less the umask), and close.

        A file with the mode STORED can be read by the group that shares the store.
        """
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            with writing(self.path):
                self._behind.settle()
                if self._reserved:
                    os.ftruncate(fd, os.lseek(fd, 0, os.SEEK_CUR))
                step("chmod", self.path)
                with unsupported.optional(unsupported.CHMOD, self.path):
                    shared = self._sharing.file_bits(fd) if self._sharing is not None and mode == STORED else 0
                    os.fchmod(fd, mode & ~process.umask() | shared)
                sync_file(fd, self.path)
        finally:
            os.close(fd)

    def allow(self, mode: int) -> None:
        """Set the permission bits of a file that need not be durable, where the file system has them."""
        with contextlib.suppress(OSError):
            shared = self._sharing.file_bits(self._fd) if self._sharing is not None else 0
            os.fchmod(self._fd, mode | shared)

    def discard(self) -> None:
        """Remove the file, if it is still there under its temporary name."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                self._behind.settle()
            os.close(self._fd)
            self._fd = -1
        with contextlib.suppress(OSError):
            step("unlink", self.path)
            self.path.unlink(missing_ok=True)


class Batch:
    """Finished temporary files that are made durable together, by several threads, and few of them open at once."""

    def __init__(self) -> None:
        """Begin with none."""
        self._open: list[tuple[Temporary, int]] = []
        self._bytes = 0

    def add(self, temporary: Temporary, mode: int = STORED) -> None:
        """Close a file with `mode`, now or with later ones; raises the errors of `Temporary.close`, also of earlier files."""
        self._open.append((temporary, mode))
        self._bytes += temporary.size
        if len(self._open) >= _OPEN or self._bytes >= _OPEN_BYTES:
            self.close()

    def close(self) -> None:
        """Make all of them durable, and close them."""
        if on_step is not None or len(self._open) <= 1:  # one after the other, so that a test's steps have an order
            for temporary, mode in self._open:
                temporary.close(mode)
        else:
            with lazy.load("concurrent.futures").ThreadPoolExecutor(_SYNC_THREADS) as pool:
                for _ in pool.map(lambda each: each[0].close(each[1]), self._open):
                    pass
        self._open, self._bytes = [], 0

    def discard(self) -> None:
        """Remove those that are still open."""
        batch, self._open = self._open, []
        for temporary, _ in batch:
            temporary.discard()


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
    """Have a small file outside any `.mvc` (a person's settings, a `.gitignore`) hold `data`: the old bytes or the new.

    A link stays, and what it leads to is written. Raises NotRegularFile for a device, a folder and the like, which a
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


def is_old(path: Path, clock: Path) -> bool:
    """Whether `path` was last written to long before `clock`, which was made just now: so the file system's clock counts."""
    try:
        return clock.stat().st_mtime_ns - path.stat().st_mtime_ns > _ABANDONED
    except OSError:
        return False


def _depth(folder: Path) -> int:
    return len(folder.parts)


class StoreDoor:
    """The way to everything under one `.mvc`; paths are relative to it, with `/`.

    Reading methods raise FileNotFoundError when the file is absent; writing ones raise ReadOnlyStore or DiskFailed. All
    raise UnsafePath for a name that leaves the folder, and IrregularFile rather than follow a link.
    """

    def __init__(self, root: Path) -> None:
        """Open the door to the `.mvc` folder `root`."""
        self.root = root
        self._inside = Inside(root)
        self._staged: dict[str, Temporary] = {}
        self._batch = Batch()
        self._names = process.temporary_names()
        self._naming = threading.Lock()
        self._folders: set[Path] = set()
        self._entered: set[Path] = set()
        self._sharing: Sharing | bool | None = None

    # --- reading

    def path(self, name: str) -> Path:
        """Where `name` lies; the folders on the way are no links, the last part may be."""
        return self._inside.path(name)

    def folder(self, name: str) -> Path:
        """Where the folder `name` lies; it is no link itself."""
        return self._inside.folder(name)

    def read(self, name: str, limit: int = MAX_SMALL) -> bytes:
        """All bytes of a small file; raises Damaged when it has more than `limit`."""
        return confined.read_regular(self.path(name), limit)

    def open(self, name: str) -> int:
        """A descriptor of a regular file for reading; the caller closes it."""
        return confined.open_regular(self.path(name))

    def exists(self, name: str) -> bool:
        """Whether there is something of that name."""
        return os.path.lexists(self.path(name))

    def stat(self, name: str) -> Stat:
        """The file's outside, that of a link itself; raises FileNotFoundError, IrregularFile."""
        path = self.path(name)
        try:
            return Stat.of(os.stat(path, follow_symlinks=False))
        except NotADirectoryError as error:
            raise confined.other_kind(path) from error

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted; none when it is absent, or is something else that got among others.

        Raises IrregularFile where it is one of the store's own folders: nothing in it would look like nothing is needed.
        """
        path = self._inside.folder(folder)
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []
        except NotADirectoryError as error:
            if "/" in folder:
                return []
            raise confined.other_kind(path) from error

    # --- writing

    def temporary(self) -> Temporary:
        """A new file in `tmp/`."""
        self._make_folder(TEMPORARY)
        with self._naming:
            name = next(self._names)
        return Temporary(self.path(f"{TEMPORARY}/{name}"), self.sharing)

    @property
    def sharing(self) -> Sharing | None:
        """How a group shares the store; None when none does."""
        if self._sharing is None:
            self._sharing = permissions.of(self.root) or (False if self.root.is_dir() else None)
        return self._sharing if isinstance(self._sharing, Sharing) else None

    def scratch(self) -> int:
        """Open a new file that has no name and is gone when it is closed, to try things on this file system.

        Raises ReadOnlyStore, DiskFailed.
        """
        try:
            return nameless(self.root)
        except OSError:  # no such call there (NFS, FAT, macOS)
            temporary = self.temporary()
            try:
                with writing(temporary.path):
                    return os.open(temporary.path, os.O_RDWR | os.O_CLOEXEC)
            finally:
                temporary.discard()

    def stage(self, name: str, data: bytes) -> None:
        """Have `name` hold exactly `data` after the next barrier; a file there with other bytes is replaced then."""
        if name in self._staged:
            return
        with contextlib.suppress(FileNotFoundError, errors.Damaged):  # what is no such file is replaced
            if self.read(name) == data:
                self._folders.add(self.path(name).parent)  # whoever wrote it may have been stopped before this
                return
        temporary = self.temporary()
        try:
            temporary.write(data)
        except BaseException:
            temporary.discard()
            raise
        self._staged[name] = temporary
        self._batch.add(temporary)

    def seal(self, temporary: Temporary, name: str) -> None:
        """Have the finished file `temporary` be called `name` after the next barrier."""
        self._staged[name] = temporary
        self._batch.add(temporary)

    def barrier(self) -> None:
        """Make all that was staged durable, under its name; afterwards a pointer to it may be written."""
        staged, self._staged = self._staged, {}
        try:
            self._batch.close()
            self._enter(staged)
            for name in list(staged):
                self._publish(staged[name], name)
                del staged[name]
            self._sync_folders()
        finally:
            self._batch.discard()
            for temporary in staged.values():
                temporary.discard()

    def give_up(self) -> None:
        """Remove what was staged and has no name yet."""
        staged, self._staged = self._staged, {}
        self._batch.discard()
        for temporary in staged.values():
            temporary.discard()

    def create(self, name: str, data: bytes) -> bool:
        """Create `name` with `data`, whole and durable, unless it exists: then False and nothing changed.

        Atomic among all processes, also over NFS: the temporary file is linked to its name, which fails when taken.
        Raises NoExclusiveCreate where the filesystem has no such step.
        """
        self.barrier()
        target = self.path(name)
        self._enter([name])
        temporary = self.temporary()
        try:
            temporary.write(data)
            temporary.close()
            with writing(target):
                step("link", target)
                created = rename.exclusively(temporary.path, target)
        finally:
            temporary.discard()
        with writing(target):
            sync_folder(target.parent)
        return created

    def publish(self, name: str, write: Callable[[Temporary], None], *, exclusive: bool) -> bool:
        """Have `name` hold what `write` writes, whole and durable; when it exists and this is `exclusive`, False.

        Several threads may do this at once: what was staged has no part in it.
        """
        temporary = self.temporary()
        try:
            write(temporary)
            temporary.close()
            return self.give_name(temporary, name, exclusive=exclusive)
        finally:
            temporary.discard()

    def give_name(self, temporary: Temporary, name: str, *, exclusive: bool = False) -> bool:
        """Have the finished file `temporary` be called `name`, durably; as `publish`."""
        target = self.path(name)
        self._enter([name])
        with writing(target):
            step("link" if exclusive else "rename", target)
            done = not exclusive or rename.exclusively(temporary.path, target)
            if not exclusive:
                os.replace(temporary.path, target)
            sync_folder(target.parent)
        return done

    def rely(self, *names: str) -> None:
        """Have the names of files, or those in folders, be durable after the next barrier, which something will point to.

        A command that was stopped may have given them and not synced their folder. What is older than an hour is durable.
        """
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(self.path(name))
                if now_ns() - found.st_ctime_ns < _SETTLED:
                    is_folder = stat_module.S_ISDIR(found.st_mode)
                    self._folders.add(self.path(name) if is_folder else self.path(name).parent)

    def rely_on_packs(self) -> None:
        """Have the names of all packs be durable after the next barrier."""
        self.rely("packs", "meta", *(f"packs/{fan}" for fan in self.names("packs")))

    def replace(self, name: str, data: bytes) -> None:
        """Have `name` hold `data`, whole and durable: a reader sees the old bytes or the new."""
        self.barrier()
        self.stage(name, data)
        self.barrier()

    def cache(self, name: str, data: bytes) -> None:
        """Write a file that may be lost at any time: whole, but not durable; failure is silent (a read-only store)."""
        try:
            target = self._with_folder(name)
            temporary = self.temporary()
        except errors.MvcError:
            return
        try:
            temporary.write(data)
            temporary.allow(permissions.cache_mode(self.root))
            step("rename", target)
            os.replace(temporary.path, target)
        except (errors.MvcError, OSError):
            pass
        finally:
            temporary.discard()

    def open_cache(self, name: str) -> Path:
        """Return the path of a cache file that is written in place: who may read the store may read it, its group write it.

        It is made, empty, where it is absent. Raises ReadOnlyStore, DiskFailed, OSError.
        """
        path = self._with_folder(name)
        fd = confined.open_regular(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not os.fstat(fd).st_size:
                shared = self.sharing.file_bits(fd, writable=True) if self.sharing is not None else 0
                with contextlib.suppress(OSError):
                    os.fchmod(fd, permissions.cache_mode(self.root) | shared)
        finally:
            os.close(fd)
        return path

    def forget(self, name: str) -> None:
        """Delete a file that may be lost at any time, if that can be done."""
        with contextlib.suppress(OSError, errors.MvcError):
            self.path(name).unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a file durably; absent already is fine."""
        target = self.path(name)
        with writing(target):
            step("unlink", target)
            target.unlink(missing_ok=True)
            if target.parent.is_dir():
                sync_folder(target.parent)

    def remove_all(self, names: Sequence[str], *, keep_folders: bool = False) -> None:
        """Remove files, and the folders that this leaves empty; durable when it returns. Absent already is fine.

        With `keep_folders` these stay: others may be about to put something there.
        """
        folders = dict.fromkeys(self._inside.folder(name.rpartition("/")[0]) for name in names)
        for name in names:
            with writing(self.path(name)):
                step("unlink", self.path(name))
                self.path(name).unlink(missing_ok=True)
        for folder in folders:
            if not keep_folders:
                with contextlib.suppress(OSError):  # not empty, or gone
                    folder.rmdir()
            for still in (folder, folder.parent):
                if still.is_dir():
                    sync_folder(still)

    def rename_folder(self, old: str, new: str) -> None:
        """Give a folder another name durably; the new name must be free or an empty folder."""
        source, target = self._inside.folder(old), self.path(new)
        self._enter([new])
        with writing(target):
            step("rename", target)
            os.rename(source, target)
            sync_folder(target.parent)
            if source.parent != target.parent:
                sync_folder(source.parent)

    def make_folder(self, name: str) -> None:
        """Make a folder and those above it; durable after the next barrier."""
        self._make_folder(name)

    @contextlib.contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """Hold the repository's writer lock, waiting `timeout` seconds at most; raises LockTimeout, ReadOnlyStore.

        It saves writers from each other's retries. Nothing depends on it for correctness: some network filesystems
        grant it to everyone.
        """
        path = self.path(LOCK)
        with writing(path):
            fd = confined.open_regular(path, os.O_RDWR | os.O_CREAT, 0o666 & ~process.umask())
        try:
            if self.sharing is not None:
                with contextlib.suppress(OSError):  # somebody else's, who has done it
                    os.fchmod(fd, 0o600 | self.sharing.file_bits(fd, writable=True))
            _take(fd, path, timeout)
            yield
        finally:
            os.close(fd)

    def has_temporary(self, name: str) -> bool:
        """Whether `tmp/` has a file of that name, which has no other name elsewhere."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            status = os.lstat(self.path(f"{TEMPORARY}/{name}"))
            return stat_module.S_ISREG(status.st_mode) and status.st_nlink == 1
        return False

    def discard(self, temporary: str) -> None:
        """Remove a finished file of that name from `tmp/`; absent already is fine."""
        path = self.path(f"{TEMPORARY}/{temporary}")
        with contextlib.suppress(OSError):
            step("unlink", path)
            path.unlink()

    def sweep(self) -> None:
        """Remove what writers that have ended left in `tmp/`; of other machines and containers, what is old."""
        clock: Temporary | None = None
        try:
            for name in self.names(TEMPORARY):
                gone = process.is_gone(name)
                if gone is None:
                    clock = clock or self.temporary()
                    gone = is_old(self.path(f"{TEMPORARY}/{name}"), clock.path)
                if gone:
                    self.discard(name)
        finally:
            if clock is not None:
                clock.discard()

    def keeps_executable_bits(self) -> bool:
        """Whether a file here is executable when it was made so, and else not: some file systems invent these bits."""
        found = []
        for mode in (0o600, 0o700):
            temporary = self.temporary()
            try:
                temporary.close(mode)
                found.append(Stat.of(os.stat(temporary.path)).executable)
            finally:
                temporary.discard()
        return found == [False, True]

    # --- inside

    def _enter(self, names: Iterable[str]) -> None:
        """Make the folders of files, level by level, each durable before anything is put into it.

        So a folder that holds something is durable itself; one that is empty may be that of a command that was stopped.
        """
        wanted: set[Path] = set()
        for name in names:
            folder = self._inside.folder(name.rpartition("/")[0])
            while folder not in wanted and not (folder in self._entered and folder.is_dir()):
                if folder == self.root.parent and folder.is_dir():
                    break
                wanted.add(folder)
                folder = folder.parent
        for _, level in itertools.groupby(sorted(wanted, key=_depth), _depth):
            own = list(level)
            for above in sorted({folder.parent for folder in own if self._is_fresh(folder)}):
                with writing(above):
                    sync_folder(above)
            self._entered.update(own)

    def _make_folder(self, name: str) -> None:
        self._folders.update(self._made(name))

    def _with_folder(self, name: str) -> Path:
        """Where `name` lies, its folder made."""
        self._make_folder(name.rpartition("/")[0])
        return self.path(name)

    def _made(self, name: str) -> list[Path]:
        """Make a folder and those above it; the folders that have new ones in them."""
        return self._made_at(self._inside.folder(name))

    def _made_at(self, folder: Path) -> list[Path]:
        if folder.is_dir():
            return []
        above = self._made_at(folder.parent)
        with writing(folder):
            self._make(folder)
        return [folder.parent, *above]

    def _is_fresh(self, folder: Path) -> bool:
        """Whether a folder holds nothing yet; made if it is absent."""
        with writing(folder):
            try:
                with os.scandir(folder) as entries:
                    return next(entries, None) is None
            except FileNotFoundError:
                self._make(folder)
                return True

    def _make(self, folder: Path) -> None:
        """Make a folder, with the permissions of the store's own where a group shares that."""
        inside_store = folder != self.root and folder.is_relative_to(self.root)
        shared = self.sharing if inside_store else permissions.of(folder.parent, inherited=True)
        step("mkdir", folder)
        if shared is not None and inside_store:
            self._make_shared(folder, shared)
        else:
            folder.mkdir(exist_ok=True)
            if shared is not None:
                shared.adopt(folder)

    def _make_shared(self, folder: Path, shared: Sharing) -> None:
        """Make a folder of a shared store, which gets its name when the group may write to it: others are about to."""
        temporary = self.root / TEMPORARY
        if folder == temporary or not temporary.is_dir():
            folder.mkdir(exist_ok=True)
            shared.adopt(folder)
            return
        with self._naming:
            building = temporary / next(self._names)
        building.mkdir()
        shared.adopt(building)
        try:
            os.rename(building, folder)  # an empty one there is replaced by one that is alike
        except OSError:
            building.rmdir()
            if not folder.is_dir():
                raise

    def _sync_folders(self) -> None:
        folders, self._folders = self._folders, set()
        for folder in sorted(folders, reverse=True):
            with writing(folder):
                sync_folder(folder)

    def _publish(self, temporary: Temporary, name: str) -> None:
        target = self.path(name)
        with writing(target):
            step("rename", target)
            os.replace(temporary.path, target)
        self._folders.add(target.parent)


def _take(fd: int, path: Path, timeout: float) -> None:
    """Lock an open file, and write into it who has it; where the file system has no locks, do without."""
    with unsupported.optional(unsupported.LOCK, path):
        _flock(fd, timeout)
    if os.fstat(fd).st_nlink != 1:  # another name for it may be somebody's file: a lock needs no content
        return
    with writing(path):
        step("write", path)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"process {os.getpid()} on {process.host()}\n".encode(), 0)


def _flock(fd: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                owner = os.pread(fd, 200, 0).decode("utf-8", "replace").strip() or "unknown"
                raise errors.LockTimeout(owner=owner, seconds=f"{timeout:g}") from None
            time.sleep(0.02)
