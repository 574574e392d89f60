"""The one way to change the store: every write, fsync, rename and removal below `.mvc`.

    stage(data) ─┐
    stage(data) ─┼─ barrier: fsync files → rename them into place → fsync folders ─ create(ref entry)
    seal(pack)  ─┘                                                                 (the commit point)

Everything that a ref needs is durable before the ref moves: `create` and `replace` run the barrier themselves, so no caller
can forget it. A named file is always complete, because it is renamed into place only after its fsync.
"""

from __future__ import annotations

import contextlib
import os
import stat as stat_module
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.storage.disk import confined, permissions, primitives, process, rename
from mvc.storage.disk.confined import Inside
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.folders import Folders
from mvc.storage.disk.permissions import Sharing
from mvc.storage.disk.primitives import step, sync_folder, writing
from mvc.storage.disk.temporary import TEMPORARY, Batch, Temporary, is_old

if TYPE_CHECKING:
    from mvc.storage.disk import lock
else:
    lock = lazy.Module("mvc.storage.disk.lock")

LOCK = "lock"
MAX_SMALL = 64 << 20
"""The largest file that is read as a whole, in bytes: the largest object."""
_SETTLED = 3600 * 10**9
"""Nanoseconds after which any file system has made a rename durable by itself."""


class StoreDoor:
    """Reads and writes everything below one `.mvc`; names are relative to it, with `/`.

    Reading methods raise FileNotFoundError when the file is absent; writing ones raise ReadOnlyStore or DiskFailed. All
    raise UnsafePath for a name outside the folder, and IrregularFile for a link.
    """

    def __init__(self, root: Path) -> None:
        """Open the `.mvc` folder `root`."""
        self.root = root
        self._inside = Inside(root)
        self._staged: dict[str, Temporary] = {}
        self._batch = Batch()
        self._names = process.temporary_names()
        self._naming = threading.Lock()
        self._sharing: Sharing | bool | None = None
        self._folders = Folders(root, self._inside, lambda: self.sharing, self._temporary_name)

    # --- reading

    def path(self, name: str) -> Path:
        """Return the path of `name`; none of its folders is a link, but the last part may be."""
        return self._inside.path(name)

    def folder(self, name: str) -> Path:
        """Return the path of the folder `name`, which is not a link itself."""
        return self._inside.folder(name)

    def read(self, name: str, limit: int = MAX_SMALL) -> bytes:
        """Return all bytes of a small file; raise Damaged when it has more than `limit`."""
        return confined.read_regular(self._inside.text(name), limit)

    def open(self, name: str) -> int:
        """Return a descriptor of a regular file for reading; the caller closes it."""
        return confined.open_regular(self.path(name))

    def exists(self, name: str) -> bool:
        """Return whether there is something of that name."""
        return os.path.lexists(self._inside.text(name))

    def stat(self, name: str) -> Stat:
        """Return the stat of a file, of a link itself; raise FileNotFoundError, IrregularFile."""
        path = self._inside.text(name)
        try:
            return Stat.of(os.stat(path, follow_symlinks=False))
        except NotADirectoryError as error:
            raise confined.other_kind(Path(path)) from error

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; none if it is absent, or a stray file.

        Raises IrregularFile if one of the store's own folders is a file: an empty list would hide that.
        """
        path = self._inside.folder_text(folder)
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []
        except NotADirectoryError as error:
            if "/" in folder:
                return []
            raise confined.other_kind(Path(path)) from error

    def files(self, folder: str) -> Iterator[tuple[str, Stat]]:
        """Yield the name and the stat of each file at any depth below a folder, in no order; links are not followed."""
        return confined.files(self._inside.folder(folder), folder)

    def last_files(self, folder: str) -> dict[str, tuple[str, Stat] | None]:
        """Return for each name in a folder, sorted, the last file of the folder of that name with its stat.

        It is None for anything but a folder, and for one that is empty or unreadable, or whose last name is not a file.
        """
        try:
            with os.scandir(self._inside.folder(folder)) as entries:
                found = {entry.name: confined.last_file(entry) for entry in entries}
        except (FileNotFoundError, NotADirectoryError):
            return dict.fromkeys(self.names(folder))
        return dict(sorted(found.items()))

    # --- writing

    def temporary(self) -> Temporary:
        """Return a new file in `tmp/`."""
        self._folders.make(TEMPORARY)
        return Temporary(self.path(f"{TEMPORARY}/{self._temporary_name()}"), self.sharing)

    def _temporary_name(self) -> str:
        with self._naming:
            return next(self._names)

    @property
    def sharing(self) -> Sharing | None:
        """The permissions of a store that a group shares; None for any other."""
        if self._sharing is None:
            self._sharing = permissions.of(self.root) or (False if self.root.is_dir() else None)
        return self._sharing if isinstance(self._sharing, Sharing) else None

    def scratch(self) -> int:
        """Open a nameless file, which vanishes when it is closed, to probe the file system.

        Raises ReadOnlyStore, DiskFailed.
        """
        try:
            return primitives.nameless(self.root)
        except OSError:  # not supported there (NFS, FAT, macOS)
            temporary = self.temporary()
            try:
                with writing(temporary.path):
                    return os.open(temporary.path, os.O_RDWR | os.O_CLOEXEC)
            finally:
                temporary.discard()

    def stage(self, name: str, data: bytes) -> None:
        """Write `data` to `name` at the next barrier, which replaces a file with other content."""
        if name in self._staged:
            return
        with contextlib.suppress(FileNotFoundError, errors.Damaged):  # anything but such a file is replaced
            if self.read(name) == data:
                self._folders.changed(self.path(name).parent)  # its writer may have been killed before the fsync
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
        """Rename the finished file `temporary` to `name` at the next barrier."""
        self._staged[name] = temporary
        self._batch.add(temporary)

    def barrier(self) -> None:
        """Make everything that was staged durable under its name; afterwards, a pointer to it may be written."""
        staged, self._staged = self._staged, {}
        try:
            self._batch.close()
            self._folders.enter(staged)
            for name in list(staged):
                self._publish(staged[name], name)
                del staged[name]
            self._folders.sync()
        finally:
            self._batch.discard()
            for temporary in staged.values():
                temporary.discard()

    def discard_staged(self) -> None:
        """Discard everything that was staged since the last barrier."""
        staged, self._staged = self._staged, {}
        self._batch.discard()
        for temporary in staged.values():
            temporary.discard()

    def create(self, name: str, data: bytes) -> bool:
        """Create `name` with `data`, atomically and durably; return False and change nothing if it exists.

        Create-if-absent among all processes, also over NFS: the temporary file is linked to its name, which fails if the
        name is taken. Raises NoExclusiveCreate if the filesystem has no such operation.
        """
        self.barrier()
        target = self.path(name)
        self._folders.enter([name])
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
        """Create `name` with the output of `write`, atomically and durably; if `exclusive`, return False if it exists.

        Several threads may call this at once: staged files are not involved.
        """
        temporary = self.temporary()
        try:
            write(temporary)
            temporary.close()
            return self.give_name(temporary, name, exclusive=exclusive)
        finally:
            temporary.discard()

    def give_name(self, temporary: Temporary, name: str, *, exclusive: bool = False) -> bool:
        """Rename the finished file `temporary` to `name`, durably; as `publish`."""
        target = self.path(name)
        self._folders.enter([name])
        with writing(target):
            step("link" if exclusive else "rename", target)
            done = not exclusive or rename.exclusively(temporary.path, target)
            if not exclusive:
                os.replace(temporary.path, target)
            sync_folder(target.parent)
        return done

    def give_cache_name(self, temporary: Temporary, name: str) -> None:
        """Rename the finished file `temporary` to the cache file `name`, atomically, but not durably."""
        target = self.path(name)
        with writing(target):
            step("rename", target)
            os.replace(temporary.path, target)

    def make_durable(self, *names: str) -> None:
        """Make the names of files, or of the files in folders, durable at the next barrier, before something refers to them.

        An interrupted command may have renamed them without an fsync of their folder. Names older than an hour are durable.
        """
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(self.path(name))
                if primitives.now_ns() - found.st_ctime_ns < _SETTLED:
                    is_folder = stat_module.S_ISDIR(found.st_mode)
                    self._folders.changed(self.path(name) if is_folder else self.path(name).parent)

    def make_packs_durable(self) -> None:
        """Make the names of all packs durable at the next barrier."""
        self.make_durable("packs", "meta", *(f"packs/{fan}" for fan in self.names("packs")))

    def replace(self, name: str, data: bytes) -> None:
        """Replace `name` with `data`, atomically and durably: a reader sees the old bytes or the new ones."""
        self.barrier()
        self.stage(name, data)
        self.barrier()

    def cache(self, name: str, data: bytes) -> None:
        """Write a cache file, which may be lost at any time: atomically, but not durably; ignore failures."""
        try:
            self._folders.make(name.rpartition("/")[0])
            target = self.path(name)
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
        """Return the path of a cache file that is written in place, readable like the store, writable for its group.

        Create it, empty, if it is absent. Raises ReadOnlyStore, DiskFailed, OSError.
        """
        self._folders.make(name.rpartition("/")[0])
        path = self.path(name)
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
        """Delete a cache file if possible."""
        with contextlib.suppress(OSError, errors.MvcError):
            self.path(name).unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a file durably, if it exists."""
        target = self.path(name)
        with writing(target):
            step("unlink", target)
            target.unlink(missing_ok=True)
            if target.parent.is_dir():
                sync_folder(target.parent)

    def remove_all(self, names: Sequence[str], *, keep_folders: bool = False) -> None:
        """Remove files that exist, and the folders that become empty; durable on return.

        With `keep_folders`, folders stay: somebody else may be about to write to them.
        """
        folders = [self._inside.folder(name) for name in dict.fromkeys(name.rpartition("/")[0] for name in names)]
        for name in names:
            path = self._inside.text(name)
            with writing(path), contextlib.suppress(FileNotFoundError):
                step("unlink", path)
                os.unlink(path)
        for folder in folders if not keep_folders else ():
            with contextlib.suppress(OSError):  # not empty, or gone
                folder.rmdir()
        for still in dict.fromkeys(each for folder in folders for each in (folder, folder.parent)):
            if still.is_dir():
                sync_folder(still)

    def rename_folder(self, old: str, new: str) -> None:
        """Rename a folder durably; the new name must be free or an empty folder."""
        source, target = self._inside.folder(old), self.path(new)
        self._folders.enter([new])
        with writing(target):
            step("rename", target)
            os.rename(source, target)
            sync_folder(target.parent)
            if source.parent != target.parent:
                sync_folder(source.parent)

    def make_folder(self, name: str) -> None:
        """Create a folder and its parents; durable after the next barrier."""
        self._folders.make(name)

    @contextlib.contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """Hold the repository's exclusive lock; wait at most `timeout` seconds. Raises LockTimeout, ReadOnlyStore.

        It saves writers retries. Correctness does not depend on it: some network filesystems grant it to
        everyone.
        """
        path = self.path(LOCK)
        with writing(path):
            fd = confined.open_regular(path, os.O_RDWR | os.O_CREAT, 0o666 & ~process.umask())
        try:
            if self.sharing is not None:
                with contextlib.suppress(OSError):  # another process has done it
                    os.fchmod(fd, 0o600 | self.sharing.file_bits(fd, writable=True))
            lock.take(fd, path, timeout)
            try:
                yield
            finally:
                lock.leave(fd)
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def lock_folder(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Create the folder `name` of a cache, and hold its lock as `lock.folder`. Raises ReadOnlyStore, DiskFailed."""
        self._folders.make(name)
        with lock.folder(self.folder(name), wait=wait) as held:
            yield held

    def has_temporary(self, name: str) -> bool:
        """Return whether `tmp/` has a file of that name without another hard link."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            status = os.lstat(self.path(f"{TEMPORARY}/{name}"))
            return stat_module.S_ISREG(status.st_mode) and status.st_nlink == 1
        return False

    def discard(self, temporary: str) -> None:
        """Remove a finished file of that name from `tmp/`, if it exists."""
        path = self.path(f"{TEMPORARY}/{temporary}")
        with contextlib.suppress(OSError):
            step("unlink", path)
            path.unlink()

    def sweep(self) -> None:
        """Remove the leftovers of ended processes from `tmp/`; those of other machines and containers once they are old."""
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
        """Return whether the file system keeps executable bits; some invent them."""
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

    def _publish(self, temporary: Temporary, name: str) -> None:
        target = self.path(name)
        with writing(target):
            step("rename", target)
            os.replace(temporary.path, target)
        self._folders.changed(target.parent)
