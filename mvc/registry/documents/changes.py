"""The changes that a model card lists: since the nearest tagged ancestor, else since the first parent."""

from __future__ import annotations

from mvc.deferred import dataclass
from mvc.model.compare import diff
from mvc.model.compare.diff import VersionDiff
from mvc.model.ids import VersionId
from mvc.repository import history, refnames
from mvc.repository.model import Model
from mvc.storage.records.reflog import TAGS


@dataclass(frozen=True, slots=True)
class Since:
    """The changes since another version, which `label` names: `v5 (2026.1)`."""

    label: str
    difference: VersionDiff


def since(model: Model, id_: VersionId) -> Since | None:
    """Return the changes of a version since an earlier one on its line; None for the first version. Raises Damaged."""
    objects = model.repository.objects
    named = refnames.decorations(model).names
    parent = history.first_parent(objects, objects.version(id_))
    if parent is None or not objects.has(parent):
        return None
    before, tags = parent, ""
    for ancestor, _ in history.line(objects, parent):
        tags = ", ".join(name for kind, name in named.get(ancestor, ()) if kind == refnames.KINDS[TAGS])
        if tags:
            before = ancestor
            break
    number = objects.version(before).number
    old, new = (history.snapshot(model.repository, version) for version in (before, id_))
    return Since(f"v{number} ({tags})" if tags else f"v{number}", diff.compare(old, new))
