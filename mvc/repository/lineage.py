"""Lineage: the version that `model.parent` names, and the children of a version, over all models.

base-yolo   v1 ──── v2                  v2 is a child of v1, through its `parents`
            ▲
helmet      v1  model.parent =          so is v1 of helmet, through `model.parent`
                "base-yolo@v1"

A text is resolved when it is read: `base-yolo@main` is the version where that branch is now.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import DIGITS, VersionId
from mvc.model.manifest import Manifest
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.repository.parts import MAIN
from mvc.repository.repository import Repository
from mvc.storage.records.reflog import HEADS

if TYPE_CHECKING:
    from mvc.repository.query import cached
else:
    cached = lazy.Module("mvc.repository.query.cached")

PARENTS, MODEL_PARENT = "parents", "model.parent"
"""The keys that name what a version was made from."""


@dataclass(frozen=True, slots=True)
class ModelParent(Document):
    """The text of a `model.parent` and the id that it names; `known` is False if the repository has no such version.

    The id of an unknown version is None, unless the text has all of it.
    """

    KEYS = keys("text id known")

    text: str
    id: VersionId | None
    known: bool


class Child(NamedTuple):
    """A version made from another one; `through` is the key that names that one: `parents` or `model.parent`."""

    model: str
    id: VersionId
    number: int
    through: str


class Lineage:
    """The lineage of the versions of a repository, as its refs are now; each text and each version is read once."""

    def __init__(self, repository: Repository) -> None:
        """Read nothing yet."""
        self._repository = repository
        self._resolved: dict[tuple[str, str], ModelParent] = {}
        self._lines: dict[str, dict[int, VersionId]] = {}

    def model_parent(self, model: str, manifest: Manifest) -> ModelParent | None:
        """Return the text and the id of the `model.parent` of a version of `model`; None if it is not set."""
        text = manifest.model.get("parent")
        return self.named(model, str(text)) if text else None

    def named(self, model: str, text: str) -> ModelParent:
        """Return the version that `text` names, as the `model.parent` of a version of `model`."""
        found = self._resolved.get((model, text))
        if found is None:
            id_ = self._numbered(text) or resolve(Model(self._repository, model), text)
            known, last = id_ is not None, text.rpartition("@")[2]
            if not known and len(last) == DIGITS and revisions.is_hex(last):
                id_ = VersionId(last)
            found = self._resolved[model, text] = ModelParent(text, id_, known)
        return found

    def children(self, id_: VersionId) -> tuple[Child, ...]:
        """Return the children of a version in all models, by model and number. Raises Missing, Damaged."""
        return tuple(self._children.get(id_, ()))

    @cached_property
    def _children(self) -> dict[VersionId, list[Child]]:
        found: dict[VersionId, list[Child]] = {}
        for model in self._repository.heads.models():
            for parent, child in self._links(Model(self._repository, model)):
                found.setdefault(parent, []).append(child)
        return {id_: sorted(children) for id_, children in found.items()}

    def _links(self, model: Model) -> Iterator[tuple[VersionId, Child]]:
        """Yield each version that another one of `model` was made from, with that one."""
        source = cached.CachedHistory(model)
        for id_, version in history.walk(source, history.tips(model)):
            for parent in version.parents:
                yield parent, Child(model.key, id_, version.number, PARENTS)
            text = source.values(version, "model").get("parent")
            named = self.named(model.key, str(text)).id if text else None
            if named is not None and named != id_:
                yield named, Child(model.key, id_, version.number, MODEL_PARENT)
        source.save()

    def _numbered(self, text: str) -> VersionId | None:
        """Return the version of `MODEL@v7` if main has it, without reading main again for each number."""
        model, _, revision = text.partition("@")
        number = revisions.number_of(revision)
        if number is None or self._repository.heads.get(model) is None:
            return None
        if model not in self._lines:
            tip = Model(self._repository, model).target(HEADS, MAIN)
            versions = history.line(self._repository.objects, tip)
            self._lines[model] = {version.number: id_ for id_, version in versions}
        return self._lines[model].get(number)


def resolve(model: Model, text: str) -> VersionId | None:
    """Return the version that a `model.parent` names, seen from `model`; None if this repository has none."""
    try:
        return revisions.resolve(model, text)
    except errors.MvcError:
        return None
