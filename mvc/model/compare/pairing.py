"""Two lists of things of one kind, paired by likeness: what the comparisons of files and of tensors do with moves."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Paired(NamedTuple, Generic[T]):
    """Pairs in the order of the right side, and what is left of both sides, in order."""

    pairs: list[tuple[T, T]]
    left: list[T]
    right: list[T]


def pair(left: Sequence[T], right: Sequence[T], likeness: Callable[[T], Hashable]) -> Paired[T]:
    """Pair what has the same likeness, each once, in order; what has None as its likeness is like nothing."""
    waiting: dict[Hashable, list[int]] = {}
    for place in range(len(left) - 1, -1, -1):
        waiting.setdefault(likeness(left[place]), []).append(place)
    waiting.pop(None, None)
    pairs, rest, taken = [], [], set()
    for each in right:
        places = waiting.get(likeness(each))
        if places:
            taken.add(places[-1])
            pairs.append((left[places.pop()], each))
        else:
            rest.append(each)
    return Paired(pairs, [each for place, each in enumerate(left) if place not in taken], rest)
