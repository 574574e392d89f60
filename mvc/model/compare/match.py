"""Matching of two lists by key: how the diffs of files and of tensors find renames."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Matched(NamedTuple, Generic[T]):
    """Pairs in the order of the right list, and the unmatched items of both lists, in order."""

    pairs: list[tuple[T, T]]
    left: list[T]
    right: list[T]


def match(left: Sequence[T], right: Sequence[T], key: Callable[[T], Hashable]) -> Matched[T]:
    """Pair items with equal keys, each once, in order; an item whose key is None matches nothing."""
    unmatched: dict[Hashable, list[int]] = {}
    for index in range(len(left) - 1, -1, -1):
        unmatched.setdefault(key(left[index]), []).append(index)
    unmatched.pop(None, None)
    pairs, rest, matched = [], [], set()
    for item in right:
        indices = unmatched.get(key(item))
        if indices:
            matched.add(indices[-1])
            pairs.append((left[indices.pop()], item))
        else:
            rest.append(item)
    return Matched(pairs, [item for index, item in enumerate(left) if index not in matched], rest)
