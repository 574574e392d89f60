"""Weight drift: how far numbers moved, as sums that add up from pieces to tensors and modules."""

from __future__ import annotations

import math

from mvc.deferred import dataclass
from mvc.model.document import Document, keys


@dataclass(frozen=True, slots=True)
class Drift(Document):
    """Sums over `elements` pairs of an old and a new number: `equal` pairs, and new `nan` and `infinite` numbers.

    `change` is the sum of squared differences, `norm` that of squared old numbers, `largest` the largest absolute
    difference; these three cover pairs of finite numbers only.
    """

    KEYS = keys(
        "elements relative_l2=relative largest=finite_largest share_equal nan_introduced=nan",
        "infinity_introduced=infinite",
    )

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
        """The L2 norm of the differences divided by that of the old numbers; None if that is zero or overflows."""
        ratio = math.sqrt(self.change / self.norm) if self.norm else math.nan
        return ratio if math.isfinite(ratio) else None

    @property
    def share_equal(self) -> float:
        """The share of equal numbers, 0 to 1; 1 if there are none."""
        return self.equal / self.elements if self.elements else 1.0

    @property
    def finite_largest(self) -> float | None:
        """The largest change; None if it is not finite."""
        return self.largest if math.isfinite(self.largest) else None
