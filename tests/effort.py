"""How much work something is, counted in calls instead of timed: a busy machine counts the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

HANG = 60.0
"""Seconds of processor time that nothing in a test takes, on any machine: what takes longer has no end in sight."""


def calls(act: Callable[[], object]) -> int:
    """How many functions, of Python or of C, `act` calls in this thread."""
    count = 0

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count
