"""Branches for published versions that a hub has beside its own line of versions.

mvc:  v1 ─ v2 ─ v3 (main)        the hub:  v1, v2, v4, v3       import:  main ─► v3, v4-9571b3c0cddb ─► v4
        └─ v4 (night)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mvc.registry import published
from mvc.repository.imports.source import Step


def side_branches(steps: Sequence[Step], tips: Iterable[str]) -> dict[str, str]:
    """Return a branch for each published version that no tip reaches: the Hub has side branches of mvc in one line."""
    by_id = {step.objects.version.id(): step for step in steps if step.objects is not None}
    by_key = {step.key: step for step in steps}

    def parents(step: Step) -> Iterator[Step]:
        ids = step.objects.version.parents if step.objects is not None else ()
        yield from (by_id[id_] for id_ in ids if id_ in by_id)
        yield from (by_key[key] for key in step.parents if step.objects is None and key in by_key)

    waiting, reached = [by_key[key] for key in tips], set[str]()
    branches: dict[str, str] = {}
    for start in (None, *reversed(steps)):  # children come after their parents
        if start is not None and start.objects is not None and start.key not in reached:
            branches[published.version_name(start.objects.version.number, start.objects.version.id())] = start.key
            waiting.append(start)
        while waiting:
            step = waiting.pop()
            if step.key not in reached:
                reached.add(step.key)
                waiting += parents(step)
    return branches
