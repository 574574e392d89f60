"""The features that a store requires of its readers, and those that its packs need."""

from __future__ import annotations

import tomllib
from pathlib import Path

from mvc.storage.chunks import encodings
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFile


def required(root: Path) -> set[str]:
    """The features that the store in `root` requires."""
    return set(tomllib.loads((root / ".mvc" / "config.toml").read_text(encoding="utf-8"))["requires"])


def encodings_of(store: Path) -> dict[str, set[int]]:
    """The encodings of the chunks in each pack of a store or a folder remote."""
    door = StoreDoor(store)
    names = [path.relative_to(store).as_posix() for path in store.glob("packs/*/*.pack")]
    return {name: {entry.encoding for entry in packformat.read_index(PackFile(door, name))} for name in names}


def stored(root: Path) -> set[int]:
    """The encodings of the chunks in the store in `root`."""
    return set().union(*encodings_of(root / ".mvc").values())


def needed(root: Path) -> set[str]:
    """The features that readers of the packs in `root` need."""
    return {feature for encoding in stored(root) for feature in encodings.features(encoding)}
