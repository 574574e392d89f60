"""Storages: the bytes of PyTorch's tensors, each as the tensors that view it.

    storage 3 ─ 0 … 64 of "norm.weight" │ 64 … 128 of "norm.bias"   ─►  two segments
    storage 4 ─ 0 … 64 of "a", 32 … 96 of "b"                       ─►  one segment, named for the first

Archives and older files locate storages differently, and their pickles view them in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mvc.formats import tensor_tree
from mvc.formats.header import MAX_TEXT
from mvc.formats.source import MAX_SEGMENTS, HeaderError
from mvc.formats.tensor_tree import View
from mvc.model.segment import WIDTHS, Segment

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

    Raises HeaderError if a tensor is outside the storage.
    """
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
        return [storage._replace(name=viewed[0].name, dtype=viewed[0].storage)]
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
