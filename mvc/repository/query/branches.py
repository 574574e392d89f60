"""Branches of versions whose number alone does not name them.

main   v1 ── v2 ── v3          on main, v3 is the version of main; v3 of side is "v3 on side"
side          └─── v3
"""

from __future__ import annotations

from collections.abc import Collection

from mvc.model.ids import VersionId
from mvc.repository import history
from mvc.repository.model import Model
from mvc.storage.records.reflog import HEADS


def elsewhere(model: Model, ids: Collection[VersionId]) -> dict[VersionId, str]:
    """Return a branch for each of `ids` that is not in the first-parent history of HEAD, if a branch has it there."""
    passed: set[VersionId] = set()
    missing = _pass(model, model.current, set(ids), passed)
    branches: dict[VersionId, str] = {}
    refs = [ref for ref in model.refs() if ref.kind == HEADS] + [
        ref for ref in model.refs() if ref.kind.startswith("remotes/") and ref.kind.endswith(f"/{HEADS}")
    ]
    for ref in refs:
        if not missing:
            break
        name = ref.name if ref.kind == HEADS else f"{ref.kind.split('/')[1]}/{ref.name}"
        left = _pass(model, model.repository.refs.target(ref), missing, passed)
        branches |= dict.fromkeys(missing - left, name)
        missing = left
    return branches


def _pass(model: Model, tip: VersionId | None, missing: set[VersionId], passed: set[VersionId]) -> set[VersionId]:
    """Return `missing` without the versions on the first-parent history of `tip`, until one that was `passed`."""
    left = set(missing)
    if not left:
        return left
    for id_, _ in history.line(model.repository.objects, tip):
        if id_ in passed or not left:
            break
        passed.add(id_)
        left.discard(id_)
    return left
