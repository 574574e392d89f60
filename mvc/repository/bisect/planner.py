"""The next version to test in a bisect, as a pure function of the history and of what was marked.

    good                     bad           ┌ reaches 4 of the 8 versions that may be the first bad one
    v1 ── v2 ── v3 ── v4 ── v9        v2 … v9: test v5, whose answer leaves 4, whatever it is
     └─ v5 ── v6 ── v7 ── v8 ─┘

    candidates    reachable from the bad version, and from no good one; each is tested at most once
    balance       the candidates that are certain to be left over: min(reached, not reached) - the midpoint has the most
    merge base    of the first bad version and a good one that is not its ancestor: tested first, as the fault may have been fixed

A skipped version remains a candidate. Instead of it, a version near the midpoint is tested; the more skips, the farther away,
by doubled steps: a run of versions that cannot be tested is left after few of them. As in Git, a fault is taken to stay: every
descendant of the first bad version is bad.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.repository import history

Parents = Callable[[VersionId], Sequence[VersionId]]


class Contradiction(Exception):  # noqa: N818 - it is no error of the caller: marks contradict each other
    """A version that is marked bad is `good`, or one of its ancestors, which is why it must be good."""

    def __init__(self, good: VersionId) -> None:
        """Name the good version."""
        super().__init__(good)
        self.good = good


class Unrelated(Exception):  # noqa: N818 - as Contradiction
    """No good version has a common ancestor with the bad one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The `next` version to test, None at the end; then `suspects` has the first bad version, several if some were skipped.

    `left` is the number of versions that may be left to test after the next one, `steps` about how many tests they take.
    """

    next: VersionId | None
    suspects: tuple[VersionId, ...] = ()
    left: int = 0
    steps: int = 0
    is_merge_base: bool = False


def plan(
    parents: Parents,
    bads: Sequence[VersionId],
    good: Collection[VersionId],
    skipped: Collection[VersionId] = (),
    *,
    first_parent: bool = False,
) -> Plan:
    """Return the plan for a history, in which the last of `bads` is the oldest; raise Contradiction, Unrelated.

    With `first_parent`, merged branches are not searched.
    """
    bad = bads[-1]
    innocent = dict.fromkeys(history.reach(good, parents))
    if bad in innocent:
        raise Contradiction(next(id_ for id_ in good if bad in history.reach([id_], parents)))
    for base in _merge_bases(parents, bads[0], good, innocent):
        if base not in good and base not in skipped:
            left = len(_candidates(parents, bad, innocent, first_parent=first_parent))
            return Plan(base, left=left, steps=estimated(left), is_merge_base=True)
    candidates = _candidates(parents, bad, innocent, first_parent=first_parent)
    reached = _reached(candidates)
    tested = _choice(candidates, reached, bad, frozenset(skipped))
    if tested is None:
        return Plan(None, (bad, *(id_ for id_ in candidates if id_ != bad)))
    left = max(len(candidates) - reached[tested], reached[tested]) - 1
    return Plan(tested, left=left, steps=estimated(len(candidates)))


def estimated(count: int) -> int:
    """Return about how many tests `count` candidates take after the next one, by Git's estimate."""
    if count < 3:
        return 0
    power = count.bit_length() - 1
    rest = count - (1 << power)
    return power if 1 << power < 3 * rest else power - 1


def _merge_bases(
    parents: Parents, bad: VersionId, good: Iterable[VersionId], innocent: Collection[VersionId]
) -> list[VersionId]:
    """Return the common ancestors of the bad and the good versions that no other one reaches, if a good version is not an ancestor."""
    above = dict.fromkeys(history.reach([bad], parents))
    if all(id_ in above for id_ in good):
        return []
    shared = [id_ for id_ in above if id_ in innocent]
    if not shared:
        raise Unrelated
    inner = {parent for id_ in shared for parent in parents(id_)}
    return [id_ for id_ in shared if id_ not in inner]


def _candidates(
    parents: Parents, bad: VersionId, innocent: Collection[VersionId], *, first_parent: bool
) -> dict[VersionId, tuple[VersionId, ...]]:
    """Return the candidates, each with its parents among them; the parents come first."""

    def above(id_: VersionId) -> tuple[VersionId, ...]:
        found = parents(id_)
        return tuple(parent for parent in (found[:1] if first_parent else found) if parent not in innocent)

    graph = {id_: above(id_) for id_ in history.reach([bad], above)}
    return {id_: graph[id_] for id_ in TopologicalSorter(graph).static_order()}


def _reached(candidates: Mapping[VersionId, tuple[VersionId, ...]]) -> dict[VersionId, int]:
    """Return how many candidates each one reaches, itself included; the set of each is kept until its children are counted."""
    waiting = dict.fromkeys(candidates, 0)
    for above in candidates.values():
        for parent in above:
            waiting[parent] += 1
    sets: dict[VersionId, int] = {}
    counts = {}
    for bit, (id_, above) in enumerate(candidates.items()):
        found = 1 << bit
        for parent in above:
            found |= sets[parent]
            waiting[parent] -= 1
            if not waiting[parent]:
                del sets[parent]
        sets[id_] = found
        counts[id_] = found.bit_count()
    return counts


def _choice(
    candidates: Collection[VersionId], reached: Mapping[VersionId, int], bad: VersionId, skipped: Collection[VersionId]
) -> VersionId | None:
    """Return the candidate to test; None if none is left that was not skipped."""
    count = len(candidates)
    ordered = sorted(
        (id_ for id_ in candidates if id_ != bad), key=lambda id_: min(reached[id_], count - reached[id_]), reverse=True
    )
    open_ = [id_ for id_ in ordered if id_ not in skipped]
    if not open_:
        return None
    skips = sum(id_ in skipped for id_ in ordered[: (len(ordered) + 1) // 2])
    return open_[min((1 << max(skips - 1, 0)) - 1, (len(open_) - 1) // 2)]
