"""Tensors in lines for people: what became of them module by module, and what a file holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import add

from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import bar, count, escape, number, short, size, style
from mvc.model.compare.tensor_groups import Group
from mvc.model.compare.tensors import ADDED, ALTERED, KINDS, REMOVED, RENAMED, UNCHANGED, TensorChange
from mvc.model.compare.weight_drift import Drift
from mvc.model.segment import Segment
from mvc.model.tensor_count import TensorCount
from mvc.repository.tensors import FileTensors

Row = tuple[str, ...]
RIGHT = frozenset({3, 4})
"""The columns of `listed` that are numbers."""


def difference(files: Iterable[FileTensors], *, stat: bool = False) -> Iterator[str]:
    """Each file with its summary, and its modules below it unless `stat`."""
    lines = [line for file in files for line in _file(file, stat=stat)]
    yield from (f"{'tensors' if place == 0 else '':<11} {line}" for place, line in enumerate(lines))


def _file(file: FileTensors, *, stat: bool) -> Iterator[str]:
    path, found = escape(file.file.entry.path), file.difference
    if found is None:
        yield f"{path}  no tensors are known"
        return
    yield f"{path}  {escape(found.summary())}"
    if not stat and not found.is_empty:
        yield from (f"  {line}" for line in aligned(_without_empty_columns([_row(group) for group in found.groups])))


def _row(group: Group[TensorChange]) -> Row:
    """Label, bar, what became of its tensors, and how far they moved."""
    members = group.members
    moved = sum(change.kind != UNCHANGED for change in members)
    drifts = [change.drift for change in members if change.drift is not None]
    return escape(group.label), bar(moved / len(members)), _fate(members), *_drift(drifts)


def _fate(members: Sequence[TensorChange]) -> str:
    """`12 of 40 changed, 2 added`, `[80, 256] -> [83, 256]`; the word alone for a single tensor."""
    counts = Counter(change.kind for change in members)
    if len(counts) == 1:
        (kind,) = counts
        return f"{f'{len(members)} ' if len(members) > 1 else ''}{kind}{_detail(kind, members)}"
    both = len(members) - counts[ADDED] - counts[REMOVED]
    altered = sum(counts[kind] for kind in ALTERED)
    parts = [f"{altered} of {both} changed"] if altered else []
    parts += [f"{counts[kind]} {kind}" for kind in KINDS if counts[kind] and kind not in (*ALTERED, UNCHANGED)]
    return ", ".join(parts)


def _detail(kind: str, members: Sequence[TensorChange]) -> str:
    """What the tensors of one group were and are, where that is the same for all; the old name of a single one."""
    forms = {
        (each.old.shape, each.old.dtype, each.new.shape, each.new.dtype) for each in members if each.old and each.new
    }
    first = members[0]
    if kind == RENAMED and len(members) == 1 and first.old:
        return f" from {escape(first.old.name)}"
    if kind not in ALTERED or len(forms) != 1:
        return ""
    ((old_shape, old_dtype, new_shape, new_dtype),) = forms
    shapes = f" {_shape(old_shape)} -> {_shape(new_shape)}" if old_shape != new_shape else ""
    return shapes + (f" {escape(old_dtype)} -> {escape(new_dtype)}" if old_dtype != new_dtype else "")


def _drift(drifts: Sequence[Drift]) -> Row:
    """Relative L2 change, largest change, share of equal weights, and what must not be: empty where nobody looked."""
    if not drifts:
        return "", "", "", ""
    drift = reduce(add, drifts)
    relative = f"L2 {drift.relative:.1e}" if drift.relative is not None else ""
    broken = [f"{many} {what}" for many, what in ((drift.nan, "NaN"), (drift.infinite, "infinite")) if many]
    warning = style(f"{', '.join(broken)} introduced", fg="red", bold=True) if broken else ""
    return relative, f"largest {drift.largest:.1e}", f"{_share(drift.share_equal)} equal", warning


def _share(share: float) -> str:
    """`97.3%`: 100 and 0 only where it is all, or none."""
    within = min(max(share * 100, 0.1), 99.9) if 0 < share < 1 else share * 100
    return f"{within:.1f}%".replace(".0%", "%")


def _without_empty_columns(rows: Sequence[Row]) -> list[Row]:
    used = [any(column) for column in zip(*rows, strict=True)]
    return [tuple(cell for cell, kept in zip(row, used, strict=True) if kept) for row in rows]


def _shape(shape: tuple[int, ...] | None) -> str:
    return f"[{', '.join(map(str, shape))}]" if shape is not None else "?"


# --- what a file holds


def held(count_: TensorCount) -> str:
    """`412 tensors, 25.6 M parameters, F32`."""
    parameters = f"{number(count_.parameters)} {'parameter' if count_.parameters == 1 else 'parameters'}"
    return ", ".join([count(count_.tensors, "tensor"), parameters, *map(escape, count_.dtypes)])


def listed(segments: Iterable[Segment]) -> list[Row]:
    """Name, dtype, shape, size, offset and digest of each tensor, as rows."""
    return [
        (
            escape(each.name) or "-",
            escape(each.dtype) or "-",
            _shape(each.shape),
            size(each.size),
            str(each.offset),
            short(each.digest) or "-",
        )
        for each in segments
    ]
