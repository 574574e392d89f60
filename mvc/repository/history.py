"""The history of versions: the walk over parents, and reachability, merge bases and numbers based on it.

    reach       each reachable version once, in unspecified order: ancestors, merge bases, reachability
    walk        newest first, children before their parents: `log`, the versions of a push
    line        first parents only: numbers, `v7`
    followed    from a version to the parents that have the same value: `blame`

On a linear history, `walk` reads only the versions that it yields: `log -n 20` of a thousand versions reads twenty. From
the first fork on, it reads the whole rest before ordering it, since only then all children of a version are known.
"""

from __future__ import annotations

import heapq
import operator
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar, overload

from mvc import errors
from mvc.model.compare.diff import Snapshot
from mvc.model.ids import VersionId
from mvc.model.version import Version, WalkedFields
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.repository.repository import Repository
    from mvc.storage.objects import Objects

Entry = tuple[VersionId, Version]
T = TypeVar("T")
_Id = TypeVar("_Id", bound=str)
_Fields = TypeVar("_Fields", bound=WalkedFields)
_Fields_co = TypeVar("_Fields_co", bound=WalkedFields, covariant=True)


class Versions(Protocol[_Fields_co]):
    """Versions by id: objects, or a cache of them."""

    def version(self, id_: VersionId) -> _Fields_co:
        """Return the version of that id; raise Missing, Damaged."""

    def parents(self, version: WalkedFields) -> tuple[VersionId, ...]:
        """Return the parents of a version that are not recorded as absent."""


def reach(tips: Iterable[_Id], parents: Callable[[_Id], Iterable[_Id]]) -> Iterator[_Id]:
    """Yield every id reachable from `tips` through `parents`, tips included: each once, the nearest first.

    `parents` is called after its id was yielded; an empty result ends the walk at that id.
    """
    seen: set[_Id] = set()
    waiting = deque(tips)
    while waiting:
        id_ = waiting.popleft()
        if id_ not in seen:
            seen.add(id_)
            yield id_
            waiting.extend(parents(id_))


def reachable(
    tips: Iterable[VersionId],
    read: Callable[[VersionId], _Fields | None],
    parents: Callable[[_Fields], Iterable[VersionId]] = operator.attrgetter("parents"),
) -> dict[VersionId, _Fields]:
    """Return the versions reachable from `tips`. The walk ends at an id for which `read` returns None."""
    found: dict[VersionId, _Fields] = {}

    def above(id_: VersionId) -> Iterable[VersionId]:
        version = read(id_)
        if version is None:
            return ()
        found[id_] = version
        return parents(version)

    for _ in reach(tips, above):
        pass
    return found


def walk(
    objects: Versions[_Fields],
    tips: Iterable[VersionId],
    *,
    exclude: Iterable[VersionId] = (),
    first_parent: bool = False,
) -> Iterator[tuple[VersionId, _Fields]]:
    """Yield the versions reachable from `tips` but not from `exclude`, newest first.

    With `first_parent`, only first parents are followed. Raises Missing, Damaged.
    """
    hidden = list(dict.fromkeys(exclude))
    starts = [tip for tip in dict.fromkeys(tips) if tip not in hidden]
    if not starts:
        return
    straight = _between(objects, starts, hidden, first_parent=first_parent)
    if straight is not None:
        yield from straight
        return
    seen = ancestors(objects, hidden)
    waiting = [tip for tip in starts if tip not in seen]
    while len(waiting) == 1:
        id_ = waiting.pop()
        version = objects.version(id_)
        yield id_, version
        seen.add(id_)
        waiting = [parent for parent in _parents(objects, version, first_parent=first_parent) if parent not in seen]
    if waiting:
        yield from _ordered(objects, waiting, seen, first_parent=first_parent)


def line(objects: Versions[_Fields], tip: VersionId | None) -> Iterator[tuple[VersionId, _Fields]]:
    """Yield `tip` and its first-parent ancestors. Raises Damaged for a number that is not its parent's plus one."""
    while tip is not None:
        version = objects.version(tip)
        yield tip, version
        check_number(objects, tip, version)
        tip = first_parent(objects, version)


def check_number(objects: Versions[WalkedFields], id_: VersionId, version: WalkedFields) -> None:
    """Raise Damaged unless the number is the first parent's plus one, or that parent is recorded as absent."""
    parent = first_parent(objects, version)
    if parent is None and version.parents:
        return
    before = objects.version(parent).number if parent is not None else 0
    if version.number != before + 1:
        raise errors.Damaged(
            what=f"version {id_}", reason=f"its number, {version.number}, is not its parent's plus one"
        )


def first_parent(objects: Versions[WalkedFields], version: WalkedFields) -> VersionId | None:
    """Return the first parent; None for a root, and for one recorded as absent."""
    here = objects.parents(version)
    return here[0] if here and here[0] == version.parents[0] else None


def numbered(objects: Objects, tip: VersionId | None, number: int) -> VersionId | None:
    """Return the version of that number among `tip` and its first-parent ancestors; None for none.

    Raises as `line`.
    """
    for id_, version in line(objects, tip):
        if version.number <= number:
            return id_ if version.number == number else None
    return None


def ancestors(objects: Versions[WalkedFields], tips: Iterable[VersionId]) -> set[VersionId]:
    """Return the ids reachable from `tips`, tips included. Raises Missing, Damaged."""
    return set(reach(tips, lambda id_: objects.parents(objects.version(id_))))


def is_ancestor(objects: Objects, old: VersionId, new: VersionId) -> bool:
    """Return whether `old` is `new` or one of its ancestors. Raises Missing, Damaged."""
    return old in reach([new], lambda id_: objects.parents(objects.version(id_)))


def merge_bases(objects: Objects, one: VersionId, two: VersionId) -> list[VersionId]:
    """Return the merge bases of two versions, sorted.

    They are the common ancestors that are not ancestors of another common ancestor.
    """
    shared = ancestors(objects, [one]) & ancestors(objects, [two])
    inner = {parent for id_ in shared for parent in objects.version(id_).parents}
    return sorted(shared - inner)


def ahead_behind(objects: Objects, one: VersionId, two: VersionId) -> tuple[int, int]:
    """Return how many versions `one` is ahead of `two`, and how many it is behind."""
    left, right = ancestors(objects, [one]), ancestors(objects, [two])
    return len(left - right), len(right - left)


def followed(
    objects: Objects, start: VersionId, items: Iterable[T], has_same: Callable[[Version, Version, T], bool]
) -> dict[T, VersionId]:
    """Follow each of `items` from `start` to parents, as far as they have the same; return the version where each ends.

    `has_same` compares an item in a version and in one of its parents, of which the first counts. Raises Missing, Damaged.
    """
    ends: dict[T, VersionId] = {}
    pending: dict[VersionId, set[T]] = {start: set(items)}
    newest = [_age(start, objects.version(start))]
    while newest:
        id_ = heapq.heappop(newest)[-1]
        left, version = pending.pop(id_), objects.version(id_)
        for parent in objects.parents(version):
            above = objects.version(parent)
            same = {item for item in left if has_same(version, above, item)}
            left -= same
            if same and parent not in pending:
                heapq.heappush(newest, _age(parent, above))
            if same:
                pending[parent] = pending.get(parent, set()) | same
        ends |= dict.fromkeys(left, id_)
    return ends


def tips(model: Model) -> list[VersionId]:
    """Return the versions of every ref of `model`, remote-tracking refs included, and of its HEAD."""
    targets = [model.current, *model.targets().values()]
    return list(dict.fromkeys(target for target in targets if target is not None))


@overload
def snapshot(repository: Repository, version: VersionId, model: str | None = None) -> Snapshot: ...
@overload
def snapshot(repository: Repository, version: VersionId | None, model: str | None = None) -> Snapshot | None: ...
def snapshot(repository: Repository, version: VersionId | None, model: str | None = None) -> Snapshot | None:
    """Return the snapshot of `version`, for comparison with another or with the working tree; None for no version.

    With `model`, the snapshot has that name, so that a later rename of the model does not count. Raises Missing,
    Damaged.
    """
    if version is None:
        return None
    found = repository.objects.version(version)
    manifest = repository.objects.manifest(found.manifest)
    if model is not None and manifest.name != model:
        manifest = replace(manifest, model={**manifest.model, "name": model})
    return Snapshot(manifest, repository.objects.tree(found.tree))


def label(repository: Repository, version: VersionId) -> str:
    """Return a version's number and short id, `v7 3f9c2ab1d0`."""
    return f"v{repository.objects.version(version).number} {version[:10]}"


def _parents(objects: Versions[WalkedFields], version: WalkedFields, *, first_parent: bool) -> tuple[VersionId, ...]:
    here = objects.parents(version)
    return tuple(id_ for id_ in here if id_ == version.parents[0]) if first_parent else here


def _between(
    objects: Versions[_Fields], starts: list[VersionId], hidden: list[VersionId], *, first_parent: bool
) -> list[tuple[VersionId, _Fields]] | None:
    """Return the versions from `starts` back to `hidden` if both are single ids on a linear history, else None.

    This saves reading the ancestors of `hidden`.
    """
    if len(starts) != 1 or len(hidden) != 1:
        return None
    end = objects.version(hidden[0]).number
    found: list[tuple[VersionId, _Fields]] = []
    for id_, version in line(objects, starts[0]):
        if id_ == hidden[0]:
            return found
        if version.number <= end or (len(version.parents) > 1 and not first_parent):
            return None
        found.append((id_, version))
    return None


def _ordered(
    objects: Versions[_Fields], starts: list[VersionId], seen: set[VersionId], *, first_parent: bool
) -> Iterator[tuple[VersionId, _Fields]]:
    """Yield the ids reachable from `starts` that are not in `seen`, newest first, each after all its children."""

    def parents(version: _Fields) -> set[VersionId]:
        return set(_parents(objects, version, first_parent=first_parent))

    versions = reachable(starts, lambda id_: None if id_ in seen else objects.version(id_), parents)
    children = Counter(parent for version in versions.values() for parent in parents(version))
    ready = [_age(id_, version) for id_, version in versions.items() if not children[id_]]
    heapq.heapify(ready)
    while ready:
        id_ = heapq.heappop(ready)[-1]
        yield id_, versions[id_]
        for parent in parents(versions[id_]) & versions.keys():
            children[parent] -= 1
            if not children[parent]:
                heapq.heappush(ready, _age(parent, versions[parent]))


def _age(id_: VersionId, version: WalkedFields) -> tuple[int, int, VersionId]:
    return -version.time.seconds, -version.number, id_
