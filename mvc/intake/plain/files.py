"""The plain files that a path names: one file, or all files below a folder.

best.pt    a file, or a link to one: read                    ./-       a file with that name; `-` alone is standard input
runs/      a folder: its files by their paths below it       .git      left out, like every folder of version control

A pipe, a device, or a link to nothing or to a folder is an error where it is named, and left out below a folder. With
`every`, as the scan has it, nothing is left out without a word: a file has a name of any bytes, `.git` is one as any
other, and a folder with such a name is listed among what is left out.
"""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.model.paths import escape_name
from mvc.model.tree import MAX_ENTRIES
from mvc.storage.disk.file_stat import Stat

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_EXPECTED = "a file or a folder"
RESERVED = "a folder of version control"
"""The reason why a folder such as `.git` is left out."""
_NO_FILE, _STDIN = (FileNotFoundError, NotADirectoryError), "-"
_KINDS = {
    stat_module.S_IFDIR: "a folder",
    stat_module.S_IFIFO: "a pipe",
    stat_module.S_IFSOCK: "a socket",
    stat_module.S_IFCHR: "a device",
    stat_module.S_IFBLK: "a device",
}


class PlainFile(NamedTuple):
    """A file: its path for display and comparison, its place, and the stat of its bytes; `is_link` if it was reached by a link."""

    path: str
    place: str
    stat: Stat
    is_link: bool = False


class LeftOut(NamedTuple):
    """A path that is not compared, and why."""

    path: str
    reason: str


class Unread(LeftOut):
    """A path that cannot be read, and why."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Plain:
    """What a path names: its files by their paths; of a folder, its place, and what was left out."""

    shown: str
    files: dict[str, PlainFile]
    folder: Path | None = None
    left_out: tuple[LeftOut, ...] = ()


def at(path: Path, shown: str, *, every: bool = False) -> Plain:
    """Return the files at `path`, called `shown`. Raises NoSuchFile, NotComparable, UnreadablePath, TooBig.

    With `every`, files whose names are not UTF-8 or are those of version control are among them.
    """
    if shown == _STDIN:
        raise errors.NotComparable(path=shown, kind="standard input", expected=_EXPECTED)
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise _unnamed(path, escape_name(shown), error) from error
    if stat_module.S_ISREG(status.st_mode):
        return Plain(escape_name(shown), {shown: PlainFile(escape_name(shown), os.fspath(path), Stat.of(status))})
    if not stat_module.S_ISDIR(status.st_mode):
        raise errors.NotComparable(path=escape_name(shown), kind=_kind(status.st_mode), expected=_EXPECTED)
    found, left_out = _below(path, escape_name(shown), every=every)
    start = len(f"{path}/")
    return Plain(escape_name(shown), {file.place[start:]: file for file in found}, path, tuple(left_out))


def beside(file: PlainFile) -> Iterator[PlainFile]:
    """Yield the files in the folder of a file: the header of one may list its tensors. Nothing is raised."""
    try:
        with os.scandir(os.path.dirname(os.path.abspath(file.place))) as entries:
            found = [_entry(entry, entry.name) for entry in entries]
    except OSError:
        return
    yield from (each for each in found if isinstance(each, PlainFile))


def opened(file: PlainFile) -> int:
    """Return a descriptor of a file for reading, which never blocks. Raises UnreadablePath, FileChanged."""
    try:
        fd = os.open(file.place, _OPEN)
    except _NO_FILE:
        raise errors.FileChanged(path=file.path) from None
    except OSError as error:
        raise errors.UnreadablePath(path=file.path, reason=error.strerror or str(error)) from error
    status = os.fstat(fd)
    if not stat_module.S_ISREG(status.st_mode) or status.st_size != file.stat.size:
        os.close(fd)
        raise errors.FileChanged(path=file.path)
    return fd


def _unnamed(path: Path, shown: str, error: OSError | ValueError) -> errors.MvcError:
    """Return the error for a path where no file is."""
    if not isinstance(error, _NO_FILE):
        return errors.UnreadablePath(path=shown, reason=getattr(error, "strerror", None) or str(error))
    if os.path.islink(path):
        return errors.NotComparable(path=shown, kind="a link to nothing", expected=_EXPECTED)
    return errors.NoSuchFile(path=shown)


def _below(top: Path, shown: str, *, every: bool) -> tuple[list[PlainFile], list[LeftOut]]:
    """Return the files below a folder in the order of their paths, and what is left out of them."""
    found: list[PlainFile] = []
    left_out: list[LeftOut] = []
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(f"{top}/{prefix}") as scanned:
                entries = [entry for entry in scanned if every or not paths.is_reserved(entry.name)]
        except OSError as error:
            left_out.append(Unread(escape_name(prefix.rstrip("/")) or ".", error.strerror or str(error)))
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if paths.is_reserved(entry.name):
                    left_out.append(LeftOut(escape_name(prefix + entry.name), RESERVED))
                else:
                    waiting.append(f"{prefix}{entry.name}/")
                continue
            each = _entry(entry, prefix + entry.name, every=every)
            (found if isinstance(each, PlainFile) else left_out).append(each)  # type: ignore[arg-type]
        if len(found) + len(waiting) > MAX_ENTRIES:
            raise errors.TooBig(what=shown, reason=f"it has more than {MAX_ENTRIES:,} files and folders")
    order = partial(sorted, key=lambda each: os.fsencode(each.path))
    return order(found), order(left_out)


def _entry(entry: os.DirEntry[str], path: str, *, every: bool = False) -> PlainFile | LeftOut:
    """Return a file in a folder, or why it is left out."""
    try:
        path.encode()
    except UnicodeEncodeError:
        path = escape_name(path)
        if not every:
            return LeftOut(path, "its name is not UTF-8")
    try:
        status = entry.stat()
    except _NO_FILE:
        return LeftOut(escape_name(path), "a link to nothing")
    except OSError as error:
        return Unread(escape_name(path), error.strerror or str(error))
    is_link = entry.is_symlink()
    if not stat_module.S_ISREG(status.st_mode):
        return LeftOut(escape_name(path), f"{'a link to ' if is_link else ''}{_kind(status.st_mode)}")
    return PlainFile(path, entry.path, Stat.of(status), is_link)


def _kind(mode: int) -> str:
    return _KINDS.get(stat_module.S_IFMT(mode), "a special file")
