"""`mvc add`: track files, folders and patterns by writing them into `[files]` of model.toml.

given ─ path or pattern ─ its new files ─ a valid role for each
      └─ all of it in [files] ─ the checks of a commit ─ written, or refused without any change
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.model import paths
from mvc.model.document import Document, keys, rows
from mvc.model.manifest import Manifest
from mvc.model.roles import LABELMAP, is_glob
from mvc.model.toml import parse, rules, schema
from mvc.model.tree import MAX_ENTRIES
from mvc.porcelain import edit
from mvc.registry.files import flat_files
from mvc.repository.model import Model
from mvc.repository.repository import Repository, writes
from mvc.repository.worktree import globs, links, model_file, untracked
from mvc.repository.worktree import scan as worktree
from mvc.repository.worktree.links import Follow
from mvc.repository.worktree.scan import Scan, WorkFile

if TYPE_CHECKING:
    from mvc.model.toml import edit as toml_edit
else:
    toml_edit = lazy.Module("mvc.model.toml.edit")

MANY = 200
"""New files added with the whole folder without `--yes`, at most."""
_SHOWN = 5
_PATTERN_ROLE = "files"


@dataclass(frozen=True, slots=True)
class Entry(Document):
    """A new entry of `[files]`, with the number and bytes of the files it newly tracks."""

    KEYS = keys("role path files bytes_total=bytes")

    role: str
    path: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Added(Document):
    """The entries added, those `tracked` already (path and role), and files `skipped` as credentials.

    `ignored` are weight-like files that a `.gitignore` excludes from the whole folder, a hundred at most.
    """

    KEYS = keys("added=entries", {"tracked": rows("tracked", "path=0 role=1")}, "skipped ignored")

    entries: tuple[Entry, ...]
    tracked: tuple[tuple[str, str], ...] = ()
    skipped: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


@writes
def add(
    model: Model,
    given: Sequence[Path],
    *,
    role: str | None = None,
    yes: bool = False,
    follow_links: bool = False,
) -> Added:
    """Track the files, folders or patterns at the absolute paths `given`; no content is read.

    `role` defaults to the file's stem or the folder's name, of the whole folder to "files". `yes` allows a pattern of
    the whole folder any number of files. With `follow_links`, a
    link is versioned as its target; if that is outside the repository, the user's settings record the permission.
    model.toml changes only if the result can be committed. Raises NotInModel, NoSuchFile, NothingToTrack,
    NotRegularFile, UnsafePath, UnportablePath, BadRole, RoleInUse, TrackedAlready, OneRole, ManyFiles and the like.
    """
    if role is not None and len(given) > 1:
        raise errors.OneRole(role=role, count=len(given))
    folder = model.folder
    targets = [_target(model.repository, folder, path) for path in given]
    done: list[Added] = []

    def change(text: str) -> str:
        plan = _Plan(model.repository, folder, _parsed(folder, text), follow_links=follow_links)
        for target in targets:
            plan.add(target, role)
        plan.check(yes=yes)
        if plan.assignments:
            text = toml_edit.set_keys(text, plan.assignments)
            plan.verify(_parsed(folder, text))
        if plan.leads_outside:
            links.approve(model.repository)
        done.append(Added(tuple(plan.entries), tuple(plan.tracked), tuple(sorted(plan.skipped)), plan.ignored()))
        return text

    edit.rewrite(model, change, [])
    return done[-1]


@dataclass(frozen=True, slots=True)
class _Target:
    """A path or pattern to add: its path in the model's folder, its form in `[files]`, and the base of its role."""

    path: str
    pattern: str
    name: str
    is_file: bool = False

    @property
    def is_glob(self) -> bool:
        """True if it may match several files."""
        return is_glob(self.pattern)


def _target(repository: Repository, folder: str, path: Path) -> _Target:
    is_above = path.name == ".."
    place = Path(os.path.realpath(path)) if is_above else Path(os.path.realpath(path.parent)) / path.name
    try:
        relative = place.relative_to(os.path.realpath(repository.root / folder)).as_posix()
    except ValueError:
        raise errors.NotInModel(path=paths.escape_name(os.fspath(path)), folder=folder or "the top") from None
    if is_glob(relative) and not os.path.lexists(place):
        return _Target(relative, relative, PurePosixPath(globs.fixed_part(relative) or _PATTERN_ROLE).name)
    if os.path.isdir(place) and not os.path.islink(place):
        if relative == ".":
            return _Target("", globs.WHOLE, _PATTERN_ROLE)
        paths.check_path(relative)
        return _Target(relative, f"{globs.literal(relative)}/**", place.name)
    if not os.path.lexists(place):
        raise errors.NoSuchFile(path=paths.escape_name(relative))
    return _Target(relative, globs.literal(relative), place.name.lstrip(".").partition(".")[0], is_file=True)


def _parsed(folder: str, text: str) -> Manifest:
    return parse.parse(text.encode(), where=model_file.path(folder))


class _Plan:
    """The entries to add to `[files]` of a manifest."""

    def __init__(self, repository: Repository, folder: str, manifest: Manifest, *, follow_links: bool) -> None:
        """Read what is tracked already."""
        self.entries: list[Entry] = []
        self.tracked: list[tuple[str, str]] = []
        self.skipped: set[str] = set()
        self.leads_outside = False
        self._root, self._folder, self._manifest = repository.root, folder, manifest
        self._follows = follow_links
        self._before = self._scan(manifest.files, manifest.labelmap_path, links.of(repository, manifest))
        self._followed = list(manifest.model.get(links.KEY[1], ()))
        self._roles = {file.path: file.role for file in self._before.tracked}
        self._files = dict(manifest.files)  # this and the roles are extended by each entry
        self._taken = {above for role in (*self._files, *self._roles.values()) for above in _with_above(role)}
        self._of_everywhere: list[WorkFile] = []

    @property
    def assignments(self) -> list[tuple[schema.Path, Any]]:
        """The keys of model.toml that change, with their new values."""
        files: list[tuple[schema.Path, Any]] = [(("files", entry.role), entry.path) for entry in self.entries]
        changed = self._followed != list(self._manifest.model.get(links.KEY[1], ()))
        return [*files, (links.KEY, self._followed)] if changed else files

    def add(self, target: _Target, asked: str | None) -> None:
        """Add an entry for `target` unless all of it is tracked; raise for an invalid one."""
        same = next((role for role, pattern in self._files.items() if pattern == target.pattern), None)
        if same is not None and asked is not None and self._files.get(asked) == target.pattern:
            same = asked
        elif same is not None and asked is not None:
            if target.is_glob:
                raise errors.TrackedAlready(path=paths.escape_name(target.pattern), role=same)
            same = None  # a path may have another role beside it
        found = self._found(target)
        new = [file for file in found.tracked if file.path not in self._roles]
        claims = asked is not None and not target.is_glob  # a path takes precedence over a glob that tracks it
        if same is None and (new or claims):
            same = self._enter(target, self._chosen(target, asked), new)
        elif same is None and not found.tracked:
            raise errors.NothingToTrack(path=paths.escape_name(target.path) or ".", reason=self._why(target, found))
        elif same is None and asked is not None:  # all of a pattern is tracked in other roles
            role = self._roles[found.tracked[0].path].rstrip("/")
            raise errors.TrackedAlready(path=paths.escape_name(target.path) or ".", role=role)
        if same is not None and found.followed:
            self._follow(same, found)
        if not claims:
            added = {file.path for file in new}
            self.tracked += [(file.path, self._roles[file.path]) for file in found.tracked if file.path not in added]

    def ignored(self) -> tuple[str, ...]:
        """The untracked weight-like files of a whole folder, since a `.gitignore` excludes them."""
        if not any(entry.path == globs.WHOLE for entry in self.entries):
            return ()
        return untracked.weight_like(self._root, self._folder, self._roles.keys())

    def check(self, *, yes: bool) -> None:
        """Raise ManyFiles if the whole folder has more new files than a person would review."""
        files = self._of_everywhere
        if len(files) <= MANY or yes:
            return
        tops = Counter(file.path.partition("/")[0] if "/" in file.path else "" for file in files)
        shown = [_in_folder(top, count) for top, count in tops.most_common(_SHOWN)]
        more = [f"{len(tops) - _SHOWN} more folders"] if len(tops) > _SHOWN else []
        size = sum(file.stat.size for file in files) / (1 << 20)
        raise errors.ManyFiles(count=len(files), size=size, folders=", ".join(shown + more))

    def verify(self, after: Manifest) -> None:
        """Raise the errors of committing `after` that the manifest before does not have."""
        follow = Follow(frozenset(self._followed), outside=True)
        scan = self._scan(after.files, after.labelmap_path, follow)
        known = {problem.message for problem in self._before.problems}
        worktree.require(problem for problem in scan.problems if problem.message not in known)
        broken = set(rules.check(after)) - set(rules.check(self._manifest))
        listed = sorted(f"  {problem.key}: {problem.message}" for problem in broken if problem.severity == rules.ERROR)
        if listed:
            raise errors.RulesBroken(count=len(listed), problems="\n".join(listed))
        if len(scan.tracked) > MAX_ENTRIES:
            raise errors.TooBig(what="[files]", reason=f"a version has at most {MAX_ENTRIES:,} files")
        after.encode()

    # --- inside

    def _scan(self, files: Mapping[str, str], labelmap_path: str | None, follow: Follow) -> Scan:
        return worktree.scan(self._root, self._folder, files, labelmap_path, follow=follow)

    def _follow(self, role: str, found: Scan) -> None:
        """Record that the links of a role are followed."""
        self._followed = [*dict.fromkeys((*self._followed, role))]
        root = os.fspath(self._root)
        self.leads_outside |= any(links.is_outside(root, target) for target in found.followed.values())

    def _enter(self, target: _Target, role: str, new: list[WorkFile]) -> str:
        """Add an entry of `[files]` with the files it matches; return its role."""
        self._files[role] = target.pattern
        self._taken |= _with_above(role)
        self._roles |= {file.path: f"{role}/" if target.is_glob else role for file in new}
        self.entries.append(Entry(role, target.pattern, len(new), sum(file.stat.size for file in new)))
        if target.is_glob and not globs.fixed_part(target.pattern):
            self._of_everywhere += new
        return role

    def _found(self, target: _Target) -> Scan:
        """Return the files that `target` matches; raise for invalid ones, links and special files included."""
        follow = Follow(frozenset({"x"}), outside=True) if self._follows else links.NONE
        found = self._scan({"x": target.pattern}, None, follow)
        worktree.require(each for each in found.problems if not isinstance(each, errors.RoleWithoutFile))
        others = [file.path for file in found.tracked if target.is_file and file.path != target.path]
        if others:
            reason = f"as a pattern, it also matches {paths.escape_name(others[0])}; rename one of the two"
            raise errors.BadPattern(pattern=paths.escape_name(target.pattern), reason=reason)
        self.skipped.update(found.skipped)
        return found

    def _why(self, target: _Target, found: Scan) -> str:
        place = self._root / self._folder / target.path
        if found.skipped:
            shown = ", ".join(map(paths.escape_name, found.skipped[:_SHOWN]))
            return f"what is in it looks like credentials ({shown}), which only a path of its own tracks"
        if not os.path.isdir(place):
            return "no file matches it"
        if target.path and os.path.lexists(place / model_file.NAME):
            return "it is the folder of another model"
        with os.scandir(place) as entries:
            if next(entries, None) is None:
                return "it is empty"
        return "it has only ignored files, empty folders and folders of other models"

    def _chosen(self, target: _Target, asked: str | None) -> str:
        """Return the requested role, or a free and valid one; raise BadRole, RoleInUse."""
        if asked is None:
            return self._free(target)
        fault = rules.role_fault(asked)
        if fault:
            raise errors.BadRole(role=paths.escape_name(asked), reason=fault)
        if asked in self._files:
            path, proposed = self._files[asked], self._free(target, first=_of_path(target))
            if target.is_file and not os.path.lexists(self._root / self._folder / path):
                key = schema.dotted(("files", asked))
                raise errors.RoleMoved(role=asked, path=path, proposed=proposed, key=key, new=target.path)
            raise errors.RoleInUse(role=asked, path=path, proposed=proposed)
        return asked

    def _free(self, target: _Target, *, first: str | None = None) -> str:
        """Return a free role after the file's stem or the folder's name, else its path, else with a number."""
        name = first or flat_files.role(target.name)
        for role in (name, _of_path(target)):
            if self._is_free(role, target):
                return role
        number = 2
        while not self._is_free(f"{name}-{number}", target):
            number += 1
        return f"{name}-{number}"

    def _is_free(self, role: str, target: _Target) -> bool:
        if role == LABELMAP and self._manifest.labelmap_path not in (None, target.pattern):
            return False
        return role not in self._taken


def _of_path(target: _Target) -> str:
    return flat_files.role(target.path.replace("/", "-").replace(".", "-"))


def _with_above(role: str) -> set[str]:
    """Yield a role and its parents: a glob of such a role could assign it to another file."""
    return {role, *(role[:at] for at, letter in enumerate(role) if letter == "/")}


def _in_folder(top: str, count: int) -> str:
    return f"{count:,} in {paths.escape_name(top)}/" if top else f"{count:,} at the top"
