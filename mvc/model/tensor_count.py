"""Tensor counts: the tensors, parameters and dtypes of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mvc.deferred import dataclass
from mvc.model.document import Document
from mvc.model.segment import WIDTHS, Segment


@dataclass(frozen=True, slots=True)
class TensorCount(Document):
    """The number of tensors and of parameters (as far as known), and the dtypes, most frequent first."""

    tensors: int
    parameters: int
    dtypes: tuple[str, ...]


def count(segments: Iterable[Segment]) -> TensorCount | None:
    """Count the tensors of segments; return None if there are none. Parameters with two names are counted once."""
    parameters: Counter[str] = Counter()
    places: set[tuple[int, int]] = set()
    tensors = 0
    for segment in segments:
        tensors += 1
        place = (segment.offset, segment.size)
        parameters[segment.dtype] += _elements(segment) if place not in places or not segment.size else 0
        places.add(place)
    if not tensors:
        return None
    return TensorCount(tensors, parameters.total(), tuple(dtype for dtype, _ in parameters.most_common() if dtype))


def _elements(segment: Segment) -> int:
    if segment.elements is not None and segment.strides is None:
        return segment.elements
    return segment.size // segment.width if segment.dtype in WIDTHS else 0
