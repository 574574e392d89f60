"""Differences of metrics."""

from __future__ import annotations

from decimal import Decimal


def moved(old: float, new: float) -> Decimal:
    """Return the difference of two numbers as they are written: from 0.71 to 0.7 it is -0.01, and not -0.010000000000000009."""
    return Decimal(repr(new)) - Decimal(repr(old))
