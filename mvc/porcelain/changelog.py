"""`mvc changelog`: what changed from one version to another, and the versions between: notes for a release."""

from __future__ import annotations

from typing import Literal

from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.document import Document, keys, rows
from mvc.model.ids import VersionId
from mvc.model.version import Version
from mvc.porcelain.diff import Diff, diff, sides
from mvc.repository import history, refnames
from mvc.repository.model import Model


@dataclass(frozen=True, slots=True)
class ChangelogVersion(Document):
    """A version of a changelog, with its branches, tags and aliases as (kind, name)."""

    KEYS = keys(
        "id number=version.number author=version.author time=version.time message=version.message",
        {"names": rows("names", "kind=0 name=1")},
    )

    id: VersionId
    version: Version
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True, repr=False, slots=True)
class Changelog(Result):
    """The difference of two versions, and the versions reachable from the new one only, newest first."""

    KEYS = keys("*diff versions")

    diff: Diff
    versions: tuple[ChangelogVersion, ...]

    def summary(self) -> str:
        """Return what matters most, in one line."""
        return f"{self.diff.summary()} ({len(self.versions)} version{'s' * (len(self.versions) != 1)})"


def changelog(model: Model, text: str, *, tensors: Literal["headers"] | None = None) -> Changelog:
    """Return the changelog of the range `A..B`, `A...B` or `A`, which ends at HEAD. Raises as resolving does, Damaged."""
    return between(model, *sides(model, text if ".." in text else f"{text}..HEAD"), tensors=tensors)


def between(
    model: Model, old: VersionId | None, new: VersionId, *, tensors: Literal["headers"] | None = None
) -> Changelog:
    """Return the changelog of two versions; None for no version. Raises Damaged."""
    names = refnames.decorations(model).names
    walked = history.walk(model.repository.objects, (new,), exclude=() if old is None else (old,))
    versions = tuple(ChangelogVersion(id_, version, tuple(names.get(id_, ()))) for id_, version in walked)
    return Changelog(diff(model, old, new, tensors=tensors, context=None), versions)
