"""New entries of `[files]`: which files they track, under which role, and which role moves to another path.

given ─ path or pattern ─ its files ─ a valid role, new or moved
      └─ all of it in [files] ─ the checks of a commit
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake.target import Target
from mvc.model import paths
from mvc.model.document import Document, keys
from mvc.model.manifest import Manifest
from mvc.model.roles import LABELMAP, is_glob
from mvc.model.toml import rules, schema
from mvc.model.toml.value_file import KEY as FROM
from mvc.model.tree import MAX_ENTRIES
from mvc.registry.files import flat_files
from mvc.repository.repository import Repository
from mvc.repository.worktree import globs, links, model_file, untracked
from mvc.repository.worktree import scan as worktree
from mvc.repository.worktree.links import Follow
from mvc.repository.worktree.scan import Scan, WorkFile

MANY = 200
"""New files added with the whole folder without `--yes`, at most."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Entry(Document):
    """An entry of `[files]`: the number and bytes of the files it newly tracks; `old` is the path of a moved role."""

    KEYS = keys("role path files bytes_total=bytes old")
    OPTIONAL = ("old",)

    role: str
    path: str
    files: int
    bytes: int
    old: str | None = None


class Namesake(NamedTuple):
    """A role whose path `old` has the name of the new `path`, which got another role."""

    name: str
    old: str
    role: str
    path: str


class Entries:
    """The entries to add to `[files]` of a manifest, and the roles to move."""

    def __init__(self, repository: Repository, folder: str, manifest: Manifest, *, follow_links: bool = False) -> None:
        """Read what is tracked already."""
        self.entries: list[Entry] = []
        self.tracked: list[tuple[str, str]] = []
        self.skipped: set[str] = set()
        self.namesakes: list[Namesake] = []
        self.leads_outside = False
        self._root, self._folder, self._manifest = repository.root, folder, manifest
        self._follows = follow_links
        self._before = self._scan(manifest.files, manifest, links.of(repository, manifest))
        self._followed = list(manifest.model.get(links.KEY[1], ()))
        self._roles = {file.path: file.role for file in self._before.tracked}
        self._values = manifest.value_paths
        self._files = dict(manifest.files)  # this and the roles are extended by each entry
        self._taken = {above for role in (*self._files, *self._roles.values()) for above in _with_above(role)}
        self._of_everywhere: list[WorkFile] = []

    @property
    def assignments(self) -> list[tuple[schema.Path, Any]]:
        """The keys of model.toml that change, with their new values."""
        changes = [(key, entry.path) for entry in self.entries for key in self._keys(entry.role, entry.old)]
        changed = self._followed != list(self._manifest.model.get(links.KEY[1], ()))
        return [*changes, (links.KEY, self._followed)] if changed else [*changes]

    def add(self, target: Target, asked: str | None) -> None:
        """Add an entry for `target` unless all of it is tracked, or move the role `asked`; raise for an invalid one."""
        if asked is not None and (fault := rules.role_fault(asked)):
            raise errors.BadRole(role=paths.escape_name(asked), reason=fault)
        same = self._same(target, asked)
        found = self._found(target)
        if same is None and not found.tracked:
            raise errors.NothingToTrack(path=paths.escape_name(target.path) or ".", reason=self._why(target, found))
        new = [file for file in found.tracked if file.path not in self._roles]
        # A path takes precedence over a glob that tracks it, and a role that moves may take files of other globs.
        claims = asked is not None and (not target.is_glob or asked in self._files)
        if same is None and (new or claims):
            same = self._enter(target, asked or self._free(target), list(found.tracked) if claims else new)
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
        scan = self._scan(after.files, after, follow)
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

    def _scan(self, files: Mapping[str, str], manifest: Manifest | None, follow: Follow) -> Scan:
        path, values = (manifest.labelmap_path, manifest.value_paths) if manifest is not None else (None, {})
        return worktree.scan(self._root, self._folder, files, path, values=values, follow=follow)

    def _follow(self, role: str, found: Scan) -> None:
        """Record that the links of a role are followed."""
        self._followed = [*dict.fromkeys((*self._followed, role))]
        root = os.fspath(self._root)
        self.leads_outside |= any(links.is_outside(root, target) for target in found.followed.values())

    def _same(self, target: Target, asked: str | None) -> str | None:
        """Return the role that has exactly this path or pattern; raise TrackedAlready if a pattern has another one."""
        same = next((role for role, pattern in self._files.items() if pattern == target.pattern), None)
        if same is None or asked is None or same == asked:
            return same
        if self._old(asked) == target.pattern:
            return asked
        if target.is_glob:
            raise errors.TrackedAlready(path=paths.escape_name(target.pattern), role=same)
        return None  # a path may have another role beside it

    def _old(self, role: str) -> str | None:
        """Return the path or pattern of a role; None if it has none."""
        return self._files.get(role) or (self._manifest.labelmap_path if role == LABELMAP else self._values.get(role))

    def _keys(self, role: str, old: str | None) -> list[schema.Path]:
        """Return the keys that name the path of a role: labelmap.path and those of `[from]` are some, too."""
        files = self._manifest.value_files
        of_labels = role == LABELMAP and self._manifest.labelmap_path is not None
        keys_ = [self._key(section) for section, file in files.items() if role == section or file.path == old]
        if of_labels and LABELMAP not in files:
            keys_.append((LABELMAP, "path"))
        is_implied = role not in self._manifest.files and (of_labels or role in files)
        return [*([] if is_implied else [("files", role)]), *keys_]

    def _key(self, section: str) -> schema.Path:
        """Return the key of the path of a value file."""
        is_path = isinstance(self._manifest.value_files[section].to_toml(), str)
        return (FROM, section) if is_path else (FROM, section, "path")

    def _enter(self, target: Target, role: str, files: list[WorkFile]) -> str:
        """Add an entry of `[files]` with the files it gets, or move one; return its role."""
        old = self._old(role)
        if old is not None:
            self._roles = {path: name for path, name in self._roles.items() if not _is_of(name, role, old)}
        self._files[role] = target.pattern
        self._taken |= _with_above(role)
        self._roles |= {file.path: f"{role}/" if target.is_glob else role for file in files}
        self.entries.append(Entry(role, target.pattern, len(files), sum(file.stat.size for file in files), old))
        if target.is_glob and not globs.fixed_part(target.pattern):
            self._of_everywhere += files
        return role

    def _found(self, target: Target) -> Scan:
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

    def _why(self, target: Target, found: Scan) -> str:
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

    def _free(self, target: Target) -> str:
        """Return a free role after the file's stem or the folder's name, else its path, else with a number."""
        name = flat_files.role(target.name)
        role = next((role for role in (name, _of_path(target)) if self._is_free(role, target)), None)
        number = 2
        while role is None:
            role, number = (f"{name}-{number}" if self._is_free(f"{name}-{number}", target) else None), number + 1
        old = self._files.get(name)
        if role != name and old is not None and old.rpartition("/")[2] == target.pattern.rpartition("/")[2]:
            self.namesakes.append(Namesake(name, old, role, target.path))
        return role

    def _is_free(self, role: str, target: Target) -> bool:
        if role == LABELMAP and self._manifest.labelmap_path not in (None, target.pattern):
            return False
        return role not in self._taken


def _of_path(target: Target) -> str:
    return flat_files.role(target.path.replace("/", "-").replace(".", "-"))


def _with_above(role: str) -> set[str]:
    """Yield a role and its parents: a glob of such a role could assign it to another file."""
    return {role, *(role[:at] for at, letter in enumerate(role) if letter == "/")}


def _is_of(name: str, role: str, pattern: str) -> bool:
    """Return whether a file's role is that of an entry, or below it if the entry has a pattern."""
    return name == role or (is_glob(pattern) and name.startswith(f"{role}/"))


def _in_folder(top: str, count: int) -> str:
    return f"{count:,} in {paths.escape_name(top)}/" if top else f"{count:,} at the top"
