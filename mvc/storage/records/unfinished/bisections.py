"""Bisects in progress: what was marked, in order. Everything else follows from the history (repository/bisect/planner).

    bisects/helmets  {"first_parent":false,"kind":"bisect","marks":[["bad","77…"],["good","1f…"],["skip","3a…"]],
                      "model":"helmets","v":1,"sum":"…"}

A record stays in its repository. The versions that it names are kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, NamedTuple

from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import Component, Record
from mvc.storage.records.reflog import BISECTS

FOLDER = BISECTS
GOOD, BAD, SKIP = "good", "bad", "skip"
_VERDICTS = frozenset({GOOD, BAD, SKIP})


class Mark(NamedTuple):
    """The verdict on one version."""

    verdict: Annotated[str, _VERDICTS.__contains__]
    version: VersionId


@dataclass(frozen=True, slots=True)
class Bisection(Record):
    """The marks of a bisect, oldest first; a later mark of the same version replaces an earlier one."""

    KIND = "bisect"
    NOUN = "bisect in progress"

    model: Component
    first_parent: bool
    marks: tuple[Mark, ...]

    @property
    def bads(self) -> tuple[VersionId, ...]:
        """The versions marked bad; the last one is the oldest of them."""
        return self._of(BAD)

    @property
    def bad(self) -> VersionId | None:
        """The oldest version that is known to be bad."""
        return self.bads[-1] if self.bads else None

    @property
    def good(self) -> tuple[VersionId, ...]:
        """The versions marked good."""
        return self._of(GOOD)

    @property
    def skipped(self) -> tuple[VersionId, ...]:
        """The versions that cannot be tested."""
        return self._of(SKIP)

    def marked(self, verdict: str, *versions: VersionId) -> Bisection:
        """Return the record with more marks."""
        return replace(self, marks=(*self.marks, *(Mark(verdict, version) for version in versions)))

    def _of(self, verdict: str) -> tuple[VersionId, ...]:
        last = {mark.version: mark.verdict for mark in self.marks}
        return tuple(dict.fromkeys(m.version for m in self.marks if m.verdict == verdict == last[m.version]))


def path(model: str) -> str:
    """Return the name of the record of `model`, below `.mvc`."""
    return f"{FOLDER}/{names.encode_component(model)}"


def recorded(door: StoreDoor, model: str) -> Bisection | None:
    """Return the record of `model`, None when there is none; raise Damaged."""
    try:
        return Bisection.decode(door.read(path(model)), what=f"the bisect of {model}")
    except FileNotFoundError:
        return None


def models(door: StoreDoor) -> list[str]:
    """Return the models that have a record, sorted; raise Damaged."""
    return sorted(names.decode_component(name) for name in door.names(FOLDER))


def record(door: StoreDoor, bisection: Bisection) -> None:
    """Record the bisect of a model, durably. The caller holds the lock."""
    door.replace(path(bisection.model), bisection.encode())


def end(door: StoreDoor, model: str) -> None:
    """Remove the record of `model`, if there is one. The caller holds the lock."""
    door.remove(path(model))
