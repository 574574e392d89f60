"""The numbers of versions: `v7`, or `v7 on side` for a version that `v7` alone does not name here.

A number counts the versions of a branch, so v7 is another version on each branch, and a revision `v7` is that of HEAD.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc.cli.app.terminal import escape
from mvc.model.ids import VersionId
from mvc.repository.model import Model
from mvc.repository.query.branches import elsewhere


class Numbers:
    """The numbers of some versions of a model."""

    def __init__(self, model: Model, ids: Iterable[VersionId | None]) -> None:
        """Find the branches that have them."""
        self._branches = elsewhere(model, [id_ for id_ in ids if id_ is not None])

    def of(self, id_: VersionId | None, number: int) -> str:
        """Return the number of a version, with its branch if needed."""
        return numbered(number, self._branches.get(id_) if id_ is not None else None)


def numbered(number: int, branch: str | None) -> str:
    """Return `v3`; with the branch of a version that is not in the history of HEAD, `v3 on side`."""
    return f"v{number} on {escape(branch)}" if branch is not None else f"v{number}"
