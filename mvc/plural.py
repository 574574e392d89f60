"""Numbers with the noun that agrees with them."""

from __future__ import annotations


def count(number: int, one: str, many: str | None = None) -> str:
    """Return `1 file`, `3 files`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
