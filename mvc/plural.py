"""Numbers with the noun that agrees with them, and the first names of a list."""

from __future__ import annotations

from collections.abc import Sequence


def count(number: int, one: str, many: str | None = None) -> str:
    """Return `1 file`, `3 files`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def first(names: Sequence[str], most: int) -> str:
    """Return `a, b and 3 more`: at most so many names."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
