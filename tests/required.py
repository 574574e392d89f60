"""The features that a store requires of its readers, and those that its packs need."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from mvc.storage.chunks import encodings
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.packformat import Entry


def required(root: Path) -> set[str]:
    """The features that the store in `root` requires."""
    return set(tomllib.loads((root / ".mvc" / "config.toml").read_text(encoding="utf-8"))["requires"])


def encodings_of(store: Path) -> dict[str, set[int]]:
    """The encodings of the chunks in each pack of a store or a folder remote."""
    return {name: {entry.encoding for entry in entries} for name, entries in _packs(store)}


def entries_of(store: Path) -> list[Entry]:
    """The entries of all packs of a store or a folder remote."""
    return [entry for _, entries in _packs(store) for entry in entries]


def _packs(store: Path) -> Iterator[tuple[str, list[Entry]]]:
    door = StoreDoor(store)
    for path in sorted(store.glob("packs/*/*.pack")):
        name = path.relative_to(store).as_posix()
        yield name, packformat.read_index(PackFile(door, name))


def stored(root: Path) -> set[int]:
    """The encodings of the chunks in the store in `root`."""
    return set().union(*encodings_of(root / ".mvc").values())


def needed(root: Path) -> set[str]:
    """The features that readers of the packs in `root` need."""
    return {feature for encoding in stored(root) for feature in encodings.features(encoding)}
