"""`mvc gc`: delete unreachable objects and compact the packs.

roots ─ versions ─ objects, files ─ plan ─ (dry run: report only) ─ rewrite packs ─ delete
"""

from __future__ import annotations

from dataclasses import dataclass

from mvc import errors
from mvc.model.document import Document, keys, rows
from mvc.model.ids import VersionId
from mvc.model.version import Version
from mvc.repository import reachable
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.disk import primitives
from mvc.storage.packs import gc as collect
from mvc.storage.packs.gc import Plan, Store
from mvc.storage.progress import Progress

GRACE = 14 * 86_400
"""Grace period in seconds, by default."""
REFLOG_EXPIRE = 90.0
"""Days for which ref log entries keep versions reachable, by default."""


@dataclass(frozen=True, slots=True)
class Collected(Document):
    """The versions deleted, the number kept, and the plan; `done` is False after a dry run."""

    KEYS = keys(
        {"versions": rows("versions", "id=0 model=1 number=2.number message=2.message time=2.time")},
        "kept",
        {"removed": keys("objects recipes=len(plan.recipes) packs=len(plan.packs) metadata_packs=len(plan.metapacks)")},
        "rewritten=len(plan.rewritten) bytes_freed=plan.freed done",
    )

    versions: tuple[tuple[VersionId, str, Version], ...]
    kept: int
    plan: Plan
    done: bool

    @property
    def objects(self) -> int:
        """The number of objects deleted: versions, trees and manifests."""
        return len(self.plan.versions) + len(self.plan.objects)


@writes
def gc(
    repository: Repository,
    actor: Actor,
    *,
    grace: float = GRACE,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Collected:
    """Delete what no ref reaches and is older than `grace` seconds.

    Refs reach their versions, and for `gc.reflog-expire` days their former versions. If a reachable object cannot be
    read, raises Damaged or Missing and deletes nothing; raises DiskFailed, ReadOnlyStore, LockTimeout.
    """
    if dry_run:
        return _plan(repository, actor, grace)[0]
    with repository.writing():
        found, store = _plan(repository, actor, grace)
        collect.record_expiry(repository.door, _since(repository, actor))
        if not found.plan.is_empty:
            collect.act(store, found.plan, actor.nonce().encode(), progress)
        return Collected(found.versions, found.kept, found.plan, done=True)


def _plan(repository: Repository, actor: Actor, grace: float) -> tuple[Collected, Store]:
    cutoff = primitives.now_ns() - int(grace * 1e9)
    versions = _versions(repository, actor)
    spared = reachable.young(repository, versions, cutoff)
    repository.chunks.ignore_cache()
    store = Store(repository.door, repository.recipes, repository.metapacks, repository.chunks)
    plan = collect.plan(store, reachable.live(repository, versions, spared), cutoff)
    removed = [found for id_ in plan.versions if (found := _version(repository, id_))]
    removed.sort(key=lambda each: (each[1], each[2].number, each[0]))
    return Collected(tuple(removed), len(versions) + len(spared), plan, done=False), store


def _versions(repository: Repository, actor: Actor) -> dict[VersionId, Version]:
    """Return the versions to keep."""
    return reachable.reachable(repository, _since(repository, actor))


def _since(repository: Repository, actor: Actor) -> int:
    """Return the time before which ref log entries keep nothing reachable, in seconds since 1970.

    It never decreases.
    """
    expire = repository.config.get("gc.reflog-expire")
    days = REFLOG_EXPIRE if expire is None else float(expire)
    since = actor.at.seconds - int(days * 86_400)
    return max(since, collect.recorded_expiry(repository.door) or since)


def _version(repository: Repository, id_: VersionId) -> tuple[VersionId, str, Version] | None:
    """Return the version with that id, and its model; None if it cannot be read as a version."""
    try:
        version = repository.objects.version(id_)
        return id_, repository.objects.manifest(version.manifest).name, version
    except errors.MvcError:
        return None
