from __future__ import annotations

from mvc.model.segment import Segment
from mvc.model.tensor_count import TensorCount, count


def test_tensors_and_their_numbers_are_counted() -> None:
    segments = [
        Segment(0, 8, "steps", "I64", ()),
        Segment(8, 24, "weight", "F32", (2, 3)),
        Segment(32, 6, "storage", "F16"),
        Segment(38, 144, "blocks", "Q4_K", (256,)),
        Segment(182, 100),
    ]
    assert count(segments) == TensorCount(5, 1 + 6 + 3 + 256, ("Q4_K", "F32", "F16", "I64"))
    assert count([]) is None
