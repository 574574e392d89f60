"""Storages: the bytes of PyTorch's tensors, each as the tensors that view it.

    storage 3 ─ 0 … 64 of "norm.weight" │ 64 … 128 of "norm.bias"   ─►  two segments
    storage 4 ─ 0 … 64 of "a", 32 … 96 of "b"                       ─►  one segment, with two views
    storage 5 ─ 0 … 64 of "embedding.weight" and of "head.weight"   ─►  one segment, with a view

Archives and older files locate storages differently, and their pickles view them in the same way.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from typing import Any

from mvc.formats import tensor_tree
from mvc.formats.header import MAX_TEXT
from mvc.formats.source import MAX_SEGMENTS, HeaderError
from mvc.formats.tensor_tree import View
from mvc.model.segment import WIDTHS, Segment, TensorView

MAX_VIEWS = 1_000
"""Further tensors over one segment, at most."""

Views = dict[str, list[View]]
"""The tensors that view each storage, by its key, in the order of the pickle."""


def views(root: Any, prefix: str = "") -> Views:
    """Return the tensors below `root`, a value of `pickle_text`, by storage; raise HeaderError if there are too many.

    `prefix` begins their names.
    """
    return by_storage(tensor_tree.views(root, prefix))


def by_storage(viewed: Iterable[View]) -> Views:
    """Return tensors by the key of their storage; raise HeaderError if there are too many."""
    result: Views = {}
    characters = 0
    for count, view in enumerate(viewed):
        characters += len(view.name)
        if count >= MAX_SEGMENTS or characters > MAX_TEXT:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors, or {MAX_TEXT >> 20} MiB of names")
        result.setdefault(view.key, []).append(view)
    return result


def tiles(storage: Segment, viewed: Sequence[View]) -> list[Segment]:
    """Return a storage as its tensors; as one segment, named for the first of them, if they do not tile it.

    Other tensors are views of these. Raises HeaderError if a tensor is outside the storage.
    """
    segments = _tiles(storage, viewed)
    further: dict[int, list[TensorView]] = {}
    ends = [segment.end - storage.offset for segment in segments]
    for view in viewed:
        number = bisect.bisect_left(ends, view.stop)
        if number < len(segments) and _is_further(view, segments[number]):
            start = view.start + storage.offset - segments[number].offset
            strides = None if view.contiguous else _normal(view)
            tensor = TensorView(view.name, view.shape, strides, start, view.size)
            if tensor.fits(segments[number]):
                further.setdefault(number, []).append(tensor)
    for number, views_ in further.items():
        segments[number] = segments[number]._replace(views=tuple(views_[:MAX_VIEWS]))
    return segments


def _normal(view: View) -> tuple[int, ...]:
    """Return the strides of a tensor, 1 in a dimension of one element, where it has no meaning."""
    return tuple(stride if count > 1 else 1 for count, stride in zip(view.shape, view.strides, strict=True))


def _is_further(view: View, segment: Segment) -> bool:
    """Return whether a tensor has a name and the dtype of a segment, and is not the one that the segment has itself."""
    is_own = segment.shape is not None and (segment.name, segment.shape) == (view.name, view.shape)
    return bool(view.name) and view.size > 0 and view.dtype == segment.dtype and not is_own


def _tiles(storage: Segment, viewed: Sequence[View]) -> list[Segment]:
    by_range: dict[tuple[int, int], View] = {}
    for view in viewed:
        _check(storage, view)
        if view.stop > view.start or not storage.size:
            by_range.setdefault((view.start, view.stop), view)
    whole = by_range.get((0, storage.size))
    chosen = [whole] if whole else [by_range[range_] for range_ in sorted(by_range)]
    if not chosen:
        return [storage]
    if not _is_tiled(chosen, storage.size):
        return [storage._replace(name=viewed[0].name, dtype=viewed[0].storage or viewed[0].dtype)]
    return [Segment(storage.offset + view.start, view.size, view.name, view.dtype, view.shape) for view in chosen]


def _is_tiled(chosen: Sequence[View], size: int) -> bool:
    """Return whether sorted views are contiguous, adjacent, and together of `size` bytes."""
    ends = [0, *(view.stop for view in chosen)]
    starts = [*(view.start for view in chosen), size]
    return starts == ends and all(view.contiguous for view in chosen)


def _check(storage: Segment, view: View) -> None:
    if view.storage in WIDTHS and view.length * WIDTHS[view.storage] != storage.size:
        raise HeaderError(f"the storage of {view.name or 'a tensor'} does not have the size in its pickle")
    if view.stop > storage.size:
        raise HeaderError(f"{view.name or 'a tensor'} is outside its storage")
