"""Moments as Git lets them be typed: a date, or a time before now.

2026-02-03   2 weeks ago   3.days.ago   yesterday   today   now
"""

from __future__ import annotations

import re

from mvc.model.version import Timestamp

_AGO = re.compile(r"(?P<number>\d{1,6}|an?)[ .]+(?P<unit>second|minute|hour|day|week|month|year)s?[ .]+ago", re.ASCII)
_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}
_DAY = {"now": 0, "yesterday": 86_400}


def moment(text: str, now: Timestamp) -> Timestamp:
    """Return the moment that `text` names; a date without a zone is in that of `now`. Raises BadDate."""
    words = text.strip().lower()
    if words in _DAY:
        return Timestamp(now.seconds - _DAY[words], now.offset)
    if words == "today":
        start = now.local().replace(hour=0, minute=0, second=0, microsecond=0)
        return Timestamp.of(start)
    match = _AGO.fullmatch(words)
    if match is None:
        return Timestamp.parse(text, offset=now.offset)
    number = int(match["number"]) if match["number"].isdigit() else 1
    return Timestamp(max(0, now.seconds - number * _SECONDS[match["unit"]]), now.offset)
