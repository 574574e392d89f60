"""The walk over a model's folder: the folders to enter, and the entries of each.

Never entered: a link, a folder that is ignored, the folder of another model, and those of version control (`.mvc`,
`.git`, `.hg`, `.jj`, `.svn`). Those of mvc and Git are recognised by device and inode, too, under any spelling of the
filesystem.

    ignored   the default list, then the `.mvcignore` of each folder from the model's down; the last match counts
              with `gitignore`: if a folder has no `.mvcignore`, its `.gitignore`, from the repository's root down
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat as stat_module
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path

from mvc import errors
from mvc.model import textfile
from mvc.model.paths import escape_name, is_reserved
from mvc.repository.worktree import globs
from mvc.repository.worktree.globs import Ignore

MODEL_TOML = "model.toml"
_RESERVED = (".mvc", ".git")
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_RULES = 1 << 20
"""The most bytes of an ignore file that are read."""


class Walk:
    """The folder of one model; prefixes are paths below it, "" or ending with `/`.

    `problems` has the errors of unreadable folders and files.
    """

    def __init__(self, root: Path, folder: str, *, avoid: Collection[str] = (), dot_folders: bool = True) -> None:
        """Walk the model in `folder` ("" is the root) of the working tree at `root`.

        Folders with a name in `avoid` are skipped, and without `dot_folders` those whose names begin with a dot.
        """
        self._avoid = avoid
        self._dot_folders = dot_folders
        self._root = os.fspath(root)
        self._folder = folder
        self.top = f"{self._root}/{folder}/" if folder else f"{self._root}/"
        self.problems: list[errors.MvcError] = []

    def guard(self, prefix: str, known: dict[str, errors.MvcError | None]) -> errors.MvcError | None:
        """Return the error for reading a file below `prefix`, None if it is allowed; `known` caches the results."""
        if prefix not in known:
            above = prefix[: prefix.rfind("/", 0, -1) + 1]
            known[prefix] = (self.guard(above, known) if prefix else None) or self._fault(prefix)
        return known[prefix]

    def folders(self, start: str, *, gitignore: bool = False) -> Iterator[tuple[str, list[os.DirEntry[str]], Ignore]]:
        """Yield the prefix, the files, and the ignore rules of each folder from `start` down.

        With `gitignore`, a folder without `.mvcignore` has the rules of its `.gitignore`. No folder is entered when
        `start` is missing or ignored; a link or a reserved folder in its path is a problem.
        """
        ignore = self._ignore_above(start, gitignore=gitignore)
        stack = [(start, ignore)] if ignore is not None else []
        while stack:
            prefix, ignore = stack.pop()
            files, folders = self._list(prefix)
            names = {entry.name for entry in files}
            if prefix and MODEL_TOML in names:
                continue  # another model's folder
            ignore = self._extended(ignore, prefix, names, gitignore=gitignore)
            yield prefix, files, ignore
            for entry in reversed(folders):
                below = f"{prefix}{entry.name}"
                if not ignore.hides(below, folder=True) and not self._is_reserved(entry.path):
                    stack.append((f"{below}/", ignore))

    def hides(self, path: str, *, gitignore: bool = False) -> bool:
        """Return whether ignore files hide a path from globs; it need not exist. `gitignore` is as for `folders`."""
        prefix = path[: path.rfind("/") + 1]
        ignore = self._ignore_above(prefix, gitignore=gitignore)
        if ignore is None:
            return True
        return self._extended(ignore, prefix, self._ignore_files(prefix), gitignore=gitignore).hides(path)

    # --- inside

    @cached_property
    def _reserved(self) -> set[tuple[int, int]]:
        found = set()
        for top in {self._root, self.top}:
            for name in _RESERVED:
                with contextlib.suppress(OSError):
                    status = os.stat(f"{top}/{name}")
                    found.add((status.st_dev, status.st_ino))
        return found

    def _is_reserved(self, path: str) -> bool:
        with contextlib.suppress(OSError):
            status = os.lstat(path)
            return (status.st_dev, status.st_ino) in self._reserved
        return False

    def _fault(self, prefix: str) -> errors.MvcError | None:
        if not prefix:
            return self._linked()
        shown = escape_name(prefix.rstrip("/"))
        try:
            status = os.lstat((self.top + prefix).rstrip("/"))
        except OSError:
            return None  # the missing file below it is reported itself
        if stat_module.S_ISLNK(status.st_mode):
            return errors.UnsafePath(path=shown, reason="it is a symbolic link")
        if (status.st_dev, status.st_ino) in self._reserved:
            return errors.UnsafePath(path=shown, reason="it is a folder reserved for mvc or Git")
        return None

    def _linked(self) -> errors.MvcError | None:
        """Return the error for a link in the path from the repository's root to the model's folder."""
        place = self._root
        for part in self._folder.split("/") if self._folder else ():
            place = f"{place}/{part}"
            if os.path.islink(place):
                return errors.UnsafePath(
                    path=escape_name(self._folder), reason=f"{escape_name(part)} is a symbolic link"
                )
        return None

    def _ignore_above(self, start: str, *, gitignore: bool) -> Ignore | None:
        """Return the rules of the folders above `start`; None if it must not be entered."""
        fault = self.guard(start, {})
        if fault is not None:
            self.problems.append(fault)
            return None
        ignore, end = self._ignore_of_the_root() if gitignore else Ignore(), -1
        while (next_end := start.find("/", end + 1)) >= 0:
            above = start[: end + 1]
            if above and os.path.lexists(f"{self.top}{above}{MODEL_TOML}"):
                return None
            ignore = self._extended(ignore, above, self._ignore_files(above), gitignore=gitignore)
            if ignore.hides(start[:next_end], folder=True):
                return None
            end = next_end
        return ignore

    def _ignore_files(self, prefix: str) -> list[str]:
        return [name for name in (globs.NAME, globs.GIT_NAME) if os.path.lexists(f"{self.top}{prefix}{name}")]

    def _ignore_of_the_root(self) -> Ignore:
        """Return the rules of each `.gitignore` above the model's folder, up to the repository's root."""
        ignore = Ignore()
        parts = self._folder.split("/") if self._folder else []
        for depth in range(len(parts)):
            place = "".join(f"{part}/" for part in parts[:depth]) + globs.GIT_NAME
            if os.path.lexists(f"{self._root}/{place}"):
                above = "".join(f"{part}/" for part in parts[depth:])
                ignore = ignore.extended("", self._read_rules(f"{self._root}/{place}", place), above=above)
        return ignore

    def _extended(self, ignore: Ignore, prefix: str, names: Collection[str], *, gitignore: bool) -> Ignore:
        """Return `ignore` with the rules of the folder `prefix`, whose files have these names."""
        if globs.NAME in names:
            return ignore.extended(prefix, self._rules(f"{prefix}{globs.NAME}"))
        if gitignore and globs.GIT_NAME in names:
            return ignore.extended(prefix, self._rules(f"{prefix}{globs.GIT_NAME}"))
        return ignore

    def _list(self, prefix: str) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
        """Return the files and the folders, sorted, without those of version control."""
        files, folders = [], []
        try:
            with os.scandir(self.top + prefix) as entries:
                for entry in entries:
                    if entry.name[0] == "." and is_reserved(entry.name):
                        continue
                    if not entry.is_dir(follow_symlinks=False):
                        files.append(entry)
                    elif entry.name not in self._avoid and (self._dot_folders or entry.name[0] != "."):
                        folders.append(entry)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            shown = escape_name(prefix.rstrip("/")) or "."
            self.problems.append(errors.UnreadableFile(path=shown, reason=error.strerror))
        return files, sorted(folders, key=lambda entry: entry.name)

    def _rules(self, name: str) -> str:
        return self._read_rules(self.top + name, name)

    def _read_rules(self, path: str, name: str) -> str:
        try:
            fd = os.open(path, _FILE)
            with open(fd, "rb") as file:
                if stat_module.S_ISREG(os.fstat(fd).st_mode):
                    return self._decoded(file.read(_MAX_RULES), name)
            self.problems.append(errors.NotRegularFile(path=escape_name(name), kind="a special file"))
        except OSError as error:
            reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
            self.problems.append(errors.UnreadableFile(path=escape_name(name), reason=reason))
        return ""

    def _decoded(self, data: bytes, name: str) -> str:
        if textfile.is_utf16(data):
            self.problems.append(errors.UnreadableFile(path=escape_name(name), reason=f"it is {textfile.UTF16}"))
            return ""
        return data.decode("utf-8", "surrogateescape")
