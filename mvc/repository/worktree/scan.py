"""The scan of a working tree: the files that `[files]`, `labelmap.path` and `[from]` track, each with its role and stat.

    [files]                              tracked
    model-latest = "weights/best.onnx"   weights/best.onnx    model-latest
    runs = "runs/**"                     runs/a/log.csv       runs/a/log.csv    (role: the glob's, then the path below runs/)
                                         runs/.zgroup         runs/.zgroup
                                         runs/.env            skipped: it looks like credentials

A path has precedence over a glob, and a glob over one that starts in a higher folder; `**` gets the rest. A path may have
several roles; the tree has the first by name. A value file that has no role by `[files]` has that of its section.

No file is opened. A fault of a file is an error that is returned: `status` shows it, `commit` raises it.
"""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import credential_names, paths
from mvc.model.paths import escape_name
from mvc.model.roles import LABELMAP, first_role, is_glob, roles_by_path
from mvc.model.tree import TreeEntry
from mvc.repository.worktree import globs, links
from mvc.repository.worktree.links import Follow
from mvc.repository.worktree.walk import MODEL_TOML, Walk
from mvc.storage.disk.file_stat import Stat

_KINDS = {
    stat_module.S_IFDIR: "a folder",
    stat_module.S_IFIFO: "a pipe",
    stat_module.S_IFSOCK: "a socket",
    stat_module.S_IFCHR: "a device",
    stat_module.S_IFBLK: "a device",
}


# Names that may be ignored by default or look like credentials: one test for most files instead of seven.
_ODD_NAMES = frozenset({*map(str.lower, globs.DEFAULT_NAMES), *credential_names.NAMES})
_ODD_ENDS = (*globs.DEFAULT_SUFFIXES, *credential_names.SUFFIXES)


_NO_VALUES: Mapping[str, str] = MappingProxyType({})


class WorkFile(NamedTuple):
    """One tracked file: its path in the model's folder, its first role, its stat, its path from the repository's root."""

    path: str
    role: str
    stat: Stat
    root_path: str

    @property
    def exec(self) -> bool:
        """True if its owner may execute it."""
        return self.stat.executable


@dataclass(frozen=True, slots=True)
class Scan:
    """The tracked files in the order of their paths' bytes, and the faults of others.

    `skipped` are paths that a glob matches and that look like credentials; only a literal path tracks such a file.
    """

    tracked: tuple[WorkFile, ...]
    problems: tuple[errors.MvcError, ...] = ()
    skipped: tuple[str, ...] = ()
    followed: Mapping[str, str] = field(default_factory=dict)
    """The target of each link that is tracked as a file, by its path from the repository's root."""


class _Start(NamedTuple):
    """The start of globs: they are tried by the depth of their folder, the deepest first."""

    height: int
    whole: bool
    folder: str

    @classmethod
    def of(cls, pattern: str) -> Self:
        """Return the order of one glob."""
        folder = globs.fixed_part(pattern)
        return cls(-folder.count("/"), pattern == globs.WHOLE, folder)


def scan(
    root: Path,
    folder: str,
    files: Mapping[str, str],
    labelmap_path: str | None = None,
    *,
    values: Mapping[str, str] = _NO_VALUES,
    follow: Follow = links.NONE,
) -> Scan:
    """Scan the files of the model in `folder` ("" is the root) of the working tree at `root`.

    `files` are roles with a path or a glob each, as in `[files]`; `values` the paths of value files by section; `follow`
    are the links to follow. Raises nothing.
    """
    search = _Search(Walk(root, folder), f"{folder}/" if folder else "", os.fspath(root), follow)
    search.literals(files, labelmap_path)
    search.patterns({role: value for role, value in files.items() if is_glob(value)})
    search.values(values)
    search.compare()
    ordered = sorted(search.found.values())  # paths have no surrogates, so the order of code points is that of bytes
    return Scan(tuple(ordered), tuple(search.walk.problems), tuple(sorted(search.skipped)), search.followed)


def require(problems: Iterable[errors.MvcError]) -> None:
    """Raise the only problem, or UnfitFiles with the first of each path."""
    firsts: dict[object, errors.MvcError] = {}
    for problem in problems:
        firsts.setdefault(problem.fields.get("path", problem.message), problem)
    found = list(firsts.values())
    if len(found) == 1:
        raise found[0]
    if found:
        listed = " ".join(problem.message for problem in found)
        raise errors.UnfitFiles(count=len(found), problems=listed)


def clashes(tracked: Iterable[WorkFile], elsewhere: Iterable[TreeEntry]) -> Iterator[errors.MvcError]:
    """Yield the conflicts, in one version, of files in the working tree with files that are not checked out."""
    present = {file.path: file.role for file in tracked}
    absent = {entry.path: entry.role for entry in elsewhere}
    roles = {role: path for path, role in present.items()}
    for path, role in absent.items():
        if role in roles:
            yield errors.RoleTaken(role=role, first=roles[role], second=path)
    for first, second in paths.collisions([*present, *absent]):
        if first in absent or second in absent:
            yield errors.CollidingPaths(first=first, second=second)


def roles_of(
    root: Path, folder: str, files: Mapping[str, str], labelmap_path: str | None, values: Mapping[str, str]
) -> Callable[[str], str | None]:
    """Return the function from a path of the model in `folder` to its first role by `[files]`, None for no role.

    A file need not exist. As in a scan, a literal path has precedence over globs, and of these the one that begins
    deepest. Raises BadPattern, UnsafePath.
    """
    literals = {path: first_role(names) for path, names in roles_by_path(files, labelmap_path).items()}
    patterns = [
        (_Start.of(value), role, globs.compile_glob(value).match) for role, value in files.items() if is_glob(value)
    ]
    patterns.sort(key=lambda pattern: pattern[:2])
    walk = Walk(root, folder)

    def role_of(path: str) -> str | None:
        if path in literals:
            return literals[path]
        for start, role, match in patterns:
            if match(path) and not walk.hides(path, gitignore=start.whole):
                return f"{role}/{path[len(start.folder) :]}"
        return min((section for section, value in values.items() if value == path), default=None)

    return role_of


def special_kind(path: str, mode: int) -> str:
    """Return the noun for the special file at `path`."""
    if stat_module.S_ISLNK(mode):
        try:
            return f"a symbolic link to {escape_name(os.readlink(path))}"
        except OSError:
            return "a symbolic link"
    return _KINDS.get(stat_module.S_IFMT(mode), "a special file")


def _is_odd(folded: str) -> bool:
    """Return whether a name in lower case may be ignored by default or look like credentials."""
    return folded.endswith(_ODD_ENDS) or folded in _ODD_NAMES or folded.startswith(credential_names.PREFIXES)


@dataclass(slots=True)
class _Search:
    """A scan in progress: its result so far, and the roles of each literal path."""

    walk: Walk
    above: str
    root: str
    follow: Follow
    followed: dict[str, str] = field(default_factory=dict)
    found: dict[str, WorkFile] = field(default_factory=dict)
    claimed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)

    # --- paths

    def literals(self, files: Mapping[str, str], labelmap_path: str | None) -> None:
        """Add each path that is named literally."""
        guarded: dict[str, errors.MvcError | None] = {}
        if labelmap_path is not None and files.get(LABELMAP, labelmap_path) != labelmap_path:
            self._wrong(errors.RoleTaken(role=LABELMAP, first=files[LABELMAP], second=labelmap_path))
        self.claimed = roles_by_path(files, labelmap_path)
        for path, names in self.claimed.items():
            self._literal(names, path, guarded)

    def _literal(
        self,
        names: tuple[str, ...],
        path: str,
        guarded: dict[str, errors.MvcError | None],
        *,
        of_section: bool = False,
    ) -> None:
        where = self.walk.top + path
        role = first_role(names)
        try:
            self._check(path)
            fault = self.walk.guard(path[: path.rfind("/") + 1], guarded)
            if fault is not None:
                raise fault
            self._take(path, role, os.lstat(where), names)
        except errors.MvcError as problem:
            self._wrong(problem)
        except (FileNotFoundError, NotADirectoryError):
            # As a default of an argument, the class would be looked up by every command, which loads all errors.
            missing = errors.NoValueFile if of_section else errors.MissingFile
            self._wrong(missing(path=escape_name(path), role=role))
        except OSError as error:
            self._wrong(errors.UnreadableFile(path=escape_name(path), reason=error.strerror))

    def values(self, values: Mapping[str, str]) -> None:
        """Add each value file that has no role so far, under the name of its section."""
        guarded: dict[str, errors.MvcError | None] = {}
        for section, path in sorted(values.items()):
            if path not in self.found and path not in self.claimed:
                self.claimed[path] = (section,)
                self._literal((section,), path, guarded, of_section=True)

    # --- globs

    def patterns(self, patterns: Mapping[str, str]) -> None:
        """Add the files of each glob; globs with the same start share one walk, the deepest start first."""
        starts: dict[_Start, list[str]] = {}
        for role, pattern in patterns.items():
            try:
                globs.compile_glob(pattern)
            except errors.MvcError as problem:
                self._wrong(problem)
            else:
                starts.setdefault(_Start.of(pattern), []).append(role)
        matched: dict[str, tuple[str, _Start]] = {}
        used: set[str] = set()
        for start in sorted(starts):
            roles = starts[start]
            known = len(self.walk.problems)
            self._walk(start, [(role, globs.compile_glob(patterns[role]).match) for role in roles], matched, used)
            if len(self.walk.problems) > known:  # the reason for a role without file is already reported
                used.update(roles)
        for role in sorted({role for roles in starts.values() for role in roles} - used):
            self._wrong(errors.RoleWithoutFile(role=role, pattern=patterns[role]))

    def _walk(
        self,
        start: _Start,
        roles: list[tuple[str, globs.Match]],
        matched: dict[str, tuple[str, _Start]],
        used: set[str],
    ) -> None:
        """Add the matches of the globs of `roles` below `start`; `matched` are role and start of each path so far."""
        for prefix, entries, ignore in self.walk.folders(start.folder, gitignore=start.whole):
            below = prefix[len(start.folder) :]
            secret = credential_names.in_folder(prefix.split("/"))
            for entry in entries:
                name = entry.name
                path = prefix + name
                if path == MODEL_TOML:
                    continue
                if path in self.claimed:  # a pattern may match only files that have a line of their own
                    used.update(role for role, match in roles if match(path))
                    continue
                for role, match in roles:
                    if not match(path):
                        continue
                    odd = _is_odd(name.lower())
                    if (odd or ignore.rules) and ignore.hides(path):
                        continue
                    if secret or (odd and credential_names.is_name(name)):
                        self.skipped.add(path)
                        break
                    first, began = matched.setdefault(path, (role, start))
                    if first == role:
                        used.add(role)
                        self._entry(entry, path, f"{role}/{below}{name}", role)
                    elif began is start:
                        used.add(role)
                        self._wrong(errors.TwoRoles(path=escape_name(path), first=first, second=role))

    def _entry(self, entry: os.DirEntry[str], path: str, role: str, named: str) -> None:
        try:
            paths.check_path(path)
            self._take(path, role, entry.stat(follow_symlinks=False), (named,))
        except errors.MvcError as problem:
            self._wrong(problem)
        except OSError as error:
            self._wrong(errors.UnreadableFile(path=escape_name(path), reason=error.strerror))

    # --- both

    def compare(self) -> None:
        """Find roles and paths that cannot be in one version."""
        taken: dict[str, str] = {}
        for file in self.found.values():
            for role in self.claimed.get(file.path, (file.role,)):
                first = taken.setdefault(role, file.path)
                if first != file.path:
                    self._wrong(errors.RoleTaken(role=role, first=first, second=file.path))
        for first, second in paths.collisions(self.found):
            self._wrong(errors.CollidingPaths(first=first, second=second))

    def _check(self, path: str) -> None:
        paths.check_path(path.removesuffix("/"))
        if path == MODEL_TOML:
            raise errors.UnsafePath(path=path, reason="it is always part of a version and needs no role")

    def _take(self, path: str, role: str, status: os.stat_result, named: Collection[str]) -> None:
        """Track a file under `role`; `named` are its roles in `[files]`."""
        if self.follow.roles and stat_module.S_ISLNK(status.st_mode) and not self.follow.roles.isdisjoint(named):
            target, status = links.resolve(self.root, self.walk.top + path, path, outside=self.follow.outside)
            self.followed[self.above + path] = target
        if not stat_module.S_ISREG(status.st_mode):
            kind = special_kind(self.walk.top + path, status.st_mode)
            raise errors.NotRegularFile(path=escape_name(path), kind=kind)
        self.found[path] = tuple.__new__(WorkFile, (path, role, Stat.of(status), self.above + path))

    def _wrong(self, problem: errors.MvcError) -> None:
        self.walk.problems.append(problem)
