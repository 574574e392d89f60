"""Branches of versions whose number alone does not name them.

main   v1 ── v2 ── v3          on main, v3 is the version of main; v3 of side is "v3 on side"
side          └─── v3
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import VersionFields
from mvc.repository import history
from mvc.repository.history import Versions
from mvc.repository.model import Model
from mvc.storage.records.reflog import HEADS


def elsewhere(
    model: Model, ids: Collection[VersionId], versions: Versions[VersionFields] | None = None
) -> dict[VersionId, str]:
    """Return a branch for each of `ids` that is not in the first-parent history of HEAD, if a branch has it there.

    History is read from `versions`, objects by default. Raises Missing, Damaged for one of `ids`.
    """
    source = versions or model.repository.objects
    if set(ids) <= {model.current}:  # its number is that of HEAD, whatever other branches have
        return {}
    branches = Branches(model, source)
    if branches.are_one:
        return {}
    found = {id_: branches.of(id_, source.version(id_).number) for id_ in ids}
    return {id_: branch for id_, branch in found.items() if branch is not None}


class Branches:
    """The first-parent histories of HEAD and of each branch, read only as far back as is asked for."""

    def __init__(self, model: Model, versions: Versions[VersionFields] | None = None) -> None:
        """Read the tips; history is read from `versions`, objects by default."""
        versions = versions or model.repository.objects
        kinds = model.repository.refs.kinds(model.key)
        remote = [kind for kind in kinds if kind.startswith("remotes/") and kind.endswith(f"/{HEADS}")]
        tips = model.targets(HEADS, *remote)
        self.are_one = set(tips.values()) <= {model.current, None}
        """True if every branch is at HEAD's version: then each number names one version."""
        names = {ref: ref.name if ref.kind == HEADS else f"{ref.kind.split('/')[1]}/{ref.name}" for ref in tips}
        lines = [(None, model.current), *((names[ref], tip) for ref, tip in tips.items())]
        self._lines = [_Line(name, history.line(versions, tip)) for name, tip in lines]

    def of(self, id_: VersionId, number: int) -> str | None:
        """Return a branch that has the version of that number; None if HEAD has it, or none, or one is damaged."""
        if self.are_one:
            return None
        try:
            return next((line.name for at, line in enumerate(self._lines) if self._has(at, id_, number)), None)
        except (errors.Missing, errors.Damaged):
            return None

    def _has(self, at: int, id_: VersionId, number: int) -> bool:
        """Return whether a line has the version, and no line before it; a line ends where it joins one before it."""
        line = self._lines[at]
        while number < line.lowest:
            entry = next(line.rest, None)
            if entry is None or any(self._has(before, entry[0], entry[1].number) for before in range(at)):
                line.lowest = 0
            else:
                line.lowest = entry[1].number
                line.ids[line.lowest] = entry[0]
        return line.ids.get(number) == id_


class _Line:
    """One first-parent history: the ids by number that were read, down to `lowest`, and the `rest`."""

    def __init__(self, name: str | None, rest: Iterator[tuple[VersionId, VersionFields]]) -> None:
        self.name = name
        self.rest = rest
        self.ids: dict[int, VersionId] = {}
        self.lowest = sys.maxsize
