"""Tensors as text: their changes by module, and the tensors of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import add

import click

from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import bar, escape, number, short, size, style
from mvc.model.compare.tensor_groups import Group
from mvc.model.compare.tensors import ADDED, ALTERED, KINDS, REMOVED, RENAMED, UNCHANGED, TensorChange
from mvc.model.compare.weight_drift import Drift
from mvc.model.segment import Segment
from mvc.model.tensor_count import TensorCount
from mvc.plural import count
from mvc.repository.tensors import FileTensors

Row = tuple[str, ...]
RIGHT = frozenset({3, 4})
"""The right-aligned columns of `listed`."""


def difference(files: Iterable[FileTensors], *, stat: bool = False) -> Iterator[str]:
    """Yield the summary of each file, followed by its modules unless `stat`."""
    lines = [line for file in files for line in _file(file, stat=stat)]
    yield from (f"{'tensors' if place == 0 else '':<11} {line}" for place, line in enumerate(lines))


def _file(file: FileTensors, *, stat: bool) -> Iterator[str]:
    path, changes = escape(file.file.entry.path), file.difference
    if changes is None:
        yield f"{path}  tensors unknown"
        return
    yield f"{path}  {escape(changes.summary())}"
    if not stat and not changes.is_empty:
        yield from (f"  {line}" for line in aligned(_without_empty_columns([_row(group) for group in changes.groups])))


def _row(group: Group[TensorChange]) -> Row:
    """Return label, bar, changes and drift of a group of tensors."""
    members = group.members
    moved = sum(change.kind != UNCHANGED for change in members)
    return escape(group.label), bar(moved / len(members)), _fate(members), *_drift(_drifts(members))


def described(members: Sequence[TensorChange]) -> str:
    """Return the changes and the drift of a group of tensors as one text, without colours."""
    return ", ".join(filter(None, map(click.unstyle, (_fate(members), *_drift(_drifts(members))))))


def _drifts(members: Sequence[TensorChange]) -> list[Drift]:
    return [change.drift for change in members if change.drift is not None]


def _fate(members: Sequence[TensorChange]) -> str:
    """Return `12 of 40 changed, 2 added`, `[80, 256] -> [83, 256]`; a word for a single tensor."""
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
    """Return old and new shape and dtype if all tensors share them, or the old name of a renamed one."""
    forms = {
        (change.old.shape, change.old.dtype, change.new.shape, change.new.dtype)
        for change in members
        if change.old and change.new
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
    """Return relative L2 change, largest change, share of equal weights, and new NaNs; empty without drifts."""
    if not drifts:
        return "", "", "", ""
    drift = reduce(add, drifts)
    relative = f"L2 {drift.relative:.1e}" if drift.relative is not None else ""
    broken = [f"{many} {noun}" for many, noun in ((drift.nan, "NaN"), (drift.infinite, "infinite")) if many]
    warning = style(f"{', '.join(broken)} introduced", fg="red", bold=True) if broken else ""
    return relative, f"largest {drift.largest:.1e}", f"{_share(drift.share_equal)} equal", warning


def _share(share: float) -> str:
    """Return `97.3%`; 100% and 0% only if exact."""
    within = min(max(share * 100, 0.1), 99.9) if 0 < share < 1 else share * 100
    return f"{within:.1f}%".replace(".0%", "%")


def _without_empty_columns(rows: Sequence[Row]) -> list[Row]:
    used = [any(column) for column in zip(*rows, strict=True)]
    return [tuple(cell for cell, kept in zip(row, used, strict=True) if kept) for row in rows]


def _shape(shape: tuple[int, ...] | None) -> str:
    return f"[{', '.join(map(str, shape))}]" if shape is not None else "?"


# --- tensors of a file


def held(count_: TensorCount) -> str:
    """Return `412 tensors, 25.6 M parameters, F32`."""
    parameters = f"{number(count_.parameters)} {'parameter' if count_.parameters == 1 else 'parameters'}"
    return ", ".join([count(count_.tensors, "tensor"), parameters, *map(escape, count_.dtypes)])


def listed(segments: Iterable[Segment]) -> list[Row]:
    """Return name, dtype, shape, size, offset and digest of each tensor, as rows."""
    return [
        (
            escape(segment.name) or "-",
            escape(segment.dtype) or "-",
            _shape(segment.shape),
            size(segment.size),
            str(segment.offset),
            short(segment.digest) or "-",
        )
        for segment in segments
    ]
