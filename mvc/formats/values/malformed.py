"""The fault of a value file, without its name: the caller knows what the file is for."""

from __future__ import annotations


class MalformedError(ValueError):
    """A text that is refused: `reason` is a clause about "it"."""

    def __init__(self, reason: str) -> None:
        """Store the reason."""
        self.reason = reason
        super().__init__(reason)
