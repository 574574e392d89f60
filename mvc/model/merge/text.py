"""The model.toml of a merge: ours, with its comments, changed where the merged values differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mvc import errors
from mvc.model.manifest import Manifest
from mvc.model.merge.values import same
from mvc.model.toml import edit, parse
from mvc.model.toml.schema import Path


def rewrite(text: str, old: Manifest, new: Manifest) -> str:
    """`text`, which says `old`, so that it says `new`; written anew when it cannot be changed in place."""
    gone, come = _changes(old.to_toml(), new.to_toml())
    try:
        for key in gone:
            text = edit.unset_key(text, key)
        return edit.set_keys(text, come)
    except (errors.CannotEdit, errors.NoValue):
        return parse.render(new).decode()


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Path], list[tuple[Path, Any]]]:
    found = list(_differences((), old, new))
    return [key for key, value in found if value is None], [(key, value) for key, value in found if value is not None]


def _differences(above: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The keys that differ, with what they are to hold; None for nothing."""
    for name in {**old, **new}:
        key, before, after = (*above, name), old.get(name), new.get(name)
        tables = isinstance(before, Mapping) and isinstance(after, Mapping)
        if tables or (before is None and not above and isinstance(after, Mapping)):
            yield from _differences(key, before or {}, after or {})
        elif not same(before, after):
            yield key, after
