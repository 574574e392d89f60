"""What changed between the tensors of two files, told from their segments alone: no weight is read.

changed, unchanged     the same name, dtype and shape; another digest, or the same
reshaped, retyped      the same name; another shape, or else another dtype
renamed                the same digest, dtype and shape under another name
added, removed         on one side only
unknown                the same name, dtype, shape and size; nobody knows a digest of both

Where a side has no names, tensors are paired by their bytes, and then in order among those of one dtype, shape and size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mvc.model.compare.pairing import pair
from mvc.model.compare.tensor_groups import Group, Leaf, gather, steadiest
from mvc.model.compare.weight_drift import Drift
from mvc.model.segment import Segment

CHANGED, RESHAPED, RETYPED, ADDED, REMOVED = "changed", "reshaped", "retyped", "added", "removed"
RENAMED, UNKNOWN, UNCHANGED = "renamed", "unknown", "unchanged"
KINDS = (CHANGED, RESHAPED, RETYPED, ADDED, REMOVED, RENAMED, UNKNOWN, UNCHANGED)
"""In the order in which they are told."""
ALTERED = (CHANGED, RESHAPED, RETYPED)
"""Tensors on both sides that are others now."""
Pair = tuple[Segment, Segment]
Likeness = Callable[[Segment], Hashable]


@dataclass(frozen=True, slots=True)
class TensorChange:
    """What became of one tensor; `old` is None when it was added, `new` when it was removed, `drift` where nobody read it.

    `place` is its number in the file, from 0: what it is called by when it has no name.
    """

    kind: str
    old: Segment | None
    new: Segment | None
    place: int = 0
    drift: Drift | None = None

    @property
    def segment(self) -> Segment:
        """The tensor as it is now, or was last."""
        segment = self.new or self.old
        assert segment is not None  # noqa: S101 - a change has at least one side
        return segment

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        record: dict[str, Any] = {
            "kind": self.kind,
            "old": self.old.to_json() if self.old else None,
            "new": self.new.to_json() if self.new else None,
        }
        return record if self.drift is None else {**record, "drift": self.drift.to_json()}


@dataclass(frozen=True)
class TensorDiff:
    """Every tensor of two files, once, in the order of the new file; those that were removed come last."""

    tensors: tuple[TensorChange, ...]

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many tensors of each kind there are, those of none left out."""
        found = Counter(change.kind for change in self.tensors)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    @property
    def altered(self) -> int:
        """How many tensors of both sides are others now: changed, reshaped, retyped."""
        return sum(self.counts.get(kind, 0) for kind in ALTERED)

    @property
    def is_empty(self) -> bool:
        """Whether each tensor is known to be what it was."""
        return self.counts.keys() <= {UNCHANGED}

    @cached_property
    def groups(self) -> tuple[Group[TensorChange], ...]:
        """The tensors by module, about twenty groups at most."""
        return gather(self._leaves())

    @cached_property
    def unchanged_module(self) -> str | None:
        """The largest module at the top in which nothing changed; None where there is none, or nothing changed at all."""
        if self.is_empty or not all(change.segment.name for change in self.tensors):
            return None
        return steadiest(self._leaves(), UNCHANGED, lambda change: change.segment.size)

    def summary(self) -> str:
        """One line: `31 of 412 changed (1 reshaped), 2 added; backbone unchanged`."""
        total = sum(change.new is not None for change in self.tensors)
        if self.is_empty:
            return f"all {total} unchanged"
        kinds = [f"{self.counts[kind]} {kind}" for kind in (RESHAPED, RETYPED) if kind in self.counts]
        parts = [f"{self.altered} of {total} changed" + (f" ({', '.join(kinds)})" if kinds else "")]
        parts += [f"{self.counts[kind]} {kind}" for kind in (ADDED, REMOVED, RENAMED, UNKNOWN) if kind in self.counts]
        steady = f"; {self.unchanged_module} unchanged" if self.unchanged_module else ""
        return ", ".join(parts) + steady

    def to_json(self) -> dict[str, Any]:
        """For machines: counts, modules, and each tensor that is not unchanged."""
        return {
            "total": len(self.tensors),
            "counts": dict(self.counts),
            "unchanged_module": self.unchanged_module,
            "groups": [
                {"label": group.label, "counts": dict(Counter(each.kind for each in group.members))}
                for group in self.groups
            ],
            "tensors": [change.to_json() for change in self.tensors if change.kind != UNCHANGED],
        }

    def _leaves(self) -> list[Leaf[TensorChange]]:
        return [Leaf(change.segment.name or f"#/{change.place}", _state(change), change) for change in self.tensors]


def compare(old: Sequence[Segment], new: Sequence[Segment]) -> TensorDiff:
    """What became of the tensors `old`, given those that are there now. Reads nothing."""
    before = {id(segment): place for place, segment in enumerate(old)}
    places = {id(segment): place for place, segment in enumerate(new)}
    pairs, gone, come = _paired(old, new)
    changes = [TensorChange(_kind(a, b), a, b, places[id(b)]) for a, b in pairs]
    changes += [TensorChange(ADDED, None, segment, places[id(segment)]) for segment in come]
    changes.sort(key=lambda change: change.place)
    removed = [TensorChange(REMOVED, segment, None, before[id(segment)]) for segment in gone]
    return TensorDiff((*changes, *removed))


def _paired(old: Sequence[Segment], new: Sequence[Segment]) -> tuple[list[Pair], list[Segment], list[Segment]]:
    """Pairs, the surest likeness first, and what is left of either side."""
    nameless = not any(each.name for each in old) or not any(each.name for each in new)
    likenesses: tuple[Likeness, ...] = (_name, _bytes_and_last_name, _bytes)
    gone, come, pairs = list(old), list(new), []
    for likeness in (*likenesses, _digest, _form) if nameless else likenesses:
        found, gone, come = pair(gone, come, likeness)
        pairs += found
    return pairs, gone, come


def _name(segment: Segment) -> Hashable:
    return segment.name or None


def _bytes(segment: Segment) -> Hashable:
    return (segment.digest, segment.dtype, segment.shape) if segment.digest else None


def _bytes_and_last_name(segment: Segment) -> Hashable:
    return (segment.name.rpartition(".")[2], _bytes(segment)) if segment.digest else None


def _digest(segment: Segment) -> Hashable:
    return segment.digest or None


def _form(segment: Segment) -> Hashable:
    return segment.dtype, segment.shape, segment.size


def _kind(old: Segment, new: Segment) -> str:
    if old.shape is not None and new.shape is not None and old.shape != new.shape:
        return RESHAPED
    if old.dtype and new.dtype and old.dtype != new.dtype:
        return RETYPED
    if old.size != new.size:
        return CHANGED
    if not old.digest or not new.digest or not _comparable(old, new):
        return UNKNOWN
    if old.digest != new.digest:
        return CHANGED
    return RENAMED if old.name and new.name and old.name != new.name else UNCHANGED


def _comparable(old: Segment, new: Segment) -> bool:
    """Whether equal bytes of theirs, of one size, have equal digests: they were taken in the same steps."""
    return old.step == new.step or old.size <= min(old.step, new.step)


def _state(change: TensorChange) -> Hashable:
    """What has to be the same of two tensors that are told of as one."""
    if change.old is None or change.new is None or change.kind not in (RESHAPED, RETYPED):
        return change.kind
    return change.kind, change.old.shape, change.new.shape, change.old.dtype, change.new.dtype
