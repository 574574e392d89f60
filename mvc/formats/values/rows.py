"""The row of a log to take: the best of a column, or the last; a log has a row for each epoch.

epoch  loss  acc
1      0.9            Rows of one `epoch` that follow each other are one row, as Lightning and Transformers write
1             0.5     training and validation apart: {"epoch": 1, "loss": 0.9, "acc": 0.5}.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mvc.model.query import order

Row = Mapping[str, Any]
_EPOCH = "epoch"


def joined(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, those of one epoch as one; a later cell replaces an earlier one."""
    epochs: list[Row] = []
    for row in rows:
        epoch = row.get(_EPOCH)
        if epochs and epoch is not None and epochs[-1].get(_EPOCH) == epoch:
            epochs[-1] = {**epochs[-1], **row}
        else:
            epochs.append(row)
    return epochs


def best(rows: Sequence[Row], column: str, mode: str = "") -> Row | None:
    """Return the first row with the best number in a column; None if it has no number.

    Without a `mode` ("min" or "max"), the name decides which number is the best, as in `mvc log --sort`.
    """
    lowest = mode == "min" if mode else order.lowest_is_best(("metrics", column))
    numbered = [row for row in rows if is_finite(row.get(column))]
    return (min if lowest else max)(numbered, key=lambda row: row[column], default=None)


def is_finite(value: Any) -> bool:
    """Return whether a value is a number that a metric may be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf
