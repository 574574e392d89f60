"""`record()`: versions of given files, as a training job creates them, without a working tree, HEAD or model.toml.

parent's values ─ changed ──────────┐
role: file anywhere ─ stored ───────┴─► version ─► branch
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.formats.known import describing
from mvc.formats.source import Source
from mvc.model import paths
from mvc.model.compare.diff import Snapshot
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.roles import first_role
from mvc.model.toml import parse
from mvc.model.toml.rules import Problem
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.repository import contents, delta_bases, intended, refnames
from mvc.repository.model import Model
from mvc.repository.policy import gate
from mvc.repository.record import REASON
from mvc.repository.record import plan as plans
from mvc.repository.record.draft import Draft, Signature
from mvc.repository.record.options import Changes, CodeOf, Options
from mvc.repository.record.plan import Content, Given, NamedFile, Plan
from mvc.repository.repository import Actor, Repository
from mvc.repository.worktree import model_file
from mvc.repository.worktree.snapshot import UNREAD
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import RefEntry

if TYPE_CHECKING:
    from mvc.model.merge import text as toml_text
    from mvc.repository.policy.candidate import Candidate
    from mvc.repository.record import license_claims, planned, scanned
else:
    license_claims = lazy.Module("mvc.repository.record.license_claims")
    planned = lazy.Module("mvc.repository.record.planned")
    scanned = lazy.Module("mvc.repository.record.scanned")
    toml_text = lazy.Module("mvc.model.merge.text")


@dataclass(frozen=True, slots=True)
class Recorded(Document):
    """The new version, the branch that moved to it, and the bytes newly stored for its files.

    Not `created`: the version was there already, so only refs that it lacked were set. `is_current`: the branch is checked
    out, so that the working tree is no longer that of its tip.
    """

    KEYS = keys(
        "id number=version.number model branch parents=version.parents created files bytes_stored bytes_total warnings",
        "named left_out=left_out_texts",
    )

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
    files: tuple[TreeEntry, ...] = ()
    created: bool = True
    is_current: bool = False

    @property
    def left_out_texts(self) -> dict[str, str]:
        """The metrics left out, as texts: JSON has no infinity."""
        return {key: str(value) for key, value in self.left_out.items()}

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
    code: CodeOf = lambda _: None,
    progress: Progress | None = None,
    unless: Callable[[], None] = lambda: None,
) -> Recorded:
    """Create a version of `files` by role, and move a branch to it; its parent defaults to the branch's tip.

    A file of an earlier version (a TreeEntry) is not read. Values are the parent's, except `OWN`, with `changes`. `unless` is
    called when the branch's tip was read, and again under the lock if it has moved meanwhile; it may raise.
    Raises EmptyMessage, RulesBroken, SecretFound, ScanRefused, NotReady, BadRole, NoSuchFile, NotRegularFile, FileChanged, FileReplaced,
    NotAtTip, BadRefName, NameTaken.
    """
    wanted = options or Options()
    draft = Draft(model.repository, progress)
    try:
        plan = plans.plan(model, files, message, changes or Changes(), wanted)
        unless()
        return _Recording(model, draft, plan, wanted, message.strip(), actor, unless).run(files, code)
    except BaseException:
        draft.discard()
        raise


@dataclass(slots=True)
class _Recording:
    """A version that is being recorded."""

    model: Model
    draft: Draft
    plan: Plan
    options: Options
    message: str
    actor: Actor
    unless: Callable[[], None]
    given: Mapping[str, Given] = field(default_factory=dict)
    stamps: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The size and the times of each file before it was scanned, by role; empty where they say nothing."""

    @property
    def repository(self) -> Repository:
        return self.model.repository

    def run(self, files: Mapping[str, Given], code: CodeOf) -> Recorded:
        plan, options = self.plan, self.options
        self.given = files
        new = partial(planned.candidate, self.repository, plan, files)
        gate.check_new(self.repository, new, plan.branch, options.tags, options.aliases)
        warnings = self._scanned(new())
        self.draft.ingest.bases = delta_bases.bases(self.model, plan.manifest, [plan.parent] if plan.parent else [])
        firsts = [(first_role(roles), path) for path, roles in _by_path(plan.places).items()]
        firsts.sort(key=lambda first: -_size(files[first[0]]))  # as a commit of the working tree
        self._expect({path: files[role] for role, path in firsts})
        tree = Tree.of([self._entry(role, files[role], path) for role, path in firsts])
        self._refuse_unready(tree)
        author, date = options.author or self.actor.person, options.date or self.actor.at
        signature = Signature(author, date, self.message, code(()))
        staged = self.draft.stage(plan.manifest, tree, self._model_toml(), signature, parents=(), number=1)
        version, id_ = self._publish(staged)
        done = Recorded(
            id_,
            version,
            self.model.key,
            plan.branch.name,
            sum(self.draft.fresh.values()),
            sum(entry.size for entry in tree.entries),
            (*plan.warnings, *warnings, *self._licenses(tree)),
            files=tree.entries,
            is_current=self.model.head.branch == plan.branch.name,
        )
        try:
            return replace(done, named=refnames.set_all(self.model, id_, options.tags, options.aliases, self.actor))
        except errors.NamesNotSet as error:
            error.recorded = done
            raise

    def _scanned(self, new: Candidate) -> tuple[Problem, ...]:
        """Return the warnings about what loaders of the files would run. Raises ScanRefused."""
        unread = [entry for entry in new.tree.entries if entry.file == UNREAD]
        self.stamps = {role: _stamp(file) for role, file in self.given.items()}
        return scanned.check(
            self.repository, new.contents, unread, allow_unsafe=self.options.allow_unsafe, source=self._source
        )

    def _source(self, path: str) -> str:
        """Return the file on disk that becomes the file of the version at `path`, which may have another name."""
        given = self.given[first_role(_by_path(self.plan.places)[path])]
        if isinstance(given, NamedFile):
            return given.label or str(given.path)
        return str(given) if isinstance(given, Path) else path

    def _licenses(self, tree: Tree) -> tuple[Problem, ...]:
        """Return the warning about files that contradict the license of the model, and that the parent does not have."""
        if "license" not in self.plan.manifest.model:
            return ()
        base, objects = self.plan.base, self.repository.objects
        old = Snapshot(objects.manifest(base.manifest), objects.tree(base.tree)) if base is not None else None
        return license_claims.check(contents.stored(self.repository), old, Snapshot(self.plan.manifest, tree))

    def _publish(self, staged: Version) -> tuple[Version, VersionId]:
        """Move the branch to the version, whose parent is the tip under the lock; return both."""
        plan, made = self.plan, []

        def version() -> tuple[RefEntry | None, Version]:
            tip = self.repository.refs.tip(plan.branch)
            at = tip.new if tip is not None and tip.new is not None else plan.parent
            plans.require_tip(self.options, plan.branch, at)
            if tip != plan.tip:
                self.unless()
            above = self.repository.objects.version(at).number if at is not None else 0
            made.append(replace(staged, parents=(at,) if at is not None else (), number=above + 1))
            return tip, made[-1]

        subject = self.message.partition("\n")[0]
        id_ = self.draft.publish(plan.branch, self.actor.move(f"{REASON}{subject}"), version)
        return made[-1], id_

    def _model_toml(self) -> bytes:
        """Return the parent's model.toml, with its comments, edited to the version's values."""
        base, manifest = self.plan.base, self.plan.manifest
        if base is None:
            return parse.render(manifest)
        old = parse.parse(model_file.of_version(self.repository, base, self.model.key), where=model_file.NAME)
        text = model_file.of_version(self.repository, base, self.model.key).decode()
        return toml_text.rewrite(text, old, manifest).encode()

    def _expect(self, files: Mapping[str, Given]) -> None:
        """Read the headers of files with external tensors: they name the others by the paths that these were read from."""
        sources = {
            os.path.abspath(file.path if isinstance(file, NamedFile) else file): path
            for path, file in files.items()
            if not isinstance(file, TreeEntry | Content)
        }
        for source in describing(sources, sources):
            with contextlib.suppress(errors.MvcError, OSError):  # storing the file reports its faults
                fd = _opened(Path(source))
                try:
                    self.draft.ingest.headers.expect(Source.of(fd, source), sources)
                finally:
                    os.close(fd)

    def _entry(self, role: str, file: Given, path: str) -> TreeEntry:
        if isinstance(file, TreeEntry):
            recipe = self.repository.recipes.best(file.file)
            if recipe is not None:
                self.repository.door.make_durable(recipe.path)
            return file._replace(path=path, role=role)
        if isinstance(file, Content):
            return TreeEntry(path, role, len(file.data), self.draft.ingest.add_bytes(file.data), exec=False)
        named = file if isinstance(file, NamedFile) else NamedFile(file)
        known = self.plan.known.get(role)
        fd = _opened(named.path)
        try:
            before = os.fstat(fd)
            stored = self.draft.store(fd, path, role)
            after = os.fstat(fd)
        except OSError as error:
            shown = paths.escape_name(os.fspath(named.path))
            raise errors.UnreadableFile(path=shown, reason=error.strerror or str(error)) from error
        finally:
            os.close(fd)
        scanned_as = self.stamps.get(role) or _times(after)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or scanned_as != _times(after):
            raise errors.FileChanged(path=paths.escape_name(os.fspath(named.path)))
        if named.id not in (None, stored.file):
            raise errors.FileReplaced(path=paths.escape_name(os.fspath(named.path)), role=role)
        executable = known.exec if known is not None else bool(before.st_mode & stat.S_IXUSR)
        return TreeEntry(path, role, stored.size, stored.file, executable)  # of files in /proc, the stat says 0 bytes

    def _refuse_unready(self, tree: Tree) -> None:
        if self.options.aliases and not self.options.force:
            found = intended.unready(self.plan.manifest, lambda: tree)
            intended.refuse(found, "the version", "mvc check", self.options.aliases, refused="recorded")


def _by_path(places: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the roles of each path."""
    found: dict[str, list[str]] = {}
    for role, path in places.items():
        found.setdefault(path, []).append(role)
    return found


def _size(file: Given) -> int:
    """Return the bytes of a file, 0 for one that cannot be read."""
    if isinstance(file, TreeEntry):
        return file.size
    if isinstance(file, Content):
        return len(file.data)
    try:
        return os.stat(file.path if isinstance(file, NamedFile) else file).st_size
    except OSError:
        return 0


def _stamp(file: Given) -> tuple[int, ...]:
    """Return the size and the times of a file; nothing for one without, such as those in /proc."""
    if isinstance(file, TreeEntry | Content):
        return ()
    try:
        status = os.stat(file.path if isinstance(file, NamedFile) else file)
    except OSError:
        return ()
    return _times(status) if status.st_size else ()


def _times(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


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
