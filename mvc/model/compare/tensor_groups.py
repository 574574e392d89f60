"""Tensors by module: names taken apart at their dots, and put together where all below them fares alike.

    encoder.layer.0.norm.weight   unchanged
    encoder.layer.1.norm.weight   unchanged      encoder.layer.0-1.*   unchanged
    encoder.layer.2.norm.weight   changed    →   encoder.layer.2.*     changed
    head.weight                   changed        head.weight           changed

A module is taken apart only where its tensors fare differently, and as long as no more than LINES groups come of it. Modules
with numbers stand together when each of them has the same to tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

LINES = 20
"""Groups, at most."""
DEPTH = 16
"""Parts that a name is taken apart into, at most; the last one has the rest."""
_DIGITS = 9
_SEPARATORS = "./"
_PART = re.compile(r"[./]*[^./]+")

T = TypeVar("T")


class Leaf(NamedTuple, Generic[T]):
    """A tensor: its name, a state that it may share with others, and what it stands for."""

    name: str
    state: Hashable
    value: T


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """What fares alike, or is too much to be told apart: `label` is a name, or a prefix with `*`."""

    label: str
    members: tuple[T, ...]


class _Split(NamedTuple, Generic[T]):
    """A leaf with the parts of its name."""

    parts: tuple[str, ...]
    state: Hashable
    value: T

    def part(self, depth: int) -> str:
        """The part at a depth, `""` where the name has ended."""
        return self.parts[depth] if depth < len(self.parts) else ""


@dataclass(slots=True, eq=False)
class _Branch(Generic[T]):
    """Leaves whose names begin with `prefix`, their first `depth` parts; `whole` when it is not to be taken apart.

    `rest`: other leaves that begin so are told of apart.
    """

    prefix: str
    leaves: list[_Split[T]]
    depth: int
    whole: bool = False
    rest: bool = False

    @property
    def mixed(self) -> bool:
        return len({leaf.state for leaf in self.leaves}) > 1

    @property
    def open(self) -> bool:
        return not self.whole and self.mixed and any(leaf.part(self.depth) for leaf in self.leaves)

    @property
    def label(self) -> str:
        part = max(leaf.part(self.depth) for leaf in self.leaves)
        if not part:
            return self.prefix
        separator = part[: len(part) - len(part.lstrip(_SEPARATORS))]
        return f"{self.prefix}{separator}*{' (rest)' if self.rest else ''}"


def gather(leaves: Iterable[Leaf[T]], lines: int = LINES) -> tuple[Group[T], ...]:
    """The leaves in at most `lines` groups, by name, numbers in their order."""
    branches = [root] if (root := _root(leaves)).leaves else []
    while open_ := [branch for branch in branches if branch.open]:
        branch = min(open_, key=lambda each: (each.depth, -len(each.leaves)))
        room = lines - len(branches) + 1
        below = next((found for found in _ways(branch) if len(found) <= room), None)
        if below is None:
            branch.whole = True
        else:
            place = branches.index(branch)
            branches[place : place + 1] = below
    return tuple([Group(branch.label, tuple([leaf.value for leaf in branch.leaves])) for branch in branches])


def steadiest(leaves: Iterable[Leaf[T]], state: Hashable, weight: Callable[[T], int]) -> str | None:
    """The heaviest module at the top whose leaves all have this state; None when there is none."""
    alike = [
        (sum(weight(leaf.value) for leaf in branch.leaves), branch.prefix)
        for branch in _children(_root(leaves))
        if {leaf.state for leaf in branch.leaves} == {state}
    ]
    return max(alike)[1] if alike else None


def _root(leaves: Iterable[Leaf[T]]) -> _Branch[T]:
    return _branch("", [_Split(_parts(leaf.name), leaf.state, leaf.value) for leaf in leaves], 0)


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a name, each with the separators before it."""
    parts = _PART.findall(name)
    rest = name[sum(map(len, parts[: DEPTH - 1])) :]
    return (*parts[: DEPTH - 1], rest) if rest else tuple(parts)


def _branch(prefix: str, leaves: list[_Split[T]], depth: int) -> _Branch[T]:
    """A branch at the longest prefix that its leaves share."""
    while len(parts := {leaf.part(depth) for leaf in leaves}) == 1 and (part := parts.pop()):
        prefix, depth = prefix + part, depth + 1
    return _Branch(prefix, leaves, depth)


def _ways(branch: _Branch[T]) -> Iterator[list[_Branch[T]]]:
    """How a branch can be taken apart: into all below it, or only those that do not fare as most do."""
    children = _children(branch)
    yield children
    states = [child.leaves[0].state for child in children if not child.mixed]
    most = max(states, key=states.count, default=None)
    rest = [child for child in children if not child.mixed and child.leaves[0].state == most]
    others = [child for child in children if child not in rest]
    if others and len(rest) > 1:
        leaves = [leaf for child in rest for leaf in child.leaves]
        yield [*others, _Branch(branch.prefix, leaves, branch.depth, rest=True)]


def _children(branch: _Branch[T]) -> list[_Branch[T]]:
    below: dict[str, list[_Split[T]]] = {}
    for leaf in branch.leaves:
        below.setdefault(leaf.part(branch.depth), []).append(leaf)
    found = []
    for run in _runs(sorted(below, key=_natural), lambda part: _fate(below[part], branch.depth + 1)):
        last = f"-{run[-1].lstrip(_SEPARATORS)}" if len(run) > 1 else ""
        leaves = [leaf for part in run for leaf in below[part]]
        found.append(_branch(f"{branch.prefix}{run[0]}{last}", leaves, branch.depth + 1))
    return found


def _runs(parts: Sequence[str], fate: Callable[[str], Hashable]) -> list[list[str]]:
    """Numbers that follow each other and fare alike in one run, everything else in one of its own."""
    runs: list[list[str]] = []
    before: Hashable = None
    for part in parts:
        here = (fate(part), part[: -len(part.lstrip(_SEPARATORS))]) if _number(part) is not None else None
        if here is not None and here == before:
            runs[-1].append(part)
        else:
            runs.append([part])
        before = here
    return runs


def _fate(leaves: Sequence[_Split[T]], depth: int) -> Hashable:
    """One state, or what has which."""
    states = {leaf.state for leaf in leaves}
    if len(states) == 1:
        return leaves[0].state, all(len(leaf.parts) == depth for leaf in leaves)
    return frozenset((leaf.parts[depth:], leaf.state) for leaf in leaves)


def _natural(part: str) -> tuple[bool, bool, int, str]:
    number = _number(part)
    return part != "", number is None, number or 0, part


def _number(part: str) -> int | None:
    text = part.lstrip(_SEPARATORS)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
