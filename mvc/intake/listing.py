"""The files of a run folder, by their paths below it: three levels deep, links apart, nothing opened.

weights/best.pt   a file         checkpoints/last.ckpt   a link: a run may have the same file under two names
weights/          a folder
"""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Iterator
from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.paths import escape_name

MAX_ENTRIES = 20_000
"""The most entries of a folder that are examined."""
DEPTH = 3
"""Folders below each other that are listed."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Files with the times of their last change, in nanoseconds; folders end with `/`."""

    files: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)

    def matches(self, pattern: str) -> list[str]:
        """Return the files that match, or the folders if the pattern ends with `/`, in the order of names."""
        names = self.folders if pattern.endswith("/") else self.files
        end = pattern.rpartition("*")[2]
        return sorted(name for name in names if name.endswith(end) and is_match(name, pattern))

    def has(self, pattern: str) -> bool:
        """Return whether anything matches."""
        return bool(self.matches(pattern))


def is_match(path: str, pattern: str) -> bool:
    """Return whether a path matches, folder by folder: a `*` stays within one name."""
    parts, patterns = path.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def of(place: Path, shown: str, depth: int = DEPTH) -> Listing:
    """Return the listing of a folder, `depth` levels deep; raise TooBig, UnreadableFile."""
    found = Listing()
    for number, (path, mode, changed) in enumerate(_entries(place, "", shown, depth)):
        if number >= MAX_ENTRIES:
            raise errors.TooBig(what=shown, reason=f"it has more than {MAX_ENTRIES:,} files and folders")
        if stat_module.S_ISDIR(mode):
            found.folders.add(f"{path}/")
        elif stat_module.S_ISREG(mode):
            found.files[path] = changed
        elif stat_module.S_ISLNK(mode):
            found.links.add(path)
    return found


def _entries(place: Path, prefix: str, shown: str, depth: int) -> Iterator[tuple[str, int, int]]:
    try:
        with os.scandir(place / prefix) as scanned:
            entries = [(prefix + entry.name, entry.stat(follow_symlinks=False)) for entry in scanned]
    except OSError as error:
        reason = error.strerror or str(error)
        raise errors.UnreadableFile(path=escape_name(f"{shown}/{prefix}".rstrip("/")), reason=reason) from error
    for path, status in entries:
        yield path, status.st_mode, status.st_mtime_ns
        if stat_module.S_ISDIR(status.st_mode) and depth > 1:
            yield from _entries(place, f"{path}/", shown, depth - 1)
