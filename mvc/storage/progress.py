"""Progress of long work, in bytes."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Counts the bytes of long work, stage by stage: the total of a stage, then the bytes done since."""

    def expect(self, total: int, label: str = "") -> None:
        """Begin a stage that will take `total` bytes, called `label` where the last one's label does not fit."""

    def __call__(self, count: int) -> None:
        """Count `count` more bytes as done."""
