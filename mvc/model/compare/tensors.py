"""Diffs of the tensors of two files, from their segments alone: no weights are read.

changed, unchanged     the same name, dtype and shape; another digest, or the same
reshaped, retyped      the same name; another shape, or else another dtype
renamed                the same digest, dtype and shape under another name
added, removed         on one side only
unknown                the same name, dtype, shape and size; one of the digests is not known

If one side has no names, tensors are matched by content, then in order by dtype, shape and size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property

from mvc.deferred import dataclass
from mvc.model.compare.match import match
from mvc.model.compare.tensor_groups import Group, Leaf, group, largest_module
from mvc.model.compare.weight_drift import Drift
from mvc.model.document import Document, keys, rows
from mvc.model.segment import Segment

CHANGED, RESHAPED, RETYPED, ADDED, REMOVED = "changed", "reshaped", "retyped", "added", "removed"
RENAMED, UNKNOWN, UNCHANGED = "renamed", "unknown", "unchanged"
KINDS = (CHANGED, RESHAPED, RETYPED, ADDED, REMOVED, RENAMED, UNKNOWN, UNCHANGED)
"""In the order of display."""
ALTERED = (CHANGED, RESHAPED, RETYPED)
"""Kinds of tensors that are on both sides and differ."""
Pair = tuple[Segment, Segment]
Key = Callable[[Segment], Hashable]


@dataclass(frozen=True, slots=True)
class TensorChange(Document):
    """The change of one tensor; `old` is None if it was added, `new` if removed, `drift` if weights were not read.

    `index` is its number in its file, the old one of a removed tensor, from 0; it names a tensor without a name.
    """

    KEYS = keys("kind index old new drift")
    OPTIONAL = ("drift",)

    kind: str
    old: Segment | None
    new: Segment | None
    index: int = 0
    drift: Drift | None = None

    @property
    def segment(self) -> Segment:
        """The new tensor, or the old one if it was removed."""
        segment = self.new or self.old
        assert segment is not None  # noqa: S101 - a change has at least one side
        return segment


@dataclass(frozen=True)
class TensorDiff(Document):
    """Every tensor of two files once, in the order of the new file; removed ones come last."""

    KEYS = keys(
        "total=len(tensors) counts unchanged_module",
        {"groups": rows("group_counts", "label=0 counts=1")},
        "tensors=changes",
        {"unchanged": rows("unchanged", "index *new")},
    )

    tensors: tuple[TensorChange, ...]

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """The number of tensors of each kind, without zeros."""
        counts = Counter(change.kind for change in self.tensors)
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    @property
    def altered(self) -> int:
        """The number of tensors on both sides that differ: changed, reshaped, retyped."""
        return sum(self.counts.get(kind, 0) for kind in ALTERED)

    @property
    def is_empty(self) -> bool:
        """True if every tensor is known to be unchanged."""
        return self.counts.keys() <= {UNCHANGED}

    @cached_property
    def groups(self) -> tuple[Group[TensorChange], ...]:
        """The tensors by module, in at most LINES groups."""
        return group(self._leaves())

    @cached_property
    def unchanged_module(self) -> str | None:
        """The largest top-level module without changes; None if there is none, or nothing changed at all."""
        if self.is_empty or not all(change.segment.name for change in self.tensors):
            return None
        return largest_module(self._leaves(), UNCHANGED, lambda change: change.segment.size)

    def summary(self) -> str:
        """Return one line: `31 of 412 changed (1 reshaped), 2 added; backbone unchanged`."""
        total = sum(change.new is not None for change in self.tensors)
        if self.is_empty:
            return f"all {total} unchanged"
        kinds = [f"{self.counts[kind]} {kind}" for kind in (RESHAPED, RETYPED) if kind in self.counts]
        parts = [f"{self.altered} of {total} changed" + (f" ({', '.join(kinds)})" if kinds else "")]
        parts += [f"{self.counts[kind]} {kind}" for kind in (ADDED, REMOVED, RENAMED, UNKNOWN) if kind in self.counts]
        suffix = f"; {self.unchanged_module} unchanged" if self.unchanged_module else ""
        return ", ".join(parts) + suffix

    @property
    def group_counts(self) -> tuple[tuple[str, Mapping[str, int]], ...]:
        """The label of each group, with its number of tensors of each kind."""
        return tuple((part.label, dict(Counter(change.kind for change in part.members))) for part in self.groups)

    @property
    def changes(self) -> tuple[TensorChange, ...]:
        """The tensors that are not known to be unchanged."""
        return tuple(change for change in self.tensors if change.kind != UNCHANGED)

    @property
    def unchanged(self) -> tuple[TensorChange, ...]:
        """The tensors that are known to be unchanged."""
        return tuple(change for change in self.tensors if change.kind == UNCHANGED)

    def _leaves(self) -> list[Leaf[TensorChange]]:
        return [Leaf(change.segment.name or f"#/{change.index}", _state(change), change) for change in self.tensors]


def compare(old: Sequence[Segment], new: Sequence[Segment]) -> TensorDiff:
    """Compare the tensors of two files; reads nothing."""
    old_index = {id(segment): index for index, segment in enumerate(old)}
    new_index = {id(segment): index for index, segment in enumerate(new)}
    pairs, removed, added = _matched(old, new)
    changes = [TensorChange(_kind(a, b), a, b, new_index[id(b)]) for a, b in pairs]
    changes += [TensorChange(ADDED, None, segment, new_index[id(segment)]) for segment in added]
    changes.sort(key=lambda change: change.index)
    last = [TensorChange(REMOVED, segment, None, old_index[id(segment)]) for segment in removed]
    return TensorDiff((*changes, *last))


def _matched(old: Sequence[Segment], new: Sequence[Segment]) -> tuple[list[Pair], list[Segment], list[Segment]]:
    """Return matched tensors, by the most specific key first, and the unmatched ones of both sides."""
    nameless = not any(segment.name for segment in old) or not any(segment.name for segment in new)
    keys: tuple[Key, ...] = (_name, _content_and_last_name, _content)
    removed, added, pairs = list(old), list(new), []
    for key in (*keys, _digest, _form) if nameless else keys:
        matched, removed, added = match(removed, added, key)
        pairs += matched
    return pairs, removed, added


def _name(segment: Segment) -> Hashable:
    return segment.name or None


def _content(segment: Segment) -> Hashable:
    return (segment.digest, segment.dtype, segment.shape) if segment.digest else None


def _content_and_last_name(segment: Segment) -> Hashable:
    return (segment.name.rpartition(".")[2], _content(segment)) if segment.digest else None


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
    """Return whether equal content has equal digests: both were hashed in the same steps."""
    return old.step == new.step or old.size <= min(old.step, new.step)


def _state(change: TensorChange) -> Hashable:
    """Return the state that tensors of one group share."""
    if change.old is None or change.new is None or change.kind not in (RESHAPED, RETYPED):
        return change.kind
    return change.kind, change.old.shape, change.new.shape, change.old.dtype, change.new.dtype
