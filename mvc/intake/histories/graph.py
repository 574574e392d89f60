r"""The graph of steps in that of commits: a commit is a step if its state differs from that of every step before it.

    A ── B ── C      A, C: the weights changed           A ────── C'
     \       /       B: only code                          \    /
      ─── D ─        D: the weights changed, C: a merge      D ─

A merge whose state is that of one side, and to which the other sides add nothing, is that side's step. A step whose bytes
are missing has no children: they become those of its parents.
"""

from __future__ import annotations

from collections.abc import Sequence

from mvc.deferred import dataclass


@dataclass(frozen=True, slots=True)
class _Node:
    """A commit: its state, None without weights, and its steps: one, or those before a missing merge."""

    state: object | None
    steps: tuple[str, ...]


class Graph:
    """The steps of commits; a step is named by its commit."""

    def __init__(self) -> None:
        """Begin without commits."""
        self._nodes: dict[str, _Node] = {}
        self._number: dict[str, int] = {}
        self._ancestors: list[int] = []

    def step_of(self, commit: str) -> str | None:
        """Return the step of a commit, None if its history has none."""
        steps = self._nodes[commit].steps if commit in self._nodes else ()
        return steps[0] if steps else None

    def before(self, parents: Sequence[str]) -> tuple[str, ...]:
        """Return the steps of the parents of a commit, without those that are ancestors of another."""
        nodes = [self._nodes[parent] for parent in parents if parent in self._nodes]
        steps = list(dict.fromkeys(step for node in nodes for step in node.steps))
        return tuple(step for step in steps if not any(self._is_ancestor(step, other) for other in steps))

    def is_step(self, parents: Sequence[str], state: object | None) -> bool:
        """Return whether a commit with these parents and this state is a step."""
        before = self.before(parents)
        nodes = [self._nodes[commit] for commit in (*parents, *before) if commit in self._nodes]
        return state is not None and not any(node.state == state and node.steps == before for node in nodes)

    def add(self, commit: str, parents: Sequence[str], state: object | None, *, is_step: bool) -> None:
        """Add a commit; one that is no step has those before it."""
        before = self.before(parents)
        self._nodes[commit] = _Node(state, (commit,) if is_step else before)
        if is_step:
            self._number[commit] = len(self._ancestors)
            self._ancestors.append(self._union(before))

    def _union(self, steps: Sequence[str]) -> int:
        """Return the set of these steps and their ancestors, a bit for each step."""
        union = 0
        for step in steps:
            union |= self._ancestors[self._number[step]] | 1 << self._number[step]
        return union

    def _is_ancestor(self, step: str, other: str) -> bool:
        return bool(self._ancestors[self._number[other]] >> self._number[step] & 1)
