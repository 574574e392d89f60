"""Diffs of two labelmaps, class by class.

0 helmet        0 helmet
5 truck    →    5 bus        bus added at 5
                6 truck      truck re-indexed from 5 to 6: consumers of class 5 now read bus

A name on both sides with another number was re-indexed; of the rest, a number on both sides was renamed; everything
else was removed or added. So each class of either side occurs once, and the diff can be applied.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc.deferred import dataclass
from mvc.model.document import Document, keys, rows
from mvc.model.labelmap import Labelmap


@dataclass(frozen=True, slots=True)
class Renamed:
    """A class number with a new name."""

    index: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Reindexed:
    """A name with a new class number."""

    name: str
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class LabelDiff(Document):
    """Classes added and removed (number and name), renamed and re-indexed, sorted by number."""

    KEYS = keys(
        "breaking",
        {"added": rows("added", "index=0 name=1")},
        {"removed": rows("removed", "index=0 name=1")},
        "renamed reindexed",
    )

    added: Labelmap = ()
    removed: Labelmap = ()
    renamed: tuple[Renamed, ...] = ()
    reindexed: tuple[Reindexed, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if the labelmaps are equal."""
        return not (self.added or self.removed or self.renamed or self.reindexed)

    @property
    def breaking(self) -> bool:
        """True if a number no longer has its class: a consumer that knows classes by number would misread them."""
        return bool(self.removed or self.renamed or self.reindexed)

    def apply(self, labelmap: Labelmap) -> Labelmap:
        """Return the new labelmap, given the old one."""
        removed = {number for number, _ in self.removed} | {change.old for change in self.reindexed}
        classes = {number: name for number, name in labelmap if number not in removed}
        classes |= {change.new: change.name for change in self.reindexed}
        classes |= {change.index: change.new for change in self.renamed}
        classes |= dict(self.added)
        return tuple(sorted(classes.items()))


def compare(old: Labelmap, new: Labelmap) -> LabelDiff:
    """Compare two labelmaps."""
    if old == new:
        return LabelDiff()
    before, after = dict(old), dict(new)
    left = {number: name for number, name in old if after.get(number) != name}
    right = {number: name for number, name in new if before.get(number) != name}
    reindexed = _reindexed(left, right)
    for change in reindexed:
        del left[change.old]
        del right[change.new]
    both = [number for number in left if number in right]
    renamed = tuple(Renamed(number, left.pop(number), right.pop(number)) for number in both)
    return LabelDiff(tuple(right.items()), tuple(left.items()), renamed, reindexed)


def _reindexed(left: dict[int, str], right: dict[int, str]) -> tuple[Reindexed, ...]:
    """Return names on both sides; if several classes share one, they are paired in order of their numbers."""
    numbers = _by_name(left.items())
    changes = []
    for name, targets in _by_name(right.items()).items():
        changes += [Reindexed(name, old, new) for old, new in zip(numbers.get(name, ()), targets, strict=False)]
    return tuple(sorted(changes, key=lambda change: change.old))


def _by_name(classes: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for number, name in classes:
        numbers.setdefault(name, []).append(number)
    return numbers
