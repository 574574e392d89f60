"""Diffs of two versions: one typed value for display, for `--json` and for `log --stat`.

labelmap    by class (compare/labels)
about, parameters, metrics, docker, source, intent, tracked    by key: old and new value
files       by path and role (compare/files)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any, NamedTuple

from mvc.deferred import dataclass
from mvc.model import canonical
from mvc.model.compare import labels as compare_labels
from mvc.model.compare.files import FileChange, compare_trees
from mvc.model.compare.labels import LabelDiff
from mvc.model.document import Document, keys
from mvc.model.ids import FileId
from mvc.model.manifest import Manifest
from mvc.model.roles import shared
from mvc.model.toml import value_file
from mvc.model.toml.schema import dotted
from mvc.model.tree import Tree, TreeEntry

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
"""The sections compared by key: their names in a diff, and in a manifest."""


@dataclass(frozen=True)
class Snapshot:
    """The manifest and tree of a version, or of the working tree."""

    manifest: Manifest
    tree: Tree


@dataclass(frozen=True, slots=True)
class Change(Document):
    """The old and new value of a key; None where it is not set."""

    key: str
    old: Any
    new: Any


class _Auto(NamedTuple):
    """A docker digest to be resolved: the value asked for, and the resolved one."""

    asked: str
    resolved: str | None


@dataclass(frozen=True)
class VersionDiff(Document):
    """The differences of two versions; `values` has the sections with changes only."""

    KEYS = keys("labelmap *values files")
    OPTIONAL = ("labelmap", "files")

    labelmap: LabelDiff = field(default_factory=LabelDiff)
    values: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    files: tuple[FileChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if nothing changed."""
        return self.labelmap.is_empty and not self.values and not self.files

    @property
    def breaking(self) -> bool:
        """True if consumers that know classes by number would misread them."""
        return self.labelmap.breaking

    @cached_property
    def new_bytes(self) -> int | None:
        """The bytes that the files added to the store, equal files counted once; None if not counted."""
        changes = [change for change in self.files if change.new is not None]
        counted = {change.entry.file: change.new_bytes for change in changes if change.new_bytes is not None}
        return sum(counted.values()) if all(change.new_bytes is not None for change in changes) else None

    def section(self, name: str) -> tuple[Change, ...]:
        """Return the changes of one section (`parameters`)."""
        return self.values.get(name, ())


def compare(old: Snapshot | None, new: Snapshot, *, new_bytes: Mapping[FileId, int] | None = None) -> VersionDiff:
    """Compare two snapshots; against None, everything in `new` is added.

    `new_bytes` maps each file that was added to the store to the bytes this took.
    """
    before = old.manifest if old else None
    values = {}
    for name, section in SECTIONS.items():
        changes = tuple(_changes(_flat(before, section), _flat(new.manifest, section)))
        if changes:
            values[name] = changes
    labels = compare_labels.compare(before.labelmap if before else (), new.manifest.labelmap)
    return VersionDiff(labels, values, compare_trees(old.tree if old else None, _with_roles(old, new), new_bytes))


def _with_roles(old: Snapshot | None, new: Snapshot) -> Tree:
    """Return the new tree with the old role of each file that still has it, or that had the new one before.

    A file that gains or loses one of several roles is not renamed; `tracked` has the change.
    """
    if old is None:
        return new.tree
    many = shared(old.manifest), shared(new.manifest)
    if not any(many):
        return new.tree
    before = old.tree.by_path

    def entry_of(entry: TreeEntry) -> TreeEntry:
        known = before.get(entry.path)
        if known is None or known.role == entry.role:
            return entry
        is_same = known.role in many[1].get(entry.path, ()) or entry.role in many[0].get(entry.path, ())
        return entry._replace(role=known.role) if is_same else entry

    return Tree(tuple(map(entry_of, new.tree.entries)), new.tree.ext)


def _changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Yield the keys that differ: those of the old side in order, then new ones."""
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        if not _same(before, after):
            yield Change(key, _plain(before), _plain(after))


def _same(old: Any, new: Any) -> bool:
    """Return whether two values have the same bytes; an unresolved `auto` equals any resolved one."""
    if isinstance(old, _Auto) and isinstance(new, _Auto):
        return old == new or old.resolved is None or new.resolved is None
    if type(old) is str and type(new) is str:
        return old == new
    return canonical.encode(old) == canonical.encode(new)


def _plain(value: Any) -> Any:
    if not isinstance(value, _Auto):
        return value
    return f"{value.asked} ({value.resolved})" if value.resolved else value.asked


def _flat(manifest: Manifest | None, section: str) -> dict[str, Any]:
    """Return a section's values by dotted key; datasets by alias, if all have one."""
    if manifest is None:
        return {}
    values = dict(getattr(manifest, section))
    if section == "source" and "datasets" in values:
        values["datasets"] = _by_alias(values["datasets"])
    if isinstance(values.get("digest"), dict) and section == "docker":
        values["digest"] = _Auto(**values["digest"])
    if section == "files":
        return {**dict(_leaves(values, ())), **_value_files(manifest)}
    return dict(_leaves(values, ()))


def _value_files(manifest: Manifest) -> dict[str, str]:
    """Return the files that values come from, by their keys in model.toml."""
    files = {dotted((value_file.KEY, section)): str(file) for section, file in manifest.value_files.items()}
    if manifest.labelmap_path is None or value_file.LABELMAP in manifest.value_files:
        return files
    return {**files, "labelmap.path": manifest.labelmap_path}


def _by_alias(datasets: list[dict[str, Any]]) -> Any:
    aliases = [dataset.get("alias") or dataset.get("name") for dataset in datasets]
    if None in aliases or len(set(aliases)) != len(aliases):
        return {str(number): dataset for number, dataset in enumerate(datasets)}
    return dict(zip(aliases, datasets, strict=True))


def _leaves(values: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        key = (*above, name)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, key)
        else:
            yield dotted(key), value
