"""Walking versions: newest first and children always before their parents, reading no more of a line than is asked for.

While one version alone is next, as on every straight line, it is given at once; from the first fork on, all that is left
is read before it is ordered, since only then is it known which children a version has. So `log -n 20` of a thousand
versions in a row reads twenty.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Version

if TYPE_CHECKING:
    from mvc.repository.repository import Repository
    from mvc.storage.objects import Objects

Entry = tuple[VersionId, Version]


def walk(
    objects: Objects, tips: Iterable[VersionId], *, exclude: Iterable[VersionId] = (), first_parent: bool = False
) -> Iterator[Entry]:
    """The versions that `tips` reach and `exclude` do not, each once; with `first_parent`, along first parents alone.

    Raises Missing, Damaged.
    """
    starts, hidden = list(dict.fromkeys(tips)), list(exclude)
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


def line(objects: Objects, tip: VersionId | None) -> Iterator[Entry]:
    """The first-parent line from `tip` down to its root; raises Damaged when a number is not one more than the next."""
    while tip is not None:
        version = objects.version(tip)
        yield tip, version
        check_number(objects, tip, version)
        tip = first_parent(objects, version)


def check_number(objects: Objects, id_: VersionId, version: Version) -> None:
    """Raise Damaged unless a version's number is one more than its first parent's, where that is not on record as absent."""
    parent = first_parent(objects, version)
    if parent is None and version.parents:
        return
    before = objects.version(parent).number if parent is not None else 0
    if version.number != before + 1:
        raise errors.Damaged(
            what=f"version {id_}", reason=f"its number, {version.number}, does not follow its parent's"
        )


def first_parent(objects: Objects, version: Version) -> VersionId | None:
    """The version it was made from; None for the first of a line, and where that one is on record as absent."""
    here = objects.parents(version)
    return here[0] if here and here[0] == version.parents[0] else None


def numbered(objects: Objects, tip: VersionId | None, number: int) -> VersionId | None:
    """The version of that number on the first-parent line from `tip`, None when it has none. Raises as `line`."""
    for id_, version in line(objects, tip):
        if version.number <= number:
            return id_ if version.number == number else None
    return None


def ancestors(objects: Objects, tips: Iterable[VersionId]) -> set[VersionId]:
    """All that `tips` reach, themselves included."""
    found: set[VersionId] = set()
    waiting = list(tips)
    while waiting:
        id_ = waiting.pop()
        if id_ not in found:
            found.add(id_)
            waiting += objects.parents(objects.version(id_))
    return found


def is_ancestor(objects: Objects, old: VersionId, new: VersionId) -> bool:
    """Whether `new` is `old`, or made from it."""
    seen: set[VersionId] = set()
    waiting = [new]
    while waiting:
        id_ = waiting.pop()
        if id_ == old:
            return True
        if id_ not in seen:
            seen.add(id_)
            waiting += reversed(objects.parents(objects.version(id_)))
    return False


def merge_bases(objects: Objects, one: VersionId, two: VersionId) -> list[VersionId]:
    """The newest versions that both were made from: those that no other such version was made from; sorted."""
    shared = ancestors(objects, [one]) & ancestors(objects, [two])
    inner = {parent for id_ in shared for parent in objects.version(id_).parents}
    return sorted(shared - inner)


def ahead_behind(objects: Objects, one: VersionId, two: VersionId) -> tuple[int, int]:
    """How many versions `one` has that `two` lacks, and the other way round."""
    left, right = ancestors(objects, [one]), ancestors(objects, [two])
    return len(left - right), len(right - left)


def tips(repository: Repository, model: str) -> list[VersionId]:
    """The versions that names of `model` stand for, those of remotes included, and the one its files stand at."""
    refs = [ref for kind in repository.refs.kinds(model) for ref in repository.refs.all(model, kind)]
    targets = [repository.current(model), *(repository.refs.target(ref) for ref in refs)]
    return list(dict.fromkeys(target for target in targets if target is not None))


def _parents(objects: Objects, version: Version, *, first_parent: bool) -> tuple[VersionId, ...]:
    here = objects.parents(version)
    return tuple(id_ for id_ in here if id_ == version.parents[0]) if first_parent else here


def _between(
    objects: Objects, starts: list[VersionId], hidden: list[VersionId], *, first_parent: bool
) -> list[Entry] | None:
    """The versions after `hidden` up to `starts` when each is one and a straight line leads there, else None.

    It saves reading all that came before `hidden`.
    """
    if len(starts) != 1 or len(hidden) != 1:
        return None
    end = objects.version(hidden[0]).number
    found: list[Entry] = []
    for id_, version in line(objects, starts[0]):
        if id_ == hidden[0]:
            return found
        if version.number <= end or (len(version.parents) > 1 and not first_parent):
            return None
        found.append((id_, version))
    return None


def _ordered(objects: Objects, starts: list[VersionId], seen: set[VersionId], *, first_parent: bool) -> Iterator[Entry]:
    """All that `starts` reach and is not in `seen`, newest first, each after all its children."""
    versions: dict[VersionId, Version] = {}
    children: Counter[VersionId] = Counter()
    waiting = list(starts)
    while waiting:
        id_ = waiting.pop()
        if id_ not in versions and id_ not in seen:
            versions[id_] = objects.version(id_)
            parents = _parents(objects, versions[id_], first_parent=first_parent)
            children.update(set(parents))
            waiting += parents
    ready = [_age(id_, version) for id_, version in versions.items() if not children[id_]]
    heapq.heapify(ready)
    while ready:
        id_ = heapq.heappop(ready)[-1]
        yield id_, versions[id_]
        for parent in set(_parents(objects, versions[id_], first_parent=first_parent)) & versions.keys():
            children[parent] -= 1
            if not children[parent]:
                heapq.heappush(ready, _age(parent, versions[parent]))


def _age(id_: VersionId, version: Version) -> tuple[int, int, VersionId]:
    return -version.time.seconds, -version.number, id_
