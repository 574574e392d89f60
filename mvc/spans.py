"""Spans of time as people write them: `14d`, `12h`, `30m`, `0`."""

from __future__ import annotations

import re

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw]?)", re.ASCII)


def parse(text: str) -> float:
    """Return the seconds of a span; raise ValueError."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write 14d, 12h, 30m or 0")
    return float(match[1]) * _UNITS[match[2]]


def spelled(seconds: float) -> str:
    """Return a span as people write it: `12h`."""
    whole = [unit for unit, length in _UNITS.items() if unit and seconds % length == 0]
    unit = whole[-1] if seconds and whole else ""
    return f"{seconds / _UNITS[unit]:g}{unit}"
