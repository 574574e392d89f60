"""How far numbers moved, as sums: those of the pieces of a tensor add up to its own, those of tensors to a module's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Drift:
    """Of `elements` pairs of an old and a new number: `equal` are equal, and `nan` and `infinite` became that anew.

    `change` is the sum of the squares of the differences, `norm` that of the old numbers, `largest` the largest absolute
    difference; in all three only pairs of finite numbers count.
    """

    elements: int = 0
    equal: int = 0
    change: float = 0.0
    norm: float = 0.0
    largest: float = 0.0
    nan: int = 0
    infinite: int = 0

    def __add__(self, other: Drift) -> Drift:
        return Drift(
            self.elements + other.elements,
            self.equal + other.equal,
            self.change + other.change,
            self.norm + other.norm,
            max(self.largest, other.largest),
            self.nan + other.nan,
            self.infinite + other.infinite,
        )

    @property
    def relative(self) -> float | None:
        """The L2 norm of the differences by that of the old numbers; None where that is zero or too large to say."""
        found = math.sqrt(self.change / self.norm) if self.norm else math.nan
        return found if math.isfinite(found) else None

    @property
    def share_equal(self) -> float:
        """The part of the numbers that are equal, 0 to 1; 1 where there are none."""
        return self.equal / self.elements if self.elements else 1.0

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "elements": self.elements,
            "relative_l2": self.relative,
            "largest": self.largest if math.isfinite(self.largest) else None,
            "share_equal": self.share_equal,
            "nan_introduced": self.nan,
            "infinity_introduced": self.infinite,
        }
