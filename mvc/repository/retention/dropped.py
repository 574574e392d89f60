"""Dropped files: those that only versions use whose bytes were dropped, and how the others are based without them."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.model.version import Version
from mvc.repository import delta_bases, history
from mvc.repository.model import Model
from mvc.storage.chunks.bases import Candidate
from mvc.storage.packs.reencode import Group
from mvc.storage.records import promised

if TYPE_CHECKING:
    from mvc.repository.repository import Repository


def files(
    repository: Repository, versions: Mapping[VersionId, Version], recorded: promised.Dropped
) -> frozenset[FileId]:
    """Return the files that are dropped among those of `versions`: every version that uses them is recorded as dropped.

    `versions` are all versions of the repository.
    """
    if not recorded.files:
        return frozenset()
    used = {version.model_toml for version in versions.values()}
    for id_, version in versions.items():
        with contextlib.suppress(errors.Damaged):  # of a young version, which may be incomplete
            files = (entry.file for entry in repository.objects.tree(version.tree).entries)
            used |= {file for file in files if file in recorded.files and not recorded.record(id_, file)}
    return frozenset(recorded.files.keys() - used)


def groups(repository: Repository, versions: Mapping[VersionId, Version], dropped: Collection[FileId]) -> list[Group]:
    """Return the files that each version keeps, parents first, with the delta bases that a commit would use.

    These are the files of its nearest ancestors that keep some, of its `model.parent`, and of the version before it.
    """
    above: dict[VersionId, tuple[VersionId, ...]] = {}
    kept: dict[VersionId, tuple[Candidate, ...]] = {}
    found: list[Group] = []
    last: tuple[VersionId, ...] = ()
    for id_ in _ordered(versions):
        version = versions[id_]
        nearest = tuple(dict.fromkeys(near for parent in version.parents for near in above.get(parent, ())))
        entries = repository.objects.tree(version.tree).entries
        kept[id_] = tuple(
            Candidate(entry.role, entry.file, entry.size) for entry in entries if entry.file not in dropped
        )
        before = dict.fromkeys((*nearest, *_origin(repository, version), *last))
        bases = tuple(candidate for each in before for candidate in kept.get(each, ()))
        found.append(Group((*kept[id_], Candidate("", version.model_toml)), bases))
        above[id_] = (id_,) if kept[id_] else nearest
        last = (id_,) if kept[id_] else last
    return found


def _origin(repository: Repository, version: Version) -> list[VersionId]:
    manifest = repository.objects.manifest(version.manifest)
    if "parent" not in manifest.model or manifest.name not in repository.heads.models():
        return []
    return delta_bases.origin(Model(repository, manifest.name), manifest)


def _ordered(versions: Mapping[VersionId, Version]) -> Iterator[VersionId]:
    """Yield the versions by age, each after its parents."""
    children: dict[VersionId, list[VersionId]] = {}
    waiting: dict[VersionId, int] = {}
    for id_, version in versions.items():
        parents = {parent for parent in version.parents if parent in versions}
        waiting[id_] = len(parents)
        for parent in parents:
            children.setdefault(parent, []).append(id_)
    ready = [_age(versions, id_) for id_, count in waiting.items() if not count]
    heapq.heapify(ready)
    while ready:
        id_ = heapq.heappop(ready)[-1]
        yield id_
        for child in children.get(id_, ()):
            waiting[child] -= 1
            if not waiting[child]:
                heapq.heappush(ready, _age(versions, child))


def _age(versions: Mapping[VersionId, Version], id_: VersionId) -> tuple[int, int, VersionId]:
    return versions[id_].time.seconds, versions[id_].number, id_


def nearest_complete(repository: Repository, id_: VersionId) -> VersionId | None:
    """Return the version nearest to `id_` of which all files are here, ancestors and descendants alike; None for none."""
    model = model_of(repository, id_)
    if model is None:
        return None
    return nearest(repository, history.tips(model), id_, lambda _, version: is_complete(repository, version))


def nearest(
    repository: Repository,
    tips: Iterable[VersionId],
    id_: VersionId,
    complete: Callable[[VersionId, Version], bool],
) -> VersionId | None:
    """Return the version nearest to `id_` that is `complete`, among those that `tips` reach; None for none."""
    versions = dict(history.walk(repository.objects, tips))
    near: dict[VersionId, list[VersionId]] = {}
    for child, version in versions.items():
        for parent in version.parents:
            near.setdefault(child, []).append(parent)
            near.setdefault(parent, []).append(child)
    for each in history.reach([id_], lambda one: near.get(one, ())):
        if each in versions and each != id_ and complete(each, versions[each]):
            return each
    return None


def is_complete(repository: Repository, version: Version) -> bool:
    """Return whether all files of a version are here."""
    try:
        entries = repository.objects.tree(version.tree).entries
        return all(repository.recipes.best(entry.file) is not None for entry in entries)
    except errors.Damaged:
        return False


def model_of(repository: Repository, id_: VersionId) -> Model | None:
    """Return the model of a version; None if it is unknown."""
    try:
        name = repository.objects.manifest(repository.objects.version(id_).manifest).name
    except errors.MvcError:
        return None
    return Model(repository, name) if name in repository.heads.models() else None
