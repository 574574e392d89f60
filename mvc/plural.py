"""Numbers with the noun that agrees with them, sizes, and the first names of a list."""

from __future__ import annotations

from collections.abc import Sequence

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def count(number: int, one: str, many: str | None = None) -> str:
    """Return `1 file`, `3 files`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def size(count: int) -> str:
    """Return a number of bytes as `92.1 MiB`."""
    value, unit = float(count), "B"
    for unit_above in _UNITS:
        if value < 1024:
            break
        value, unit = value / 1024, unit_above
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def first(names: Sequence[str], most: int) -> str:
    """Return `a, b and 3 more`: at most so many names."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
