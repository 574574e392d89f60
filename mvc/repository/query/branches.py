"""Branches of versions whose number alone does not name them.

main   v1 ── v2 ── v3          on main, v3 is the version of main; v3 of side is "v3 on side"
side          └─── v3
"""

from __future__ import annotations

from collections.abc import Collection

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

    History is read from `versions`, objects by default.
    """
    versions = versions or model.repository.objects
    refs = [ref for ref in model.refs() if ref.kind == HEADS] + [
        ref for ref in model.refs() if ref.kind.startswith("remotes/") and ref.kind.endswith(f"/{HEADS}")
    ]
    current = model.current
    tips = {ref: model.repository.refs.target(ref) for ref in refs}
    branches: dict[VersionId, str] = {}
    if set(tips.values()) <= {current, None}:
        return branches
    passed: set[VersionId] = set()
    missing = _pass(versions, current, set(ids), passed)
    for ref, tip in tips.items():
        if not missing:
            break
        name = ref.name if ref.kind == HEADS else f"{ref.kind.split('/')[1]}/{ref.name}"
        left = _pass(versions, tip, missing, passed)
        branches |= dict.fromkeys(missing - left, name)
        missing = left
    return branches


def _pass(
    versions: Versions[VersionFields], tip: VersionId | None, missing: set[VersionId], passed: set[VersionId]
) -> set[VersionId]:
    """Return `missing` without the versions on the first-parent history of `tip`, until one that was `passed`."""
    left = set(missing)
    while tip is not None and tip not in passed and left:
        passed.add(tip)
        left.discard(tip)
        tip = history.first_parent(versions, versions.version(tip)) if left else None
    return left
