"""Properties of a file: texts by key, bounded in number and size."""

from __future__ import annotations

from mvc.formats.source import HeaderError

MAX_KEY = 1_024
"""Bytes of a name, at most; a longer one is left out."""
MAX_VALUE = 4 << 20
"""Bytes of a value, at most; a longer one is left out."""
_MAX_COUNT = 4_096
_MAX_TOTAL = 8 << 20


class Properties:
    """The properties of one file so far."""

    def __init__(self) -> None:
        """Start with none."""
        self.values: dict[str, str] = {}
        self._total = 0

    def add(self, key: str, value: str) -> None:
        """Set a property; an empty key is left out. Raises HeaderError if they are too many."""
        if not key:
            return
        self._total += len(key) + len(value)
        if len(self.values) >= _MAX_COUNT or self._total > _MAX_TOTAL:
            raise HeaderError(f"its metadata has more than {_MAX_COUNT} properties or {_MAX_TOTAL >> 20} MiB")
        self.values[key] = value
