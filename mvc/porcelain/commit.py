"""`mvc commit`: record the working tree of a model as an immutable version.

scan ─ rules, secrets ─ ingest files (no lock) ─ tree, manifest, version ─ lock ─ ref entry (the commit point) ─ names
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.display import Result, changed
from mvc.formats.known import describing
from mvc.formats.source import Source
from mvc.model.compare import diff
from mvc.model.compare.diff import Snapshot, VersionDiff
from mvc.model.document import keys
from mvc.model.ids import SHORT, FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.toml import pinned
from mvc.model.toml.rules import Problem
from mvc.model.tree import TreeEntry
from mvc.model.version import Code, Person, Timestamp, Version, check_message
from mvc.repository import contents, delta_bases, history, intended, merge_state, reachable, refnames
from mvc.repository.model import Model
from mvc.repository.policy import gate as policy_gate
from mvc.repository.record import advanced, stale_metrics
from mvc.repository.record import draft as drafts
from mvc.repository.record.draft import Draft, Signature
from mvc.repository.repository import Actor, Repository
from mvc.repository.worktree import model_file, snapshot, untracked
from mvc.repository.worktree.checkout import Moved
from mvc.repository.worktree.scan import WorkFile
from mvc.repository.worktree.snapshot import Found, Ready
from mvc.storage.chunks.headers import Note
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.disk.file_stat import Stat
from mvc.storage.progress import Progress
from mvc.storage.records import merges, sparse
from mvc.storage.records.heads import Head
from mvc.storage.records.merges import CHERRY_PICK, MergeState
from mvc.storage.records.reflog import HEADS, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.images.registries import Registries

if TYPE_CHECKING:
    from mvc.porcelain import docker
    from mvc.readiness import evaluation
    from mvc.repository.policy import candidate
    from mvc.repository.record import license_claims, scanned
else:
    candidate = lazy.Module("mvc.repository.policy.candidate")
    docker = lazy.Module("mvc.porcelain.docker")
    evaluation = lazy.Module("mvc.readiness.evaluation")
    license_claims = lazy.Module("mvc.repository.record.license_claims")
    scanned = lazy.Module("mvc.repository.record.scanned")


@dataclass(frozen=True, slots=True)
class Options:
    """Options of `commit`, besides the message."""

    amend: bool = False
    allow_empty: bool = False
    allow_secret: bool = False
    allow_unsafe: bool = False
    """Store files whatever a loader of them would run."""
    dry_run: bool = False
    author: Person | None = None
    date: Timestamp | None = None
    tags: Sequence[str] = ()
    aliases: Sequence[str] = ()
    force: bool = False
    """Move aliases even to a version that is not ready for its intended uses."""
    concludes: MergeState | None = None
    """The merge, revert or cherry-pick in progress that the version concludes."""
    registries: Registries | None = None
    """Registries that resolve `docker.digest = "auto"`; without them it stays unresolved."""
    keep_metrics: bool = False
    """Metrics set by hand hold for the new weights, too."""
    warnings: Sequence[Problem] = ()
    """Warnings that are reported with those about the version: how it differs from the current training run."""


_DEFAULT = Options()
_STILL = Moved()


@dataclass(frozen=True, repr=False, slots=True)
class Committed(Result):
    """The new version (id None after a dry run), its changes, and the bytes added to the store.

    `notes` are changed weight files that were stored although empty, truncated or malformed; `compressed` new files whose
    versions cost their whole size each; `unready` the intended uses that the version is not ready for.
    """

    KEYS = keys(
        "id number=version.number model branch changes=difference bytes_stored=new_bytes bytes_total=total_bytes",
        "files warnings named notes compressed not_ready=unready skipped untracked written=moved.written deleted=moved.deleted",
    )

    id: VersionId | None
    version: Version | None
    model: str
    branch: str
    difference: VersionDiff
    new_bytes: int
    total_bytes: int
    files: int
    warnings: tuple[Problem, ...] = ()
    named: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    compressed: tuple[Note, ...] = ()
    unready: tuple[evaluation.Readiness, ...] = ()
    skipped: tuple[str, ...] = ()
    """Files of a pattern that were left out since they look like credentials."""
    untracked: tuple[str, ...] = ()
    """Weight-like files without a role, where the version has no file at all."""
    moved: Moved = _STILL
    """The files that concluding a merge wrote and deleted."""

    def summary(self) -> str:
        """Return the most important facts in one line."""
        if self.id is None or self.version is None:
            return f"{self.model} on {self.branch}: dry run, {changed(self.difference)}"
        return f"{self.model} v{self.version.number} {self.id[:SHORT]} on {self.branch}: {changed(self.difference)}"


@dataclass(slots=True)
class _Work:
    """A commit in progress: its base, the stored files, and the values of the new version."""

    repository: Repository
    model: str
    branch: RefName
    head: Head
    tip: RefEntry | None
    options: Options
    draft: Draft | None
    warnings: tuple[Problem, ...] = ()
    unready: tuple[evaluation.Readiness, ...] = ()
    left_out: frozenset[str] = frozenset()
    """The paths of the version that are not checked out."""
    code: Callable[[], Code | None] = lambda: None
    """Returns the training code's commit."""
    scanned: Mapping[str, WorkFile] = field(default_factory=dict)
    """The files that were scanned, by their paths."""

    @property
    def current(self) -> VersionId | None:
        """The version at the tip."""
        return self.tip.new if self.tip else None

    @property
    def ingest(self) -> Ingest | None:
        """The writer of new files; None in a dry run."""
        return self.draft.ingest if self.draft is not None else None

    @property
    def fresh(self) -> dict[FileId, int]:
        """The bytes that each stored file added."""
        return self.draft.fresh if self.draft is not None else {}

    def give_up(self) -> None:
        """Remove whatever was stored for nothing."""
        if self.draft is not None:
            self.draft.discard()


def commit(
    model: Model,
    message: str | None,
    actor: Actor,
    *,
    options: Options = _DEFAULT,
    progress: Progress | None = None,
    code: Callable[[Sequence[str]], Code | None] | None = None,
) -> Committed:
    """Commit the working tree of `model` on its current branch.

    `message` may be None only with `amend`, which keeps the old one. `code` is called with the model's own files and
    returns the training code's commit; `progress` receives the bytes read. Raises Detached, MergeUnderway,
    LogLost, NothingToCommit, RulesBroken, SecretFound, StaleMetrics, PolicyRefused, ScanRefused, NotReady (with aliases only), FileChanged, RefMoved, and the errors of
    reading model.toml or a tracked file.
    """
    repository = model.repository
    if message:
        check_message(message)
    if not (message and message.strip()) and not (options.amend and message is None):
        raise errors.EmptyMessage
    work = _begin(model, options, None if options.dry_run else Draft(repository, progress))
    old = _replaced(work) if options.amend else work.current
    base = history.snapshot(repository, old, model.key)
    if work.draft is not None and base is not None:
        work.draft.trust(base.tree)

    def ready(manifest: Manifest, files: Sequence[WorkFile], elsewhere: Sequence[TreeEntry]) -> None:
        checked = drafts.check(manifest, message or "", allow_secret=options.allow_secret)
        kept = pinned.kept(base.manifest.docker if base else {}, manifest.docker)
        work.warnings = (*options.warnings, *checked, *kept)
        work.unready = _unready(work, manifest, files, elsewhere)
        policy_gate.check_new(
            repository,
            lambda: candidate.working(
                repository, work.head.folder, manifest, snapshot.unread(files, elsewhere), _parents(work, old)
            ),
            work.branch,
            options.tags,
            options.aliases,
        )
        lookup = repository.stats.lookup
        work.warnings = (*work.warnings, *_scanned(work, files, base))
        unread = [file for file in files if lookup(file.root_path, file.stat) is None]
        if code is not None:
            work.code = partial(code, [model_file.path(work.head.folder), *(file.root_path for file in files)])
        if work.ingest is not None and unread:
            work.code = work.ingest.workers.submit(work.code).result  # Git runs while the files are read
            _expect(work.ingest, repository, files, unread)
        if work.ingest is not None:  # also where a command before has hashed all files: that does not store them
            work.ingest.bases = delta_bases.bases(model, manifest, [old] if old else [])
        if progress is not None:
            progress.expect(sum(file.stat.size for file in unread))

    try:
        with repository.operation("commit", actor):
            return _commit(work, old, base, ready, message, actor)
    except BaseException:
        work.give_up()
        raise


def _commit(
    work: _Work,
    old: VersionId | None,
    base: Snapshot | None,
    ready: Ready,
    message: str | None,
    actor: Actor,
) -> Committed:
    """Commit on a known base."""
    repository, model, options = work.repository, work.model, work.options
    found = snapshot.take(
        repository,
        model,
        work.head.folder,
        base.tree if base else None,
        identify=lambda file: _identify(work, file),
        ready=ready,
    )
    _check_still(work)
    stale = _stale(work, old, base, found.snapshot)
    work.warnings = (
        *work.warnings,
        *found.warnings,
        *stale_metrics.check(stale),
        *_licenses(work, base, found.snapshot),
    )
    difference = diff.compare(base, found.snapshot, new_bytes=work.fresh)
    if options.concludes is None and not difference.is_empty:
        advanced.check(Model(repository, model), work.branch.name, found)
    done = partial(_report, work, found, difference)
    if options.dry_run:
        return done(None, None, ())
    if base is not None and difference.is_empty and not options.allow_empty and not (options.amend and message):
        work.give_up()
        return _only_names(work, actor, done)
    found = _pinned(work, found)
    work.left_out = frozenset(entry.path for entry in found.elsewhere)
    difference = diff.compare(base, found.snapshot, new_bytes=work.fresh)
    done = partial(_report, work, found, difference)
    version = _version(work, old, found, message, actor)
    id_ = _publish(work, version, actor)
    named = refnames.set_all(Model(repository, model), id_, options.tags, options.aliases, actor)
    return done(id_, version, named)


def _scanned(work: _Work, files: Sequence[WorkFile], base: Snapshot | None) -> tuple[Problem, ...]:
    """Return the warnings about what loaders of new files would run. Raises ScanRefused."""
    repository = work.repository
    known = {entry.file for entry in base.tree.entries} if base is not None else set()
    new = [file for file in files if repository.stats.lookup(file.root_path, file.stat) not in known]
    if not new:
        return ()
    work.scanned = {file.path: file for file in new}
    look = contents.working(repository, work.head.folder)
    identify = snapshot.by_need(repository, base.tree if base is not None else None)
    return scanned.check(
        repository,
        look,
        snapshot.unread(new).entries,
        allow_unsafe=work.options.allow_unsafe,
        is_known=lambda path: identify(work.scanned[path]) in known,
    )


def _check_still(work: _Work) -> None:
    """Raise FileChanged if a file was changed between its scan and its storing."""
    tree = work.repository.tree
    for file in work.scanned.values():
        found = tree.stat(file.root_path)
        if found is not None and found.is_link:
            with _opened(work.repository, file) as opened:
                found = Stat.of(os.fstat(opened.fileno()))
        if found != file.stat:
            raise errors.FileChanged(path=file.path)


def _stale(work: _Work, old: VersionId | None, base: Snapshot | None, new: Snapshot) -> Problem | None:
    """Return the problem of metrics that were measured on other weights, in a merge on those of one side."""
    merging = work.options.concludes
    if work.options.keep_metrics:
        return None
    if merging is None:
        return stale_metrics.problem(work.repository, old, base, new)
    theirs = history.snapshot(work.repository, merging.theirs, work.model)
    return (
        stale_metrics.of_merge(work.repository, base, theirs, new) if base is not None and theirs is not None else None
    )


def _licenses(work: _Work, base: Snapshot | None, new: Snapshot) -> tuple[Problem, ...]:
    """Return the warning about files whose license contradicts that of the model."""
    if "license" not in new.manifest.model:
        return ()
    return license_claims.check(contents.working(work.repository, work.head.folder), base, new)


def _begin(model: Model, options: Options, draft: Draft | None) -> _Work:
    head = model.head
    if options.concludes is None:
        merge_state.refuse(model)
    if head.branch is None:
        raise errors.Detached(model=model.key, version=history.label(model.repository, head.at()))
    branch = model.ref(HEADS, head.branch)
    tip = model.repository.refs.tip(branch)
    if tip is None:
        reachable.check_log(model.repository, model.key)
    refnames.check_all(model, options.tags, options.aliases, tip.new if tip else None)
    return _Work(model.repository, model.key, branch, head, tip, options, draft)


def _replaced(work: _Work) -> VersionId:
    """Return the version that an amended one replaces; raise NothingToAmend, AmendHeld."""
    if work.current is None:
        raise errors.NothingToAmend(model=work.model)
    holders = refnames.holders(Model(work.repository, work.model), work.current, but=work.branch)
    if holders:
        raise errors.AmendHeld(version=history.label(work.repository, work.current), holders=", ".join(holders))
    return work.current


def _unready(
    work: _Work, manifest: Manifest, files: Sequence[WorkFile], elsewhere: Sequence[TreeEntry]
) -> tuple[evaluation.Readiness, ...]:
    """Return the uses the version will not be ready for.

    Raises NotReady if aliases are to point to it without `force`.
    """
    folder = work.head.folder
    found = intended.unready(
        manifest, lambda: snapshot.unread(files, elsewhere), lambda: intended.working(work.repository, folder)
    )
    if work.options.aliases and not work.options.force:
        intended.refuse(found, "the working tree", "mvc check", work.options.aliases, refused="committed")
    return found


def _identify(work: _Work, file: WorkFile) -> FileId:
    """Return the id of a tracked file, storing its content unless it is stored or this is a dry run."""
    draft = work.draft
    return draft.identify(file) if draft is not None else snapshot.by_reading(work.repository)(file)


def _expect(ingest: Ingest, repository: Repository, files: Sequence[WorkFile], unread: Sequence[WorkFile]) -> None:
    """Read the headers of files with external tensors, before these other files are stored."""
    lists = describing([file.path for file in files], [file.path for file in unread])
    for file in files:
        if file.path in lists:
            # Storing the file reports its faults.
            with contextlib.suppress(errors.MvcError, OSError), _opened(repository, file) as opened:
                ingest.headers.expect(Source.of(opened.fileno(), file.path))


def _opened(repository: Repository, file: WorkFile) -> BinaryIO:
    return open(repository.tree.open(file.root_path), "rb")


def _only_names(work: _Work, actor: Actor, done: Callable[..., Committed]) -> Committed:
    """Commit nothing, but create the refs that an interrupted commit left out."""
    assert work.current is not None  # noqa: S101 - there is a base, so there is a tip
    version = work.repository.objects.version(work.current)
    options = work.options
    work.repository.refs.settle(work.branch)  # an interrupted commit may have moved it before it was durable
    named = refnames.set_all(Model(work.repository, work.model), work.current, options.tags, options.aliases, actor)
    work.repository.stats.save()
    if not named:
        raise errors.NothingToCommit(model=work.model, version=history.label(work.repository, work.current))
    return done(work.current, version, named)


def _pinned(work: _Work, found: Found) -> Found:
    """Return the scan with `docker.digest` resolved, since there is something to commit."""
    if not isinstance(found.snapshot.manifest.docker.get("digest"), dict):
        return found
    manifest, problem = docker.pin(found.snapshot.manifest, work.options.registries)
    if problem is not None:
        work.warnings = (*work.warnings, problem)
    return replace(found, snapshot=replace(found.snapshot, manifest=manifest))


def _version(
    work: _Work,
    old_id: VersionId | None,
    found: Found,
    message: str | None,
    actor: Actor,
) -> Version:
    repository, options, draft = work.repository, work.options, work.draft
    assert draft is not None  # noqa: S101 - a dry run ends before this
    old = repository.objects.version(old_id) if old_id else None
    replaced = old if options.amend else None
    state = options.concludes
    picked = repository.objects.version(state.theirs) if state is not None and state.picks == CHERRY_PICK else None
    author = options.author or (replaced.author if replaced else picked.author if picked else actor.person)
    signature = Signature(
        author=author,
        time=options.date or actor.at,
        message=message.strip() if message else replaced.message if replaced else "",
        code=work.code(),
    )
    number = replaced.number if replaced else old.number + 1 if old else 1
    manifest, tree = found.snapshot.manifest, found.snapshot.tree
    version = draft.stage(manifest, tree, found.model_toml, signature, parents=_parents(work, old_id), number=number)
    return replace(version, ext=state.ext) if state is not None else version


def _parents(work: _Work, old: VersionId | None) -> tuple[VersionId, ...]:
    """Return the parents of the new version: those of an amended one, else `old` and what is merged."""
    if work.options.amend and old is not None:
        return work.repository.objects.version(old).parents
    state = work.options.concludes
    return tuple(id_ for id_ in (old, *(state.parents[1:] if state is not None else ())) if id_)


def _publish(work: _Work, version: Version, actor: Actor) -> VersionId:
    """Make everything durable, then move the branch (the commit point); raise RefMoved."""
    repository = work.repository
    assert work.draft is not None  # noqa: S101 - a dry run ends before this

    def standing() -> tuple[RefEntry | None, Version]:
        if repository.heads.get(work.model) != work.head:
            raise errors.RefMoved(ref="HEAD", by="another command", reason="switch")
        return work.tip, version

    def after() -> None:
        if work.options.concludes is not None:  # if this is not reached, the record is obsolete anyway
            merges.end(repository.door, work.model)
        if sparse.paths(repository.door, work.model) != work.left_out:
            sparse.record(repository.door, work.model, work.left_out)

    state = work.options.concludes
    verb = "amend" if work.options.amend else state.verb if state is not None else "commit"
    return work.draft.publish(work.branch, actor.move(f"{verb}: {version.subject}"), standing, after)


def _report(
    work: _Work,
    found: Found,
    difference: VersionDiff,
    id_: VersionId | None,
    version: Version | None,
    named: tuple[str, ...],
) -> Committed:
    entries = found.snapshot.tree.entries
    notes, compressed = _notes(work, difference)
    return Committed(
        id=id_,
        version=version,
        model=work.model,
        branch=work.branch.name,
        difference=difference,
        new_bytes=sum(work.fresh.values()),
        total_bytes=sum(entry.size for entry in entries),
        files=len(entries),
        warnings=work.warnings,
        named=named,
        notes=notes,
        compressed=compressed,
        unready=work.unready,
        skipped=found.skipped,
        untracked=() if entries else untracked.weight_like(work.repository.root, work.head.folder, frozenset()),
    )


def _notes(work: _Work, difference: VersionDiff) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
    """Return the faults of the changed files, at most one for each, and those that are compressed."""
    changed = {change.entry.path for change in difference.files}
    faults, compressed = intended.examined(work.repository, work.head.folder, difference.files)
    stored = [note for note in (work.ingest.headers.notes if work.ingest else ()) if note.path in changed]
    return tuple({note.path: note for note in reversed((*faults, *stored))}.values())[::-1], compressed
