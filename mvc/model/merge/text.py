"""The model.toml of a merge: our text with its comments, edited where merged values differ; of a rebase, both texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mvc import errors
from mvc.model.manifest import Manifest
from mvc.model.merge.lines import merge_lines
from mvc.model.merge.values import same
from mvc.model.toml import edit, parse
from mvc.model.toml.schema import Path

Side = tuple[str, Manifest]
"""A model.toml, and its values."""


def combine(base: Side, ours: Side, theirs: Side, new: Manifest) -> str:
    """Return a model.toml with the values `new` and the comments of both sides; with ours if they touch the same lines."""
    old, current, changed = (rewrite(text, values, new) for text, values in (base, ours, theirs))
    both = merge_lines(old, current, changed)
    return both if both is not None and _holds(both, new) else current


def _holds(text: str, values: Manifest) -> bool:
    try:
        return same(parse.parse(text.encode(), where="model.toml").to_toml(), values.to_toml())
    except errors.MvcError:
        return False


def rewrite(text: str, old: Manifest, new: Manifest) -> str:
    """Edit `text`, whose values are `old`, to hold the values `new`; render a new text if it cannot be edited in place."""
    unset, assignments = _changes(old.to_toml(), new.to_toml())
    try:
        for key in unset:
            text = edit.unset_key(text, key)
        return edit.set_keys(text, assignments)
    except (errors.CannotEdit, errors.NoValue):
        return parse.render(new).decode()


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Path], list[tuple[Path, Any]]]:
    changes = list(_differences((), old, new))
    unset = [key for key, value in changes if value is None]
    return unset, [(key, value) for key, value in changes if value is not None]


def _differences(above: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yield the keys that differ, with the new value; None if the key is to be unset."""
    for name in {**old, **new}:
        key, before, after = (*above, name), old.get(name), new.get(name)
        are_tables = isinstance(before, Mapping) and isinstance(after, Mapping)
        if are_tables or (before is None and not above and isinstance(after, Mapping)):
            yield from _differences(key, before or {}, after or {})
        elif not same(before, after):
            yield key, after
