"""`record()`: versions of given files, as a training job creates them, without a working tree, HEAD or model.toml.

parent's values ─ changed ──────────┐
role: file anywhere ─ stored ───────┴─► version ─► branch
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.model import paths
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.roles import expanded, first_role
from mvc.model.toml import parse, pinned, render, rules, schema
from mvc.model.toml.rules import Problem
from mvc.model.toml.value_file import KEY
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Code, Version, check_message
from mvc.repository import delta_bases, intended, merge_state, refnames
from mvc.repository.model import Model
from mvc.repository.record import REASON
from mvc.repository.record import draft as drafts
from mvc.repository.record.draft import Draft, Signature
from mvc.repository.record.options import Changes, Options
from mvc.repository.repository import Actor, Repository
from mvc.repository.worktree import globs, model_file
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import HEADS, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.model.merge import text as toml_text
else:
    toml_text = lazy.Module("mvc.model.merge.text")

OWN = ("metrics", "source")
"""Sections that are not inherited from the parent: they describe its weights and their source."""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file at `path`, such as a temporary one; for a role that the parent lacks, its path in the version is `name`."""

    path: Path
    name: str


Given = Path | NamedFile | TreeEntry
"""A file to record: anywhere, or of an earlier version."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The new version, the branch that moved to it, and the bytes newly stored for its files."""

    id: VersionId
    version: Version
    model: str
    branch: str
    bytes_stored: int
    bytes_total: int
    warnings: tuple[Problem, ...] = ()
    named: tuple[str, ...] = ()
    left_out: Mapping[str, float] = field(default_factory=dict)
    """Metrics that are not finite numbers."""

    def __repr__(self) -> str:
        return f"<Recorded {self.model} v{self.version.number} {self.id[:10]} on {self.branch}>"


def record_files(
    model: Model,
    files: Mapping[str, Given],
    message: str,
    actor: Actor,
    *,
    changes: Changes | None = None,
    options: Options | None = None,
    code: Callable[[Sequence[str]], Code | None] = lambda _: None,
    progress: Progress | None = None,
) -> Recorded:
    """Create a version of `files` by role, and move a branch to it; its parent defaults to the branch's tip.

    A file of an earlier version (a TreeEntry) is not read. Values are the parent's, except `OWN`, with `changes`.
    Raises EmptyMessage, RulesBroken, SecretFound, NotReady, BadRole, NoSuchFile, NotRegularFile, FileChanged, NotAtTip, BadRefName, NameTaken.
    """
    check_message(message)
    wanted = options or Options()
    draft = Draft(model.repository, progress)
    try:
        return _Recording(model, draft, wanted, message.strip(), actor).run(files, changes or Changes(), code)
    except BaseException:
        draft.discard()
        raise


@dataclass(slots=True)
class _Recording:
    """A version that is being recorded."""

    model: Model
    draft: Draft
    options: Options
    message: str
    actor: Actor

    @property
    def repository(self) -> Repository:
        return self.model.repository

    def run(
        self,
        files: Mapping[str, Given],
        changes: Changes,
        code: Callable[[Sequence[str]], Code | None],
    ) -> Recorded:
        branch, parent = self._start()
        base = self.repository.objects.version(parent) if parent is not None else None
        places = dict(self._places(files, base))
        manifest, removed = self._manifest(base, changes, places)
        warnings = (*drafts.check(manifest, self.message, allow_secret=self.options.allow_secret), *removed)
        self.draft.ingest.bases = delta_bases.bases(self.model, manifest, [parent] if parent else [])
        firsts = [(first_role(roles), path) for path, roles in _by_path(places).items()]
        tree = Tree.of([self._entry(role, files[role], path, base) for role, path in firsts])
        self._refuse_unready(manifest, tree)
        signature = Signature(
            self.options.author or self.actor.person, self.options.date or self.actor.at, self.message, code(())
        )
        text = self._model_toml(base, manifest)
        staged = self.draft.stage(manifest, tree, text, signature, parents=(), number=1)

        made: list[Version] = []

        def version() -> tuple[RefEntry | None, Version]:
            tip = self.repository.refs.tip(branch)
            at = tip.new if tip is not None and tip.new is not None else parent
            self._require_tip(branch, at)
            above = self.repository.objects.version(at).number if at is not None else 0
            parents = [at] if at is not None else []
            made.append(replace(staged, parents=tuple(parents), number=above + 1))
            return tip, made[-1]

        subject = self.message.partition("\n")[0]
        id_ = self.draft.publish(branch, self.actor.move(f"{REASON}{subject}"), version)
        named = refnames.set_all(self.model, id_, self.options.tags, self.options.aliases, self.actor)
        return Recorded(
            id_,
            made[-1],
            self.model.key,
            branch.name,
            sum(self.draft.fresh.values()),
            sum(entry.size for entry in tree.entries),
            warnings,
            named,
        )

    def _start(self) -> tuple[RefName, VersionId | None]:
        """Return the branch to move, and its parent as far as it is known."""
        repository, options = self.repository, self.options
        head = self.model.head
        name = options.branch or head.branch
        if name is None:
            raise errors.Detached(model=self.model.key, version=head.at()[:10])
        if name == head.branch:
            merge_state.refuse(self.model)
        branch = self.model.ref(HEADS, name)
        at = repository.refs.target(branch)
        if at is None:
            refnames.check_new(self.model, HEADS, name)
        refnames.check_all(self.model, options.tags, options.aliases, None)
        self._require_tip(branch, at)
        return branch, at or options.parent or self.model.current

    def _require_tip(self, branch: RefName, at: VersionId | None) -> None:
        """Raise NotAtTip unless the requested parent is the tip: a branch only fast-forwards."""
        wanted = self.options.parent
        if wanted is not None and at is not None and at != wanted:
            raise errors.NotAtTip(branch=branch.name, tip=at[:10], parent=wanted[:10])

    def _places(self, files: Mapping[str, Given], base: Version | None) -> Iterator[tuple[str, str]]:
        """Return the path of each role: the parent's, else the role with the file's suffix. Roles of a file may share one."""
        known = self._known(base)
        found: dict[str, str] = {}
        for role, file in files.items():
            fault = rules.role_fault(role)
            if fault:
                raise errors.BadRole(role=paths.escape_name(role), reason=fault)
            shares = [other for other, path in found.items() if role in known and path == known[role].path]
            own = role not in known or not all(_are_same(files[other], file) for other in shares)  # shared so far only
            found[role] = _own_path(role, file) if own else known[role].path
            paths.check_path(found[role])
            yield role, found[role]
        owners: dict[str, str] = {}
        for role, path in found.items():
            first = owners.setdefault(path, role)
            if not _are_same(files[first], files[role]):
                raise errors.CollidingPaths(first=path, second=path)
        for one, other in paths.collisions(owners):
            raise errors.CollidingPaths(first=one, second=other)

    def _known(self, base: Version | None) -> Mapping[str, TreeEntry]:
        """The parent's files by role."""
        if base is None:
            return {}
        objects = self.repository.objects
        return expanded(objects.manifest(base.manifest), objects.tree(base.tree)).by_role

    def _manifest(
        self, base: Version | None, changes: Changes, places: Mapping[str, str]
    ) -> tuple[Manifest, Sequence[Problem]]:
        """Return the parent's values with the changes, and the warning if that removes a pinned docker digest."""
        sections: dict[str, Mapping[str, Any]] = {}
        if base is not None:
            old = self.repository.objects.manifest(base.manifest)
            sections = {name: values for name, values in old.resolved().items() if name not in (*OWN, KEY)}
            sections["labelmap"] = {str(number): name for number, name in old.labelmap}
        new = changes.of(sections)
        removed = _remove_stale_digest(sections.get("docker", {}), new, changes)
        new["model"] = {**new.get("model", {}), "name": self.model.key}
        new["files"] = {role: globs.literal(path) for role, path in places.items()}
        text = render.document({name: new[name] for name in schema.MODEL_TOML.keys if new.get(name)})
        return parse.parse(text.encode(), where=model_file.NAME), removed

    def _model_toml(self, base: Version | None, manifest: Manifest) -> bytes:
        """Return the parent's model.toml, with its comments, edited to the version's values."""
        if base is None:
            return parse.render(manifest)
        old = parse.parse(model_file.of_version(self.repository, base, self.model.key), where=model_file.NAME)
        text = model_file.of_version(self.repository, base, self.model.key).decode()
        return toml_text.rewrite(text, old, manifest).encode()

    def _entry(self, role: str, file: Given, path: str, base: Version | None) -> TreeEntry:
        if isinstance(file, TreeEntry):
            recipe = self.repository.recipes.best(file.file)
            if recipe is not None:
                self.repository.door.make_durable(recipe.path)
            return file._replace(path=path, role=role)
        file = file.path if isinstance(file, NamedFile) else file
        known = self._known(base).get(role)
        fd = _opened(file)
        try:
            before = os.fstat(fd)
            id_ = self.draft.store(fd, path, role)
            after = os.fstat(fd)
        finally:
            os.close(fd)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise errors.FileChanged(path=paths.escape_name(os.fspath(file)))
        executable = known.exec if known is not None else bool(before.st_mode & stat.S_IXUSR)
        return TreeEntry(path, role, before.st_size, id_, executable)

    def _refuse_unready(self, manifest: Manifest, tree: Tree) -> None:
        if self.options.aliases and not self.options.force:
            found = intended.unready(manifest, lambda: tree)
            intended.refuse(found, "the version", "mvc check", self.options.aliases, refused="recorded")


def _own_path(role: str, file: Given) -> str:
    """Return the path of a file whose role the parent lacks."""
    if isinstance(file, NamedFile):
        return file.name
    return f"{role}{PurePosixPath(file.path).suffix if isinstance(file, TreeEntry) else file.suffix}"


def _are_same(one: Given, other: Given) -> bool:
    if isinstance(one, TreeEntry) and isinstance(other, TreeEntry):
        return (one.file, one.exec) == (other.file, other.exec)
    return one == other


def _by_path(places: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the roles of each path."""
    found: dict[str, list[str]] = {}
    for role, path in places.items():
        found.setdefault(path, []).append(role)
    return found


def _opened(file: Path) -> int:
    """Open a regular file. Raises NoSuchFile, NotRegularFile, UnreadableFile."""
    shown = paths.escape_name(os.fspath(file))
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        raise errors.NoSuchFile(path=shown) from None
    except OSError as error:
        raise errors.UnreadableFile(path=shown, reason=error.strerror) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise errors.NotRegularFile(path=shown, kind="a folder or a special file")
    return fd


def _remove_stale_digest(old: Mapping[str, Any], new: dict[str, dict[str, Any]], changes: Changes) -> Sequence[Problem]:
    """Remove the docker digest that was pinned for another image, unless it is set too; return the warning."""
    is_set = any(key == pinned.DIGEST for key, _ in changes.assignments)
    if is_set or not pinned.is_stale(old, new.get("docker", {})):
        return ()
    del new["docker"]["digest"]
    return (pinned.REMOVED,)
