"""`mvc gc`: delete unreachable objects, compact the packs, and pack loose files.

roots ─ versions ─ objects, files ─ plan ─ (dry run: report only) ─ rewrite packs ─ delete ─ pack what is loose
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys, rows
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp, Version
from mvc.repository import history, reachable
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage import decoded, objects
from mvc.storage.decoded import Removed
from mvc.storage.disk import primitives
from mvc.storage.packs import gc as collect
from mvc.storage.packs import loose
from mvc.storage.packs.gc import Live, Plan, Store
from mvc.storage.packs.loose import Packing
from mvc.storage.progress import Progress
from mvc.storage.records import config, expired, operations, promised, stashes
from mvc.storage.records.reflog import ANNOTATIONS, ATTESTATIONS, SIGNATURES

GRACE = 14 * 86_400
"""Grace period in seconds, by default."""
CACHE_EXPIRE = 14.0
"""Days for which unused files stay in the cache of decoded files, by default."""
REFLOG_EXPIRE = 90.0
"""Days for which ref log entries keep versions reachable, by default."""


class Held(NamedTuple):
    """A version that no ref reaches, and what keeps it until when; `until` is None for an open end."""

    id: VersionId
    version: Version
    cause: str
    until: Timestamp | None


@dataclass(frozen=True, slots=True)
class Collected(Document):
    """The versions deleted, the number kept, and the plan; `done` is False after a dry run.

    `held` are the versions that are kept although no ref reaches them, `cached` what is removed of the cache of decoded
    files, `packed` the number of loose files that moved to a metadata pack.
    """

    KEYS = keys(
        {"versions": rows("versions", "id=0 model=1 number=2.number message=2.message time=2.time")},
        "kept",
        {"removed": keys("objects recipes=len(plan.recipes) packs=len(plan.packs) metadata_packs=len(plan.metapacks)")},
        "rewritten=len(plan.rewritten) bytes_freed=plan.freed done",
        "cached_files=cached.files bytes_cached=cached.bytes packed",
        {"held": rows("held", "id=id number=version.number message=version.message cause until")},
    )

    versions: tuple[tuple[VersionId, str, Version], ...]
    kept: int
    plan: Plan
    done: bool
    held: tuple[Held, ...] = ()
    cached: Removed = decoded.NOTHING
    packed: int = 0

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

    Refs reach their versions, and for `gc.reflog-expire` days their former versions. Operations are kept as long, with
    the edits that they kept. If a reachable object cannot be
    read, raises Damaged or Missing and deletes nothing; raises DiskFailed, ReadOnlyStore, LockTimeout.
    """
    if dry_run:
        found, _, live, _ = planned(repository, actor, grace)
        return replace(found, cached=_expire_cache(repository, live, dry_run=True))
    with repository.writing():
        return collected(repository, actor, grace=grace, progress=progress)


def collected(repository: Repository, actor: Actor, *, grace: float, progress: Progress | None) -> Collected:
    """Collect garbage as `gc`; the caller holds the lock."""
    start = since(repository, actor)
    if operations.all_expired(repository.door, start):
        repository.note(None)  # the newest record stays, so that they are removed
    operations.expire(repository.door, start)
    found, store, live, packing = planned(repository, actor, grace)
    collect.record_expiry(repository.door, start)
    plan = found.plan
    if plan.versions or plan.objects or plan.recipes:
        repository.note(None)
    repository.door.make_durable(promised.EXPIRED)  # a prune that was killed may have left its record without an fsync
    if not plan.is_empty:
        plan = replace(plan, freed=collect.act(store, plan, actor.nonce().encode(), progress))
    packed = 0 if packing.is_empty else loose.act(store, packing)
    _remove_annotations(repository, {id_ for id_, _, _ in found.versions})
    expired.record_pruned(repository.door, promised.dropped(repository.door).seq)
    needed = any(record.kept for record in operations.sound(repository.door).values())
    config.set_feature(repository.door, config.OPERATIONS, needed=needed)
    for kind, feature in ((SIGNATURES, config.SIGNATURES), (ATTESTATIONS, config.ATTESTATIONS)):
        config.set_feature(repository.door, feature, needed=_has(repository, kind))
    config.set_feature(repository.door, config.STASHES, needed=stashes.exist(repository.door))
    return replace(found, plan=plan, done=True, packed=packed, cached=_expire_cache(repository, live, dry_run=False))


def _expire_cache(repository: Repository, live: Live, *, dry_run: bool) -> Removed:
    """Remove decoded files that were not used for `gc.cache-expire` days, or whose bytes no version keeps."""
    days = repository.config.get("gc.cache-expire")
    seconds = (CACHE_EXPIRE if days is None else float(days)) * 86_400
    kept = (live.files | live.spared) - live.dropped
    return decoded.expire(repository.door, kept, primitives.now_ns() - int(seconds * 1e9), dry_run=dry_run)


def _remove_annotations(repository: Repository, removed: set[VersionId]) -> None:
    """Remove the annotations of versions that no longer exist, also those of an interrupted collection."""
    for model in repository.refs.models():
        for kind in ANNOTATIONS:
            for id_ in Model(repository, model).annotated(kind):
                if id_ in removed or not repository.objects.has(id_):
                    repository.annotations[kind].remove(model, id_)


def _has(repository: Repository, kind: str) -> bool:
    """Return whether any version has annotations of a kind."""
    return any(
        repository.annotations[kind].numbers(name, id_)
        for name in repository.refs.models()
        for id_ in Model(repository, name).annotated(kind)
    )


class Planned(NamedTuple):
    """The result of a dry run, the store that it read, the objects and files that stay, and what is packed then."""

    found: Collected
    store: Store
    live: Live
    packing: Packing


def planned(repository: Repository, actor: Actor, grace: float, drop: promised.Dropped | None = None) -> Planned:
    """Return what a collection would do, if `drop` were dropped too."""
    cutoff = primitives.now_ns() - int(grace * 1e9)
    start = since(repository, actor)
    roots = reachable.roots(repository, start)
    versions = history.reachable(
        [root.version for root in roots], repository.objects.version, repository.objects.parents
    )
    spared = reachable.young(repository, versions, cutoff)
    repository.chunks.ignore_cache()
    store = Store(repository.door, repository.recipes, repository.metapacks, repository.chunks)
    live = reachable.live(repository, versions, spared, drop)
    plan = collect.plan(store, live, cutoff)
    removed = [found for id_ in plan.versions if (found := _version(repository, id_))]
    removed.sort(key=lambda each: (each[1], each[2].number, each[0]))
    held = _held(repository, roots, {**versions, **spared}, (actor.at.seconds - start, grace))
    stay = {*spared, *(root.version for root in roots if not root.cause)}
    packing = loose.plan(store, live, plan.keep.inline, stay, cutoff)
    done = Collected(
        tuple(removed), len(versions) + len(spared), plan, False, held=tuple(held), packed=len(packing.loose)
    )
    return Planned(done, store, live, packing)


def _held(
    repository: Repository, roots: Sequence[reachable.Root], versions: reachable.Versions, spans: tuple[int, float]
) -> Iterator[Held]:
    """Yield the versions that no ref reaches, newest first, each with what keeps it longest.

    `spans` are the seconds for which a reflog entry and a young version are kept.
    """
    expire, grace = spans
    named = [root for root in roots if not root.cause]
    seen = set(history.reach([root.version for root in named], lambda id_: _parents(versions, id_)))
    others = [root for root in roots if root.cause]
    others.sort(key=lambda root: (root.at is not None, -(root.at or 0)))
    found: list[Held] = []
    for root in others:
        until = Timestamp(root.at + expire, 0) if root.at is not None else None
        starts = [root.version] if root.version not in seen else []
        # What was seen before is not walked again: an old branch has thousands of reflog entries.
        for id_ in history.reach(starts, lambda id_: (each for each in _parents(versions, id_) if each not in seen)):
            if id_ not in seen and id_ in versions:
                seen.add(id_)
                found.append(Held(id_, versions[id_], root.cause, until))
    for id_ in versions.keys() - seen:
        made = repository.door.stat(objects.path(id_)).mtime_ns if repository.door.exists(objects.path(id_)) else 0
        found.append(Held(id_, versions[id_], "the grace period", Timestamp(int(made / 1e9 + grace), 0)))
    yield from sorted(found, key=lambda each: (-each.version.time.seconds, -each.version.number, each.id))


def _parents(versions: reachable.Versions, id_: VersionId) -> tuple[VersionId, ...]:
    return tuple(parent for parent in versions[id_].parents if parent in versions) if id_ in versions else ()


def since(repository: Repository, actor: Actor) -> int:
    """Return the time before which ref log entries keep nothing reachable, in seconds since 1970.

    It never decreases.
    """
    expire = repository.config.get("gc.reflog-expire")
    days = REFLOG_EXPIRE if expire is None else float(expire)
    start = actor.at.seconds - int(days * 86_400)
    return max(start, collect.recorded_expiry(repository.door) or start)


def _version(repository: Repository, id_: VersionId) -> tuple[VersionId, str, Version] | None:
    """Return the version with that id, and its model; None if it cannot be read as a version."""
    try:
        version = repository.objects.version(id_)
        return id_, repository.objects.manifest(version.manifest).name, version
    except errors.MvcError:
        return None
