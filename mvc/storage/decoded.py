"""The cache of decoded files, whose bytes `mvc export --link` shares with folders instead of writing them again.

    cache/files/9f/9f86…           a whole file, read-only; 9f86…-x is the one with the executable bit, which an inode has
    cache/files/9f/9f86….1000      its stat when user 1000 last verified it: {"ctime":…,"file":"9f86…","kind":"decoded", …}

A file is verified before each use. If its stat is as recorded, that is enough: a stat is recorded only if every later edit
is certain to change it (see `timestamps`). Otherwise all of it is hashed, and a file that was edited is decoded again. A
record counts for the user who wrote it, since in a shared store others could forge it. The cache may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Container
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, is_id
from mvc.storage import usage
from mvc.storage.chunks.extract import Extract
from mvc.storage.disk import confined, hashing, primitives
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.temporary import STORED, STORED_EXECUTABLE
from mvc.storage.disk.timestamps import FileSystem, is_coarse
from mvc.storage.records.record import Record

FOLDER = "cache/files"
_EXECUTABLE = "-x"
_WRITABLE = 0o222
_MAX_RECORD = 4096
_TRIES = 3
_REFRESHED_NS = 3600 * 10**9
"""Nanoseconds after which a record is written again, since its age says when the file was last used."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Verified(Record):
    """The stat of a cached file of that id when it was verified; `clock` is the machine's time then, in nanoseconds."""

    KIND = "decoded"
    NOUN = "record of a cached file"

    file: FileId
    size: int
    mtime: int
    ctime: int
    inode: int
    clock: int

    @property
    def stat(self) -> tuple[int, ...]:
        """The recorded part of a Stat."""
        return self.size, self.mtime, self.ctime, self.inode


class Removed(NamedTuple):
    """The number of cached files that were removed (or would be), and their bytes."""

    files: int = 0
    bytes: int = 0


NOTHING = Removed()
Act = Callable[[int, Path], tuple[Stat, Stat]]
"""Shares an open file with a path; returns its stats right before and after that."""


class _Opened(NamedTuple):
    """A verified file, open; its stat, and whether every later edit changes that."""

    fd: int
    stat: Stat
    lasting: bool


class DecodedFiles:
    """The decoded files of one store."""

    def __init__(self, door: StoreDoor, extract: Extract) -> None:
        """Decode with `extract` what is not cached yet."""
        self._door = door
        self._extract = extract

    def share(
        self, file: FileId, act: Act, *, executable: bool, is_link: bool, progress: Progress | None = None
    ) -> None:
        """Call `act` with the verified file, open, and its path; decode the file first if needed.

        `act` makes a reflink, or a hard link (`is_link`), in place of an earlier one, and returns the stats of the file
        right before and after that; a hard link changes the ctime. It is called again if the file was changed since it was verified, and FileChanged is raised if that
        happens each time. One process at a time decodes or links a file; others wait. Raises ReadOnlyStore, DiskFailed,
        and as `Extract.to_temporary` and `act`.
        """
        name = f"{FOLDER}/{file[:2]}/{file}{_EXECUTABLE if executable else ''}"
        with self._door.lock_folder(name.rpartition("/")[0]):
            for _ in range(_TRIES):
                cached = self._cached(name, file, executable=executable)
                fd, stat, lasting = cached or self._decoded(name, file, executable=executable, progress=progress)
                try:
                    before, after = act(fd, self._door.path(name))
                finally:
                    os.close(fd)
                if before == stat and (after == stat or (is_link and _is_linked(before, after))):
                    self._record(name, file, after, lasting=lasting and (after == stat or not _is_coarse(after)))
                    if cached is not None and progress is not None:
                        progress(stat.size)
                    return
        raise errors.FileChanged(path=self._door.path(name))

    # --- inside

    def _cached(self, name: str, file: FileId, *, executable: bool) -> _Opened | None:
        """Return the cached file if its bytes are verified; None if it must be decoded."""
        try:
            fd = self._door.open(name)
        except (OSError, errors.MvcError):
            return None
        with contextlib.suppress(OSError):
            found = Stat.of(os.fstat(fd))
            if found.executable == executable and not found.mode & _WRITABLE:
                if self._recorded(name, file) == found[:4]:
                    return _Opened(fd, found, lasting=True)
                settled = self._settle(fd, found)
                before = Stat.of(os.fstat(fd))
                if hashing.file_id(fd) == file and Stat.of(os.fstat(fd)) == before:
                    return _Opened(fd, before, lasting=settled and before == found)
        os.close(fd)
        return None

    def _decoded(self, name: str, file: FileId, *, executable: bool, progress: Progress | None) -> _Opened:
        """Return the newly decoded file.

        Its mtime is at least a tick before the rename, so an edit changes it even in the tick of the rename.
        """
        temporary = self._door.temporary()
        try:
            self._extract.to_temporary(file, temporary, progress)
            temporary.close(STORED_EXECUTABLE if executable else STORED)
            fd = confined.open_regular(temporary.path)
            try:
                before = Stat.of(os.fstat(fd))
                shows = os.fstat(fd).st_dev == self._device and self._file_system.is_later_than(before.mtime_ns)
                self._door.give_cache_name(temporary, name)
                placed = Stat.of(os.fstat(fd))
            except BaseException:
                os.close(fd)
                raise
        finally:
            temporary.discard()
        return _Opened(fd, placed, lasting=shows and _is_linked(before, placed) and not _is_coarse(placed))

    def _record(self, name: str, file: FileId, stat: Stat, *, lasting: bool) -> None:
        """Record the stat of the verified file if it is `lasting`."""
        if not lasting:
            self._door.forget(_record_name(name))
            return
        row = Verified(file, *stat[:4], primitives.now_ns())
        recorded = self._read(name)
        if recorded is None or recorded.stat != row.stat or row.clock - recorded.clock >= _REFRESHED_NS:
            self._door.cache(_record_name(name), row.encode())

    def _recorded(self, name: str, file: FileId) -> tuple[int, ...] | None:
        """Return the recorded stat of a cached file; None without a valid record of this user.

        If the clock was set back since, an edit may get a recorded timestamp.
        """
        record = self._read(name)
        valid = record is not None and record.file == file and record.clock <= primitives.now_ns()
        return record.stat if record is not None and valid else None

    def _read(self, name: str) -> Verified | None:
        try:
            fd = self._door.open(_record_name(name))
        except (OSError, errors.MvcError):
            return None
        with os.fdopen(fd, "rb") as opened:
            if os.fstat(fd).st_uid != os.geteuid():
                return None
            try:
                return Verified.decode(opened.read(_MAX_RECORD), what=name)
            except (OSError, errors.MvcError):
                return None

    def _settle(self, fd: int, stat: Stat) -> bool:
        """Flush the file; return whether every edit from now on changes its timestamps."""
        system = self._file_system
        if os.fstat(fd).st_dev != self._device or not system.has_passed(stat.mtime_ns, stat.ctime_ns):
            return False
        if system.flush is None:
            return False
        try:
            system.flush(fd)
        except OSError:
            return False
        return True

    @cached_property
    def _device(self) -> int:
        return os.stat(self._door.root).st_dev

    @cached_property
    def _file_system(self) -> FileSystem:
        return FileSystem(self._device, self._door.scratch)


def total(door: StoreDoor) -> int:
    """Return the bytes of the cached files."""
    return usage.size(door, FOLDER)


def expire(door: StoreDoor, live: Container[FileId], cutoff: int, *, dry_run: bool) -> Removed:
    """Remove cached files that were last used before `cutoff`, in nanoseconds since 1970, and those not in `live`.

    Files that are being linked or decoded stay.
    """
    removed = NOTHING
    for folder in (f"{FOLDER}/{fan}" for fan in door.names(FOLDER)):
        if not door.stat(folder).is_folder:
            continue
        with door.lock_folder(folder, wait=False) as held:
            for names in _groups(door, folder) if held else ():
                if FileId(_file_of(names[0])) not in live or _last_use(door, names) < cutoff:
                    stored = sum(usage.size(door, name) for name in names)
                    removed = Removed(removed.files + 1, removed.bytes + stored)
                    for name in () if dry_run else names:
                        door.forget(name)
    return removed


def _groups(door: StoreDoor, folder: str) -> list[list[str]]:
    """Return the names of each cached file and its records."""
    groups: dict[str, list[str]] = {}
    for name in door.names(folder):
        groups.setdefault(name.partition(".")[0], []).append(f"{folder}/{name}")
    return list(groups.values())


def _file_of(name: str) -> str:
    """Return the id of a cached file or a record of it; an empty text if there is none in the name."""
    id_ = name.rpartition("/")[2].partition(".")[0].removesuffix(_EXECUTABLE)
    return id_ if is_id(id_) else ""


def _last_use(door: StoreDoor, names: list[str]) -> int:
    """Return the time of the last use of a cached file, in nanoseconds: it was decoded or linked, or a record written."""
    times = [0]
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            times.append(door.stat(name).ctime_ns)
    return max(times)


def _is_linked(before: Stat, after: Stat) -> bool:
    """Return whether the stats differ in the ctime at most, which a new name changes."""
    return after._replace(ctime_ns=before.ctime_ns) == before


def _is_coarse(stat: Stat) -> bool:
    return is_coarse(stat.mtime_ns) or is_coarse(stat.ctime_ns)


def _record_name(name: str) -> str:
    return f"{name}.{os.geteuid()}"
