"""What a file holds in tensors, in three figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mvc.model.segment import WIDTHS, Segment


@dataclass(frozen=True, slots=True)
class TensorCount:
    """How many tensors, how many numbers in them as far as that is known, and their dtypes, the most frequent number first."""

    tensors: int
    parameters: int
    dtypes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"tensors": self.tensors, "parameters": self.parameters, "dtypes": list(self.dtypes)}


def count(segments: Iterable[Segment]) -> TensorCount | None:
    """What these segments are together; None where there are none."""
    numbers: Counter[str] = Counter()
    tensors = 0
    for segment in segments:
        tensors += 1
        numbers[segment.dtype] += _elements(segment)
    if not tensors:
        return None
    return TensorCount(tensors, numbers.total(), tuple(dtype for dtype, _ in numbers.most_common() if dtype))


def _elements(segment: Segment) -> int:
    if segment.elements is not None:
        return segment.elements
    return segment.size // segment.width if segment.dtype in WIDTHS else 0
