"""`mvc commit`: the working tree of a model, as it stands, becomes an immutable version.

    scan ─ rules, secrets ─ ingest files (no lock) ─ tree, manifest, version ─ lock ─ ref entry (the commit point) ─ names
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mvc import errors
from mvc.model import diff, rules, secrets
from mvc.model.diff import Snapshot, VersionDiff
from mvc.model.ids import FileId, VersionId
from mvc.model.rules import Problem
from mvc.model.version import Code, Person, Timestamp, Version
from mvc.porcelain import naming
from mvc.repository import modelfile, snapshot
from mvc.repository.repository import Actor, Repository
from mvc.repository.worktree import WorkFile
from mvc.storage import hashing
from mvc.storage.door import Stat
from mvc.storage.heads import Head
from mvc.storage.ingest import Ingest
from mvc.storage.reflog import HEADS, RefEntry, RefName

TRIES = 3
"""How often a file that changes while it is read is read again."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `commit` was asked for, besides the message."""

    amend: bool = False
    allow_empty: bool = False
    allow_secret: bool = False
    dry_run: bool = False
    author: Person | None = None
    date: Timestamp | None = None
    tags: Sequence[str] = ()
    aliases: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """The new version (its id None after a dry run), what changed, and how many bytes were new to the store."""

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

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "id": self.id,
            "number": self.version.number if self.version else None,
            "model": self.model,
            "branch": self.branch,
            "changes": self.difference.to_json(),
            "bytes": {"new": self.new_bytes, "total": self.total_bytes},
            "files": self.files,
            "warnings": [problem.to_json() for problem in self.warnings],
            "named": list(self.named),
        }


@dataclass(slots=True)
class _Work:
    """One commit under way."""

    repository: Repository
    model: str
    head: Head
    tip: RefEntry | None
    ingest: Ingest | None
    new_bytes: int = 0
    fresh: dict[FileId, int] = field(default_factory=dict)
    known: set[FileId] = field(default_factory=set)


def commit(
    repository: Repository,
    model: str,
    message: str | None,
    actor: Actor,
    *,
    options: Options = Options(),
    progress: Callable[[int], None] | None = None,
    code: Callable[[Sequence[str]], Code | None] | None = None,
) -> Committed:
    """Commit the working tree of `model` on its current branch.

    `message` may be None only with `amend`, which then keeps the old one. `code` gives the training code's commit, told
    the model's own files; `progress` the bytes read so far. Raises Detached, NothingToCommit, RulesBroken, SecretFound,
    FileChanged, RefMoved, and what the scan of the working tree finds.
    """
    if not options.dry_run:
        with repository.writing():
            pass  # an interrupted change is finished before the files are looked at
    work = _begin(repository, model, progress, dry_run=options.dry_run)
    naming.check_all(repository, model, options.tags, options.aliases, _current(work))
    old_id, old = _replaced(work, amend=options.amend)
    base = _base(repository, old)
    found = snapshot.take(repository, model, work.head.folder, identify=lambda file: _identify(work, file), base=base)
    warnings = _check(found.snapshot, message, allow_secret=options.allow_secret)
    difference = diff.compare(base, found.snapshot, new_bytes=work.fresh)
    totals = {"total_bytes": sum(e.size for e in found.snapshot.tree.entries), "files": len(found.snapshot.tree.entries)}
    if options.dry_run:
        return Committed(None, None, model, str(work.head.branch), difference, work.new_bytes, warnings=warnings, **totals)
    if _same(base, found.snapshot) and not options.allow_empty and not (options.amend and message):
        return _only_names(work, actor, options, difference, totals)
    version = _version(work, old_id, old, found, message, actor, options, code)
    id_ = _publish(work, version, actor, amend=options.amend)
    repository.stats.save()
    named = naming.set_all(repository, model, id_, options.tags, options.aliases, actor, message or version.message)
    return Committed(
        id_, version, model, str(work.head.branch), difference, work.new_bytes, warnings=warnings, named=named, **totals
    )


def _begin(
    repository: Repository, model: str, progress: Callable[[int], None] | None, *, dry_run: bool
) -> _Work:
    head = repository.head(model)
    if head.branch is None:
        raise errors.Detached(model=model, version=f"v{repository.objects.version(_id(head)).number}")
    tip = repository.refs.tip(RefName(model, HEADS, head.branch))
    return _Work(repository, model, head, tip, None if dry_run else repository.ingest(progress))


def _id(head: Head) -> VersionId:
    assert head.version is not None  # noqa: S101 - a head without a branch has a version, by its own rules
    return head.version


def _current(work: _Work) -> VersionId | None:
    return work.tip.new if work.tip else None


def _replaced(work: _Work, *, amend: bool) -> tuple[VersionId | None, Version | None]:
    """The version at the tip: the parent of the new one, or with `amend` the one that it replaces."""
    tip = _current(work)
    if not amend:
        return tip, work.repository.objects.version(tip) if tip else None
    if tip is None:
        raise errors.NothingToAmend(model=work.model)
    own = RefName(work.model, HEADS, str(work.head.branch))
    holders = naming.holders(work.repository, work.model, tip, but=own)
    old = work.repository.objects.version(tip)
    if holders:
        raise errors.AmendHeld(version=f"v{old.number} {tip[:10]}", holders=", ".join(holders))
    return tip, old


def _base(repository: Repository, version: Version | None) -> Snapshot | None:
    if version is None:
        return None
    return Snapshot(repository.objects.manifest(version.manifest), repository.objects.tree(version.tree))


def _check(found: Snapshot, message: str | None, *, allow_secret: bool) -> tuple[Problem, ...]:
    problems = rules.check(found.manifest)
    broken = [problem for problem in problems if problem.severity == "error"]
    if broken:
        raise errors.RulesBroken(count=len(broken), problems="; ".join(f"{p.key}: {p.message}" for p in broken))
    secret = secrets.find(found.manifest, message or "")
    if secret and not allow_secret:
        raise errors.SecretFound(findings="; ".join(f"{s.key}: {s.kind} {s.masked}" for s in secret))
    return tuple(problem for problem in problems if problem.severity != "error")


def _identify(work: _Work, file: WorkFile) -> FileId:
    """The id of a tracked file, its bytes stored unless they are known to be (or this is a dry run)."""
    repository = work.repository
    path = file.root_path
    known = repository.stats.lookup(path, file.stat)
    if known is not None and (work.ingest is None or repository.recipes.best(known) is not None):
        return known
    for _ in range(TRIES):
        fd = repository.tree.open(path)
        try:
            before = Stat.of(os.fstat(fd))
            id_, new_bytes = _read(work, fd)
            unchanged = Stat.of(os.fstat(fd)) == before
        finally:
            os.close(fd)
        if unchanged:
            work.new_bytes += new_bytes
            work.fresh[id_] = work.fresh.get(id_, 0) + new_bytes
            repository.stats.remember(path, before, id_)
            return id_
    raise errors.FileChanged(path=file.path)


def _read(work: _Work, fd: int) -> tuple[FileId, int]:
    if work.ingest is None:
        return hashing.file_id(fd), 0
    stored = work.ingest.add(fd)
    return stored.file, stored.new_bytes


def _same(base: Snapshot | None, found: Snapshot) -> bool:
    return base is not None and diff.compare(base, found).is_empty


def _only_names(
    work: _Work, actor: Actor, options: Options, difference: VersionDiff, totals: dict[str, int]
) -> Committed:
    """Nothing to commit; names asked for that an earlier, interrupted commit did not set are set now."""
    tip = _current(work)
    assert tip is not None  # noqa: S101 - there is a base, so there is a tip
    version = work.repository.objects.version(tip)
    named = naming.set_all(
        work.repository, work.model, tip, options.tags, options.aliases, actor, version.message.partition("\n")[0]
    )
    if not named:
        raise errors.NothingToCommit(model=work.model, version=f"v{version.number} {tip[:10]}")
    return Committed(tip, version, work.model, str(work.head.branch), difference, 0, named=named, **totals)


def _version(
    work: _Work,
    old_id: VersionId | None,
    old: Version | None,
    found: snapshot.Found,
    message: str | None,
    actor: Actor,
    options: Options,
    code: Callable[[Sequence[str]], Code | None] | None,
) -> Version:
    repository, ingest = work.repository, work.ingest
    assert ingest is not None  # noqa: S101 - a dry run ends before this
    own = [modelfile.path(work.head.folder), *(file.root_path for file in found.files)]
    amends = options.amend and old is not None
    parents = old.parents if amends and old else ((old_id,) if old_id else ())
    text = (message or (old.message if old else "")).strip()
    if not text:
        raise errors.EmptyMessage
    return Version(
        parents=parents,
        number=_number(repository, parents),
        author=options.author or (old.author if amends and old else actor.person),
        time=options.date or actor.at,
        message=text,
        manifest=repository.objects.put_manifest(found.snapshot.manifest),
        tree=repository.objects.put_tree(found.snapshot.tree),
        model_toml=ingest.add_bytes(found.model_toml),
        code=code(own) if code else None,
    )


def _number(repository: Repository, parents: tuple[VersionId, ...]) -> int:
    return repository.objects.version(parents[0]).number + 1 if parents else 1


def _publish(work: _Work, version: Version, actor: Actor, *, amend: bool) -> VersionId:
    """Make everything durable, then move the branch: the commit point."""
    repository = work.repository
    assert work.ingest is not None  # noqa: S101 - a dry run ends before this
    id_ = repository.objects.put_version(version)
    work.ingest.close()
    subject = version.message.partition("\n")[0]
    with repository.locked():
        if repository.heads.get(work.model) != work.head:
            raise errors.RefMoved(ref="HEAD", by="another command", reason="switch")
        ref = RefName(work.model, HEADS, str(work.head.branch))
        repository.refs.append(ref, work.tip, id_, actor.move(f"{'amend' if amend else 'commit'}: {subject}"))
    return id_
