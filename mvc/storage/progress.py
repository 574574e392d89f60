"""Progress of long work, in bytes."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A counter of bytes, stage by stage: the total of a stage, then the bytes done."""

    def expect(self, total: int, label: str = "") -> None:
        """Start a stage of `total` bytes, with a new `label` if the previous one does not fit."""

    def __call__(self, count: int) -> None:
        """Count `count` more bytes as done."""
