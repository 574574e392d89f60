"""The drift of tensors between two files: only changed tensors are read, PIECE numbers at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import add

from mvc.formats import statistics
from mvc.model.compare.tensors import ALTERED, UNKNOWN, TensorChange, TensorDiff
from mvc.model.compare.weight_drift import Drift
from mvc.model.segment import PIECE, WIDTHS, Segment

ReadAt = Callable[[int, int], bytes]
"""A function that returns bytes, given an offset and a size."""


def measured(difference: TensorDiff, old: ReadAt, new: ReadAt) -> TensorDiff:
    """Return the difference with the drift of each tensor that has an equal count and a readable dtype.

    Tensors are read in the order of the old file, as both read functions may keep the chunk that they read last. Raises
    the errors of `old` and `new`.
    """
    numbered = sorted(enumerate(difference.tensors), key=lambda pair: pair[1].old.offset if pair[1].old else 0)
    found = {number: _measured(change, old, new) for number, change in numbered}
    return TensorDiff(tuple([found[number] for number in range(len(found))]))


def _measured(change: TensorChange, old: ReadAt, new: ReadAt) -> TensorChange:
    before, after = change.old, change.new
    if change.kind not in (*ALTERED, UNKNOWN) or before is None or after is None:
        return change
    count = _count(before)
    if count is None or count != _count(after):
        return change
    parts = (
        statistics.drift(_numbers(before, start, old), _numbers(after, start, new)) for start in range(0, count, PIECE)
    )
    return replace(change, drift=reduce(add, parts, Drift()))


def _count(segment: Segment) -> int | None:
    """Return how many numbers of a segment can be read; None for none."""
    return segment.size // WIDTHS[segment.dtype] if statistics.readable(segment.dtype) else None


def _numbers(segment: Segment, start: int, read_at: ReadAt) -> statistics.Numbers:
    """Return at most PIECE numbers from number `start` on."""
    width = WIDTHS[segment.dtype]
    size = min(PIECE, segment.size // width - start) * width
    return statistics.numbers(read_at(segment.offset + start * width, size), segment.dtype)
