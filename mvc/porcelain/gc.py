"""`mvc gc`: remove what no version needs any more, and tidy the packs.

roots ─ versions ─ objects, files ─ plan ─ (dry run: only told) ─ rewrite packs ─ remove
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
"""Seconds for which what nothing needs is kept, if nothing else is said."""
REFLOG_EXPIRE = 90.0
"""Days for which ref logs keep the versions alive that they name, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The versions that went (or would), how many stay, and the plan that was followed; `done` is False after a dry run."""

    versions: tuple[tuple[VersionId, str, Version], ...]
    kept: int
    plan: Plan
    done: bool

    def to_json(self) -> dict[str, Any]:
        """For machines."""
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
            "bytes": self.plan.freed,
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
    """Remove what no name leads to and is older than `grace` seconds.

    Names lead to what they stand for, and for `gc.reflog-expire` days to what they stood for. Raises Damaged or Missing,
    and removes nothing, when anything that is needed cannot be read; DiskFailed, ReadOnlyStore, LockTimeout.
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
    """Those that stay."""
    return reachable.reachable(repository, _since(repository, actor))


def _since(repository: Repository, actor: Actor) -> int:
    """The moment up to which entries of ref logs keep nothing alive, in seconds since 1970; never before an earlier one."""
    expire = repository.config.get("gc.reflog-expire")
    days = REFLOG_EXPIRE if expire is None else float(expire)
    since = actor.at.seconds - int(days * 86_400)
    return max(since, collect.recorded_expiry(repository.door) or since)


def _version(repository: Repository, id_: VersionId) -> tuple[VersionId, str, Version] | None:
    """The version of that id, with its model; None where the object is no version, or cannot be read."""
    try:
        version = repository.objects.version(id_)
        return id_, repository.objects.manifest(version.manifest).name, version
    except errors.MvcError:
        return None
