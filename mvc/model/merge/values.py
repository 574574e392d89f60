"""Three-way merges of JSON values: tables key by key, lists that are sets item by item, all else whole.

    base  {"lr": 0.1, "epochs": 9}
    ours  {"lr": 0.2, "epochs": 9}    →  {"lr": 0.2, "epochs": 12}
    theirs {"lr": 0.1, "epochs": 12}

None stands for "not set": a manifest has no null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mvc.model import canonical
from mvc.model.toml.schema import Path, dotted

OURS, THEIRS = "ours", "theirs"
SETS = (("model", "tags"), ("model", "links"))
"""Lists whose order says nothing."""
_WHOLE = (("docker", "digest"),)
"""Tables that are one value: what was asked for, and what it resolved to."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field, at `key`, that both sides changed, each in its own way; None where it is not set. `reason` may say more."""

    key: Path
    ours: Any
    theirs: Any
    base: Any
    reason: str = ""

    @property
    def field(self) -> str:
        """The key as it is written: `parameters.lr`, `labelmap.3`, `files.model-latest`."""
        return dotted(self.key)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "field": self.field,
            "ours": self.ours,
            "theirs": self.theirs,
            "base": self.base,
            "reason": self.reason,
        }


@dataclass(slots=True)
class Judge:
    """Decides conflicts as `takes` says, by field, and for ours where it says nothing; remembers all of them."""

    takes: Mapping[str, str]
    conflicts: dict[str, Conflict] = field(default_factory=dict)

    def theirs(self, conflict: Conflict) -> bool:
        """Whether their side is taken."""
        self.conflicts[conflict.field] = conflict
        return self.takes.get(conflict.field) == THEIRS

    def open(self) -> tuple[Conflict, ...]:
        """The conflicts that nobody decided, sorted by field."""
        return tuple(each for name, each in sorted(self.conflicts.items()) if name not in self.takes)


def same(one: Any, two: Any) -> bool:
    """Whether two values have the same bytes, so that `1`, `1.0` and `true` are three values."""
    return one is two or canonical.encode(one) == canonical.encode(two)


def merge_values(key: Path, base: Any, ours: Any, theirs: Any, judge: Judge) -> Any:
    """The merged value at `key`; None for none."""
    if same(ours, theirs) or same(base, theirs):
        return ours
    if same(base, ours):
        return theirs
    if key not in _WHOLE and _are_tables(base, ours, theirs):
        merged = _merge_tables(key, base or {}, ours or {}, theirs or {}, judge)
        return merged or (None if ours is None or theirs is None else merged)
    if key in SETS:
        return _merge_sets(base or [], ours or [], theirs or [])
    return theirs if judge.theirs(Conflict(key, ours, theirs, base)) else ours


def _are_tables(*values: Any) -> bool:
    return all(value is None or isinstance(value, Mapping) for value in values)


def _merge_tables(
    key: Path, base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], judge: Judge
) -> dict[str, Any]:
    merged = {
        name: merge_values((*key, name), base.get(name), ours.get(name), theirs.get(name), judge)
        for name in dict.fromkeys([*ours, *theirs])
    }
    return {name: value for name, value in merged.items() if value is not None}


def _merge_sets(base: list[Any], ours: list[Any], theirs: list[Any]) -> list[Any] | None:
    """What both kept, in the order of the base, then what either added, sorted: the same whoever merges."""
    kept = [item for item in dict.fromkeys(base) if item in ours and item in theirs]
    added: Iterable[Any] = {*ours, *theirs} - set(base)
    return [*kept, *sorted(added)] or None
