"""Long lists for people: the first lines, how many follow, and what lists all.

A  runs  data/00001.txt
…
… 2,981 more (`mvc status -v` lists all)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

LISTED = 20
"""Lines of a list that are shown."""


def capped(lines: Iterable[str], whole: str | None) -> Iterator[str]:
    """Yield the first lines of a list, and how many follow; `whole` is the command that lists all, None lists them here."""
    every: Sequence[str] = list(lines)
    shown = len(every) if whole is None or len(every) <= LISTED + 1 else LISTED
    yield from itertools.islice(every, shown)
    if shown < len(every):
        yield f"… {len(every) - shown:,} more (`{whole}` lists all)"
