"""The files of a commit that a history may need, by path: weights, files of values, files of DVC; code is not listed.

Folders are read once: commits that share one, as most do, share what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

from mvc import errors
from mvc.intake.layouts import LAYOUTS, PLAIN
from mvc.repository.git.objects import Entry, GitObjects

MAX_FILES = 100_000
"""Files of a commit, at most."""
_MAX_DEPTH = 64
_KEPT = 4096
"""Folders whose entries are kept: one commit may have a folder at many paths."""
_EXECUTABLE = 0o100
Accepts = Callable[[str], bool]
"""A function that returns whether a file is listed, by its path."""


class GitFile(NamedTuple):
    """A file of a commit: the id of its content, and whether it is executable."""

    oid: str
    executable: bool


class CommitFiles:
    """The files below the folder `top` whose paths `accepts`; paths are relative to that folder."""

    def __init__(self, git: GitObjects, top: str, accepts: Accepts) -> None:
        """Read nothing yet."""
        self._entries = lru_cache(_KEPT)(git.entries)
        self._top = [part for part in top.split("/") if part]
        self._accepts = accepts
        self._known: dict[tuple[str, str], dict[str, GitFile]] = {}

    def of(self, tree: str) -> dict[str, GitFile]:
        """Return the files of a commit with the folder `tree`; raise TooBig, BadGitObject."""
        for part in self._top:
            below = next((entry for entry in self._entries(tree) if entry.name == part and entry.is_folder), None)
            if below is None:
                return {}
            tree = below.oid
        return self._below(tree, "", 0)

    def find(self, tree: str, path: str) -> GitFile | None:
        """Return any file of a commit by its path; None if there is none."""
        *folders, name = [*self._top, *path.split("/")]
        for part in folders:
            entry = self._entry(tree, part)
            if entry is None or not entry.is_folder:
                return None
            tree = entry.oid
        entry = self._entry(tree, name)
        return _file(entry) if entry is not None and entry.is_file else None

    def _entry(self, tree: str, name: str) -> Entry | None:
        return next((entry for entry in self._entries(tree) if entry.name == name), None)

    def _below(self, tree: str, prefix: str, depth: int) -> dict[str, GitFile]:
        known = self._known.get((tree, prefix))
        if known is not None:
            return known
        if depth > _MAX_DEPTH:
            raise errors.TooBig(what="a commit", reason=f"its folders are nested deeper than {_MAX_DEPTH}")
        found: dict[str, GitFile] = {}
        for entry in self._entries(tree):
            path = prefix + entry.name
            if entry.is_folder:
                found |= self._below(entry.oid, f"{path}/", depth + 1)
            elif entry.is_file and self._accepts(path):
                found[path] = _file(entry)
            if len(found) > MAX_FILES:
                raise errors.TooBig(
                    what="a commit", reason=f"it has more than {MAX_FILES:,} files of weights and values"
                )
        self._known[tree, prefix] = found
        return found


def is_part(path: str) -> bool:
    """Return whether a file has the name of one of weights, or of a part of a run of any trainer."""
    return _PARTS.match(path.rpartition("/")[2]) is not None


def _file(entry: Entry) -> GitFile:
    return GitFile(entry.oid, bool(entry.mode & _EXECUTABLE))


def _part_names() -> re.Pattern[str]:
    parts = (pattern for layout in (*LAYOUTS, PLAIN) for part in layout.parts for pattern in part.patterns)
    signs = (sign for layout in LAYOUTS for signs in layout.signs for sign in signs)
    names = {pattern.rpartition("/")[2] for pattern in (*parts, *signs) if not pattern.endswith("/")}
    return re.compile("|".join(translate(name) for name in sorted(names)))


_PARTS = _part_names()
