"""What long work tells whoever waits for it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told the bytes that the work will take before it begins, then, again and again, those done since."""

    def expect(self, total: int) -> None:
        """The work will take `total` bytes."""

    def __call__(self, count: int) -> None:
        """`count` more bytes are done."""
