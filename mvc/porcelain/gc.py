"""`mvc gc`: delete unreachable objects and compact the packs.

roots ─ versions ─ objects, files ─ plan ─ (dry run: report only) ─ rewrite packs ─ delete
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc import errors
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
class Collected:
    """The versions deleted, the number kept, and the plan; `done` is False after a dry run."""

    versions: tuple[tuple[VersionId, str, Version], ...]
    kept: int
    plan: Plan
    done: bool

    def to_json(self) -> dict[str, Any]:
        """Return the result as `--json` prints it."""
        return {
            "versions": [
                {"id": id_, "model": model, "number": found.number, "message": found.message, "time": found.time.utc()}
                for id_, model, found in self.versions
            ],
            "kept": self.kept,
            "removed": {
                "objects": len(self.plan.versions) + len(self.plan.objects),
                "recipes": len(self.plan.recipes),
                "packs": len(self.plan.packs),
                "metadata_packs": len(self.plan.metapacks),
            },
            "rewritten": len(self.plan.rewritten),
            "bytes_freed": self.plan.freed,
            "done": self.done,
        }


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
