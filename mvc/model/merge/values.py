"""Three-way merges of JSON values: tables by key, sets by item, everything else whole.

    base  {"lr": 0.1, "epochs": 9}
    ours  {"lr": 0.2, "epochs": 9}    →  {"lr": 0.2, "epochs": 12}
    theirs {"lr": 0.1, "epochs": 12}

None means "not set": a manifest has no null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from mvc.deferred import dataclass
from mvc.model import canonical
from mvc.model.document import Document, keys
from mvc.model.toml.schema import Path, dotted

OURS, THEIRS = "ours", "theirs"
SETS = (("model", "tags"), ("model", "links"))
"""Lists that are merged as sets, since their order has no meaning."""
_WHOLE = (("docker", "digest"),)
"""Tables that are one value: the digest asked for and the resolved one."""


@dataclass(frozen=True, slots=True)
class Conflict(Document):
    """A field that both sides changed differently; None where it is not set. `reason` may explain more."""

    KEYS = keys("field ours theirs base reason")

    key: Path
    ours: Any
    theirs: Any
    base: Any
    reason: str = ""

    @property
    def field(self) -> str:
        """The dotted key: `parameters.lr`, `labelmap.3`, `files.model-latest`."""
        return dotted(self.key)


@dataclass(slots=True)
class Resolver:
    """Resolves conflicts by field as `takes` says, otherwise to our side, and records all of them."""

    takes: Mapping[str, str]
    conflicts: dict[str, Conflict] = field(default_factory=dict)

    def takes_theirs(self, conflict: Conflict) -> bool:
        """Record a conflict; return whether it is resolved to their side."""
        self.conflicts[conflict.field] = conflict
        return self.takes.get(conflict.field) == THEIRS

    def unresolved(self) -> tuple[Conflict, ...]:
        """Return the conflicts that `takes` does not resolve, sorted by field."""
        return tuple(conflict for name, conflict in sorted(self.conflicts.items()) if name not in self.takes)


def same(one: Any, two: Any) -> bool:
    """Return whether two values have the same bytes; `1`, `1.0` and `true` differ."""
    return one is two or canonical.encode(one) == canonical.encode(two)


def merge_values(key: Path, base: Any, ours: Any, theirs: Any, resolver: Resolver) -> Any:
    """Merge the values at `key`; None means that there is none, also as the result."""
    if same(ours, theirs) or same(base, theirs):
        return ours
    if same(base, ours):
        return theirs
    if key not in _WHOLE and _are_tables(base, ours, theirs):
        merged = _merge_tables(key, base or {}, ours or {}, theirs or {}, resolver)
        return merged or (None if ours is None or theirs is None else merged)
    if key in SETS:
        return _merge_sets(base or [], ours or [], theirs or [])
    return theirs if resolver.takes_theirs(Conflict(key, ours, theirs, base)) else ours


def _are_tables(*values: Any) -> bool:
    return all(value is None or isinstance(value, Mapping) for value in values)


def _merge_tables(
    key: Path, base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], resolver: Resolver
) -> dict[str, Any]:
    merged = {
        name: merge_values((*key, name), base.get(name), ours.get(name), theirs.get(name), resolver)
        for name in dict.fromkeys([*ours, *theirs])
    }
    return {name: value for name, value in merged.items() if value is not None}


def _merge_sets(base: list[Any], ours: list[Any], theirs: list[Any]) -> list[Any] | None:
    """Return items kept by both sides in base order, then added ones sorted, so that both directions merge alike."""
    kept = [item for item in dict.fromkeys(base) if item in ours and item in theirs]
    added: Iterable[Any] = {*ours, *theirs} - set(base)
    return [*kept, *sorted(added)] or None
