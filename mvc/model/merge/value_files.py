"""Three-way merges of sections that come from files: a file, its values and what is taken of it are from one side.

ours    results.csv a ─ {"mAP50": 0.71}   ─┐
                                           ├─ both differ from the base: a conflict of `metrics`
theirs  results.csv b ─ {"mAP50": 0.74}   ─┘

The keys that model.toml sets itself merge one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, NamedTuple

from mvc.deferred import dataclass
from mvc.model.compare.diff import Snapshot
from mvc.model.merge.files import Tracked, by_role
from mvc.model.merge.values import Conflict, Resolver, merge_values
from mvc.model.toml.value_file import MERGED, ValueFile
from mvc.model.tree import Tree

Sides = tuple[Snapshot, Snapshot, Snapshot]
"""Base, ours, theirs."""
_FILES = "its values come from files that differ"
_TWICE = "a key is in a file on one side, and in model.toml on the other"


@dataclass(frozen=True, slots=True)
class Values:
    """The merged values of the sections that have a file on any side, the files, and the keys of model.toml."""

    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, ValueFile] = field(default_factory=dict)
    own: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: dict[str, Tracked] = field(default_factory=dict)

    def resolved(self, tree: Tree, sides: Sides) -> dict[str, dict[str, Any]]:
        """Return the sections with the values of the files in `tree`: another role may have chosen a file."""
        sections = dict(self.sections)
        for section, file in self.files.items():
            entry = tree.by_path.get(file.path)
            for side in sides:
                known = side.tree.by_path.get(file.path)
                is_same = entry is not None and known is not None and entry.file == known.file
                if is_same and side.manifest.value_files.get(section) == file:
                    own = {key: self.sections[section][key] for key in self.own[section]}
                    sections[section] = {**_read(side, section), **own}
        return sections


class _Unit(NamedTuple):
    """The part that is taken whole from one side: the value files of sections, and the roles of these files."""

    files: Mapping[str, ValueFile]
    roles: Mapping[str, Tracked]


def roles(sides: Sides) -> frozenset[str]:
    """Return the roles of value files on any side."""
    paths = {path for side in sides for path in side.manifest.value_paths.values()}
    return frozenset(_roles(sides, paths)) if paths else frozenset()


def merge_sections(sides: Sides, resolver: Resolver) -> Values:
    """Merge the sections that have a file on any side."""
    merged = Values()
    for group in _groups(sides):
        _merge_group(group, sides, resolver, merged)
    return merged


def _merge_group(group: tuple[str, ...], sides: Sides, resolver: Resolver, merged: Values) -> None:
    base, ours, theirs = (_unit(side, group, sides) for side in sides)
    unit, side = ours, sides[1]
    if ours not in (base, theirs) and theirs != base:
        theirs_is_taken = _takes_theirs(group, sides, resolver, _FILES)
    else:
        theirs_is_taken = ours == base
    if theirs_is_taken:
        unit, side = theirs, sides[2]
    for section in group:
        before, mine, others = (any_side.manifest.own(section) for any_side in sides)
        own = merge_values((section,), before, mine, others, resolver) or {}
        read = _read(side, section)
        if own.keys() & read.keys():
            whole = sides[2] if _takes_theirs((section,), sides, resolver, _TWICE) else sides[1]
            unit, read, own = _unit(whole, group, sides), _read(whole, section), whole.manifest.own(section)
        merged.sections[section] = {**read, **own}
        merged.own[section] = tuple(own)
    merged.files.update(unit.files)
    merged.roles.update(unit.roles)


def _takes_theirs(group: tuple[str, ...], sides: Sides, resolver: Resolver, reason: str) -> bool:
    """Record the conflict of a group at its first section that differs; return whether it is resolved to their side."""
    values = {section: tuple(dict(getattr(side.manifest, section)) for side in sides) for section in group}
    section = next((name for name, (_, ours, theirs) in values.items() if ours != theirs), group[0])
    base, ours, theirs = values[section]
    return resolver.takes_theirs(Conflict((section,), ours, theirs, base, reason))


def _groups(sides: Sides) -> Iterator[tuple[str, ...]]:
    """Yield the sections that have a file on any side; together if they share one."""
    paths = {name: {path for side in sides if (path := side.manifest.value_paths.get(name))} for name in MERGED}
    first, second = MERGED
    if paths[first] & paths[second]:
        yield MERGED
    else:
        yield from ((name,) for name in MERGED if paths[name])


def _unit(side: Snapshot, group: tuple[str, ...], sides: Sides) -> _Unit:
    files = {name: file for name, file in side.manifest.value_files.items() if name in group}
    values = (any_side.manifest.value_paths.items() for any_side in sides)
    names = _roles(sides, {path for items in values for section, path in items if section in group})
    return _Unit(files, {role: tracked for role, tracked in by_role(side).items() if role in names})


def _roles(sides: Sides, paths: set[str]) -> set[str]:
    """Return the roles of these paths on any side."""
    tracked = [pair for side in sides for pair in by_role(side).items()]
    return {role for role, (_, entry) in tracked if entry is not None and entry.path in paths}


def _read(side: Snapshot, section: str) -> dict[str, Any]:
    """Return the values of a section that come from its file."""
    own = side.manifest.own(section)
    return {key: value for key, value in getattr(side.manifest, section).items() if key not in own}
