"""The entry of a role in model.toml, set to that of another version: for a role that was moved or removed since.

v1       model-latest = "runs/exp1/best.pt"   ─┐
present  model-latest = "runs/exp3/best.pt"   ─┴►  model-latest = "runs/exp1/best.pt"
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.model.manifest import Manifest
from mvc.model.toml import keys, parse
from mvc.model.toml.schema import Path
from mvc.model.toml.value_file import KEY, LABELMAP, MERGED
from mvc.repository.worktree import model_file

if TYPE_CHECKING:
    from mvc.model.toml import edit
else:
    edit = lazy.Module("mvc.model.toml.edit")


def roles(manifest: Manifest) -> frozenset[str]:
    """Return the roles that model.toml names: those of `[files]`, of the labelmap's file, and of value files."""
    labels = [LABELMAP] if manifest.labelmap_path is not None else []
    return frozenset((*manifest.files, *labels, *manifest.value_paths))


def restored(text: str, source: Manifest, names: Collection[str]) -> tuple[str, list[Path]]:
    """Return `text` with the entries that roles have in `source`, and the keys that changed. Raises BadToml, CannotEdit."""
    values = parse.load(text.encode(), where=model_file.NAME)
    assignments = [pair for name in names for pair in _entries(source, name) if _value(values, pair[0]) != pair[1]]
    removed = [key for key, _ in assignments for key in _replaced(values, source, key)]
    for key in dict.fromkeys(removed):
        text = edit.unset_key(text, key)
    return edit.set_keys(text, assignments), [*removed, *(key for key, _ in assignments)]


def _entries(source: Manifest, role: str) -> Iterator[tuple[Path, Any]]:
    file = source.value_files.get(role)
    if role in source.files:
        yield ("files", role), source.files[role]
    elif file is not None:
        yield (KEY, role), file.to_toml()
    elif role == LABELMAP:
        yield (LABELMAP, "path"), source.labelmap_path


def _replaced(values: Mapping[str, Any], source: Manifest, key: Path) -> Iterator[Path]:
    """Yield the keys of model.toml that a file has instead."""
    if key == (LABELMAP, "path") and LABELMAP in values.get(KEY, {}):
        yield KEY, LABELMAP
    if LABELMAP in key:
        yield from ((LABELMAP, name) for name in values.get(LABELMAP, {}) if key[0] == KEY or name != key[1])
    elif key[0] == KEY and key[1] in MERGED:
        own = source.own(key[1])
        yield from (
            (key[1], name) for name in getattr(source, key[1]) if name not in own and _has(values, key[1], name)
        )


def _has(values: Mapping[str, Any], section: str, name: str) -> bool:
    return name in values.get(section, {})


def _value(values: Mapping[str, Any], key: Path) -> Any:
    try:
        return keys.get_value(values, key)
    except errors.NoValue:
        return None
