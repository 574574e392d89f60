"""What changed between two labelmaps, class by class.

    0 helmet        0 helmet
    5 truck    →    5 bus        bus added at 5
                    6 truck      truck re-indexed from 5 to 6: who reads class 5 now reads something else

A name that is on both sides under another number was re-indexed; of the rest, a number on both sides was renamed; what is
left was removed or added. So each class of either side is named once, and the change can be carried out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mvc.model.labelmap import Labelmap


@dataclass(frozen=True, slots=True)
class Renamed:
    """One class number, another name."""

    index: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Reindexed:
    """One name, another class number."""

    name: str
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class LabelDiff:
    """Classes added and removed (number and name), renamed, re-indexed, each in the order of the numbers."""

    added: Labelmap = ()
    removed: Labelmap = ()
    renamed: tuple[Renamed, ...] = ()
    reindexed: tuple[Reindexed, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the labelmaps are the same."""
        return not (self.added or self.removed or self.renamed or self.reindexed)

    @property
    def breaking(self) -> bool:
        """Whether a consumer that knows a class by its number is misled."""
        return bool(self.reindexed)

    def apply(self, labelmap: Labelmap) -> Labelmap:
        """The new labelmap, from the old one."""
        gone = {number for number, _ in self.removed} | {each.old for each in self.reindexed}
        classes = {number: name for number, name in labelmap if number not in gone}
        classes |= {each.new: each.name for each in self.reindexed}
        classes |= {each.index: each.new for each in self.renamed}
        classes |= dict(self.added)
        return tuple(sorted(classes.items()))

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "breaking": self.breaking,
            "added": [{"index": number, "name": name} for number, name in self.added],
            "removed": [{"index": number, "name": name} for number, name in self.removed],
            "renamed": [{"index": each.index, "old": each.old, "new": each.new} for each in self.renamed],
            "reindexed": [{"name": each.name, "old": each.old, "new": each.new} for each in self.reindexed],
        }


def compare(old: Labelmap, new: Labelmap) -> LabelDiff:
    """The difference of two labelmaps."""
    if old == new:
        return LabelDiff()
    before, after = dict(old), dict(new)
    left = {number: name for number, name in old if after.get(number) != name}
    right = {number: name for number, name in new if before.get(number) != name}
    reindexed = _reindexed(left, right)
    for each in reindexed:
        del left[each.old]
        del right[each.new]
    both = [number for number in left if number in right]
    renamed = tuple(Renamed(number, left.pop(number), right.pop(number)) for number in both)
    return LabelDiff(tuple(right.items()), tuple(left.items()), renamed, reindexed)


def _reindexed(left: dict[int, str], right: dict[int, str]) -> tuple[Reindexed, ...]:
    """Names on both sides, paired in the order of their numbers where several classes bear one."""
    numbers = _by_name(left.items())
    found = []
    for name, targets in _by_name(right.items()).items():
        found += [Reindexed(name, old, new) for old, new in zip(numbers.get(name, ()), targets, strict=False)]
    return tuple(sorted(found, key=lambda each: each.old))


def _by_name(classes: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for number, name in classes:
        numbers.setdefault(name, []).append(number)
    return numbers
