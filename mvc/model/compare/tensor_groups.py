"""Groups of tensors by module: names are split at their dots, and modules with one common state are joined.

    encoder.layer.0.norm.weight   unchanged
    encoder.layer.1.norm.weight   unchanged      encoder.layer.0-1.*   unchanged
    encoder.layer.2.norm.weight   changed    →   encoder.layer.2.*     changed
    head.weight                   changed        head.weight           changed

A module is split only if its tensors differ in state, and only while there are at most LINES groups. Numbered modules
in sequence are joined if their tensors have the same states.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from mvc.deferred import dataclass

LINES = 20
"""Groups, at most."""
DEPTH = 16
"""Parts of a name, at most; the last one takes the rest."""
_DIGITS = 9
_SEPARATORS = "./"
_PART = re.compile(r"[./]*[^./]+")
_NUMBERS = re.compile(rf"([0-9]{{1,{_DIGITS}}})")

T = TypeVar("T")


class Leaf(NamedTuple, Generic[T]):
    """A tensor: its name, its state, and its value."""

    name: str
    state: Hashable
    value: T


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """Tensors shown in one line: `label` is a name, or a prefix with `*`."""

    label: str
    members: tuple[T, ...]


class _Split(NamedTuple, Generic[T]):
    """A leaf whose name is split into parts."""

    parts: tuple[str, ...]
    state: Hashable
    value: T

    def part(self, depth: int) -> str:
        """Return the part at a depth, `""` after the last one."""
        return self.parts[depth] if depth < len(self.parts) else ""


@dataclass(slots=True, eq=False)
class _Branch(Generic[T]):
    """Leaves whose names share `prefix`, their first `depth` parts; `is_final` if it is not to be split.

    `is_rest`: other leaves with the prefix are in groups of their own.
    """

    prefix: str
    leaves: list[_Split[T]]
    depth: int
    is_final: bool = False
    is_rest: bool = False

    @property
    def is_mixed(self) -> bool:
        return len({leaf.state for leaf in self.leaves}) > 1

    @property
    def can_split(self) -> bool:
        return not self.is_final and self.is_mixed and any(leaf.part(self.depth) for leaf in self.leaves)

    @property
    def label(self) -> str:
        part = max(leaf.part(self.depth) for leaf in self.leaves)
        if not part:
            return self.prefix
        separator = part[: len(part) - len(part.lstrip(_SEPARATORS))]
        return f"{self.prefix}{separator}*{' (rest)' if self.is_rest else ''}"


def group(leaves: Iterable[Leaf[T]], lines: int = LINES) -> tuple[Group[T], ...]:
    """Group leaves by module into at most `lines` groups, sorted by name, numbers by value."""
    branches = [root] if (root := _root(leaves)).leaves else []
    while splittable := [branch for branch in branches if branch.can_split]:
        branch = min(splittable, key=lambda candidate: (candidate.depth, -len(candidate.leaves)))
        limit = lines - len(branches) + 1
        parts = next((parts for parts in _splits(branch) if len(parts) <= limit), None)
        if parts is None:
            branch.is_final = True
        else:
            index = branches.index(branch)
            branches[index : index + 1] = parts
    return tuple([Group(branch.label, tuple([leaf.value for leaf in branch.leaves])) for branch in branches])


def largest_module(leaves: Iterable[Leaf[T]], state: Hashable, weight: Callable[[T], int]) -> str | None:
    """Return the top-level module of the largest weight among those entirely in `state`, or None."""
    modules = [
        (sum(weight(leaf.value) for leaf in branch.leaves), branch.prefix)
        for branch in _children(_root(leaves))
        if {leaf.state for leaf in branch.leaves} == {state}
    ]
    return max(modules)[1] if modules else None


def _root(leaves: Iterable[Leaf[T]]) -> _Branch[T]:
    return _branch("", [_Split(_parts(leaf.name), leaf.state, leaf.value) for leaf in leaves], 0)


def _parts(name: str) -> tuple[str, ...]:
    """Split a name into parts, each with its leading separators."""
    parts = _PART.findall(name)
    rest = name[sum(map(len, parts[: DEPTH - 1])) :]
    return (*parts[: DEPTH - 1], rest) if rest else tuple(parts)


def _branch(prefix: str, leaves: list[_Split[T]], depth: int) -> _Branch[T]:
    """Return a branch at the longest prefix that its leaves share."""
    while len(parts := {leaf.part(depth) for leaf in leaves}) == 1 and (part := parts.pop()):
        prefix, depth = prefix + part, depth + 1
    return _Branch(prefix, leaves, depth)


def _splits(branch: _Branch[T]) -> Iterator[list[_Branch[T]]]:
    """Yield the ways to split a branch: into all its children, or only those without the most frequent state."""
    children = _children(branch)
    yield children
    states = [child.leaves[0].state for child in children if not child.is_mixed]
    most = max(states, key=states.count, default=None)
    rest = [child for child in children if not child.is_mixed and child.leaves[0].state == most]
    others = [child for child in children if child not in rest]
    if others and len(rest) > 1:
        leaves = [leaf for child in rest for leaf in child.leaves]
        yield [*others, _Branch(branch.prefix, leaves, branch.depth, is_rest=True)]


def _children(branch: _Branch[T]) -> list[_Branch[T]]:
    by_part: dict[str, list[_Split[T]]] = {}
    for leaf in branch.leaves:
        by_part.setdefault(leaf.part(branch.depth), []).append(leaf)
    children = []
    for run in _runs(sorted(by_part, key=_natural), lambda part: _signature(by_part[part], branch.depth + 1)):
        last = f"-{run[-1].lstrip(_SEPARATORS)}" if len(run) > 1 else ""
        leaves = [leaf for part in run for leaf in by_part[part]]
        children.append(_branch(f"{branch.prefix}{run[0]}{last}", leaves, branch.depth + 1))
    return children


def _runs(parts: Sequence[str], signature: Callable[[str], Hashable]) -> list[list[str]]:
    """Join consecutive numbers of equal signature into runs; any other part is a run of its own."""
    runs: list[list[str]] = []
    previous: Hashable = None
    for part in parts:
        separators = part[: -len(part.lstrip(_SEPARATORS))]
        current = (signature(part), separators) if _number(part) is not None else None
        if current is not None and current == previous:
            runs[-1].append(part)
        else:
            runs.append([part])
        previous = current
    return runs


def _signature(leaves: Sequence[_Split[T]], depth: int) -> Hashable:
    """Return the common state of the leaves, or the state of each by the rest of its name."""
    states = {leaf.state for leaf in leaves}
    if len(states) == 1:
        return leaves[0].state, all(len(leaf.parts) == depth for leaf in leaves)
    return frozenset((leaf.parts[depth:], leaf.state) for leaf in leaves)


def _natural(part: str) -> tuple[bool, bool, list[str | int], str]:
    """Return a key that sorts `2` before `10` and `layer2` before `layer10`, and plain numbers first."""
    pieces = _NUMBERS.split(part)
    values = [int(piece) if place % 2 else piece for place, piece in enumerate(pieces)]
    return part != "", _number(part) is None, values, part


def _number(part: str) -> int | None:
    text = part.lstrip(_SEPARATORS)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
