"""What changed between two versions: one typed value for people, for machines and for `log --stat`.

labelmap    by class (labeldiff)
about, parameters, metrics, docker, source, intent, tracked    by key: old and new value
files       by path and role (treediff)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from mvc.model import canonical
from mvc.model.compare import labels as labeldiff
from mvc.model.compare.files import FileChange, compare_trees
from mvc.model.compare.labels import LabelDiff
from mvc.model.ids import FileId
from mvc.model.manifest import Manifest
from mvc.model.toml.schema import dotted
from mvc.model.tree import Tree

__all__ = ["SECTIONS", "Change", "FileChange", "LabelDiff", "Snapshot", "VersionDiff", "compare", "compare_trees"]

SECTIONS = {
    "about": "model",
    "parameters": "parameters",
    "metrics": "metrics",
    "docker": "docker",
    "source": "source",
    "intent": "intent",
    "tracked": "files",
}
"""What the sections by key are called here, and in a manifest."""


@dataclass(frozen=True)
class Snapshot:
    """All that a version holds: its manifest and its tree; of a version, or of the working tree as it stands."""

    manifest: Manifest
    tree: Tree


@dataclass(frozen=True, slots=True)
class Change:
    """One key's old and new value; None where it was not set."""

    key: str
    old: Any
    new: Any

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"key": self.key, "old": self.old, "new": self.new}


class _Auto(NamedTuple):
    """A docker digest that is looked up: as asked for, and what it resolved to."""

    asked: str
    resolved: str | None


@dataclass(frozen=True)
class VersionDiff:
    """The differences, section by section; `values` holds those sections by key that changed, and only them."""

    labelmap: LabelDiff = field(default_factory=LabelDiff)
    values: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    files: tuple[FileChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return self.labelmap.is_empty and not self.values and not self.files

    @property
    def breaking(self) -> bool:
        """Whether consumers of the classes are misled."""
        return self.labelmap.breaking

    @cached_property
    def new_bytes(self) -> int | None:
        """The bytes that the files brought to the store; None where nobody counted. Equal files count once."""
        come = [change for change in self.files if change.new is not None]
        counted = {change.entry.file: change.new_bytes for change in come if change.new_bytes is not None}
        return sum(counted.values()) if all(change.new_bytes is not None for change in come) else None

    def section(self, name: str) -> tuple[Change, ...]:
        """The changes of one section by key (`parameters`)."""
        return self.values.get(name, ())

    def to_json(self) -> dict[str, Any]:
        """For machines: only what changed."""
        record: dict[str, Any] = {}
        if not self.labelmap.is_empty:
            record["labelmap"] = self.labelmap.to_json()
        record |= {name: [change.to_json() for change in changes] for name, changes in self.values.items()}
        if self.files:
            record["files"] = [change.to_json() for change in self.files]
        return record


def compare(old: Snapshot | None, new: Snapshot, *, new_bytes: Mapping[FileId, int] | None = None) -> VersionDiff:
    """What `new` changed; against nothing (None) all of it is added.

    `new_bytes` says of each file that brought bytes to the store how many.
    """
    before = old.manifest if old else None
    values = {}
    for name, section in SECTIONS.items():
        changes = tuple(_changes(_flat(before, section), _flat(new.manifest, section)))
        if changes:
            values[name] = changes
    labels = labeldiff.compare(before.labelmap if before else (), new.manifest.labelmap)
    return VersionDiff(labels, values, compare_trees(old.tree if old else None, new.tree, new_bytes))


def _changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Keys that differ, in the order of the old side and then of the new one."""
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        if not _same(before, after):
            yield Change(key, _shown(before), _shown(after))


def _same(old: Any, new: Any) -> bool:
    """Whether two values have the same bytes; `auto` not resolved yet is what it resolved to then."""
    if isinstance(old, _Auto) and isinstance(new, _Auto):
        return old == new or old.resolved is None or new.resolved is None
    if type(old) is str and type(new) is str:
        return old == new
    return canonical.encode(old) == canonical.encode(new)


def _shown(value: Any) -> Any:
    if not isinstance(value, _Auto):
        return value
    return f"{value.asked} ({value.resolved})" if value.resolved else value.asked


def _flat(manifest: Manifest | None, section: str) -> dict[str, Any]:
    """A section's values by dotted key; datasets by their alias, for these have one."""
    if manifest is None:
        return {}
    values = dict(getattr(manifest, section))
    if section == "source" and "datasets" in values:
        values["datasets"] = _by_alias(values["datasets"])
    if isinstance(values.get("digest"), dict) and section == "docker":
        values["digest"] = _Auto(**values["digest"])
    if section == "files" and manifest.labelmap_path is not None:
        return {**dict(_leaves(values, ())), "labelmap.path": manifest.labelmap_path}
    return dict(_leaves(values, ()))


def _by_alias(datasets: list[dict[str, Any]]) -> Any:
    aliases = [each.get("alias") or each.get("name") for each in datasets]
    if None in aliases or len(set(aliases)) != len(aliases):
        return {str(number): each for number, each in enumerate(datasets)}
    return dict(zip(aliases, datasets, strict=True))


def _leaves(values: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        key = (*above, name)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, key)
        else:
            yield dotted(key), value
