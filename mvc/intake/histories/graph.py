r"""The graph of steps in that of commits: a commit is a step if its state differs from that of every step before it.

    A ── B ── C      A, C: the weights changed           A ────── C'
     \       /       B: only code                          \    /
      ─── D ─        D: the weights changed, C: a merge      D ─

A merge whose state is that of one side, and to which the other sides add nothing, is that side's step.
"""

from __future__ import annotations

from collections.abc import Sequence


class Graph:
    """The steps that stand for commits; a step is named by its commit."""

    def __init__(self) -> None:
        """Begin without steps."""
        self._step: dict[str, str | None] = {}
        self._number: dict[str, int] = {}
        self._ancestors: list[int] = []
        self._state: dict[str, object] = {}

    def step_of(self, commit: str) -> str | None:
        """Return the step that stands for a commit: the newest one of its history, None if it has none."""
        return self._step.get(commit)

    def before(self, parents: Sequence[str]) -> tuple[str, ...]:
        """Return the steps of the parents of a commit, without those that are ancestors of another."""
        steps = list(dict.fromkeys(step for parent in parents if (step := self._step.get(parent)) is not None))
        return tuple(step for step in steps if not any(self._is_ancestor(step, other) for other in steps))

    def add(self, commit: str, parents: Sequence[str], state: object | None) -> bool:
        """Add a commit; return whether it is a step. A state of None, without weights, is none."""
        before = self.before(parents)
        if state is None or (len(before) == 1 and self._state[before[0]] == state):
            self._step[commit] = before[0] if before else None
            return False
        self._step[commit] = commit
        self._state[commit] = state
        self._number[commit] = len(self._ancestors)
        self._ancestors.append(self._union(before))
        return True

    def _union(self, steps: Sequence[str]) -> int:
        """Return the set of these steps and their ancestors, a bit for each step."""
        union = 0
        for step in steps:
            union |= self._ancestors[self._number[step]] | 1 << self._number[step]
        return union

    def _is_ancestor(self, step: str, other: str) -> bool:
        return bool(self._ancestors[self._number[other]] >> self._number[step] & 1)
