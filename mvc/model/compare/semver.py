"""Semantic versions of models: the part of MAJOR.MINOR.PATCH that a change requires, with a reason for each change.

major     a class removed, renamed or renumbered; a role removed, or its file in another format; type or framework changed;
          an input removed or added, an output removed, the shape of an input or a dtype changed;
          an ONNX file that cannot be read on one side
minor     a class or a role added; the shape of a tensor or an output changed; a tensor or an output added, a tensor removed
patch     everything else: weights, metrics, parameters, texts
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from mvc.deferred import dataclass
from mvc.model.compare import tensors as tensor_kinds
from mvc.model.compare.diff import Snapshot, VersionDiff, compare
from mvc.model.compare.labels import LabelDiff
from mvc.model.compare.tensors import TensorDiff
from mvc.model.metadata import Metadata, Port
from mvc.model.roles import expanded

MAJOR, MINOR, PATCH, NONE = "major", "minor", "patch", "none"
LEVELS = (NONE, PATCH, MINOR, MAJOR)
"""In the order of their weight."""
_TAG = re.compile(r"(v?)(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\Z")
_OF_MODEL = ("framework", "type")
"""The values of `[model]` that programs depend on."""
_SHOWN = 3
"""The most names in one reason."""


class Reason(NamedTuple):
    """A change, and the level that it requires."""

    level: str
    text: str


class SemverTag(NamedTuple):
    """A tag such as v1.2.3 or 1.2.3."""

    prefix: str
    major: int
    minor: int
    patch: int

    @property
    def name(self) -> str:
        """The tag's name."""
        return f"{self.prefix}{self.major}.{self.minor}.{self.patch}"

    def raised(self, level: str) -> SemverTag:
        """Return the next tag in the same form. Before 1.0.0, a major change raises the minor number."""
        if level == MAJOR and self.major:
            return self._replace(major=self.major + 1, minor=0, patch=0)
        if level in (MAJOR, MINOR):
            return self._replace(minor=self.minor + 1, patch=0)
        return self._replace(patch=self.patch + 1)


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of files by role: the change of tensors, and inputs and outputs before and after.

    Those of `unread` are unknown, since one side cannot be read.
    """

    tensors: Mapping[str, TensorDiff] = field(default_factory=dict)
    graphs: Mapping[str, tuple[Metadata, Metadata]] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def parsed(name: str) -> SemverTag | None:
    """Return the semantic version that a tag names; None for another name, such as a pre-release."""
    match = _TAG.match(name)
    return SemverTag(match[1], int(match[2]), int(match[3]), int(match[4])) if match else None


def level_of(reasons: Sequence[Reason]) -> str:
    """Return the highest level of some reasons; NONE for none."""
    return max((reason.level for reason in reasons), key=LEVELS.index, default=NONE)


def reasons(old: Snapshot, new: Snapshot, contents: Contents | None = None) -> tuple[Reason, ...]:
    """Return a reason for each change, the highest level first."""
    contents = contents or Contents()
    difference = compare(old, new)
    every = [*_labels(difference.labelmap), *_roles(old, new), *_model(difference)]
    for role, (before, after) in contents.graphs.items():
        every += _ports(role, before, after)
    every += [
        Reason(MAJOR, f"inputs and outputs of {role} cannot be compared: one is damaged") for role in contents.unread
    ]
    for role, change in contents.tensors.items():
        every += _tensors(role, change)
    every += _rest(difference)
    unique = dict.fromkeys(every)
    return tuple(sorted(unique, key=lambda reason: -LEVELS.index(reason.level)))


def _labels(change: LabelDiff) -> Iterator[Reason]:
    for number, name in change.removed:
        yield Reason(MAJOR, f"class {name} removed (it was {number})")
    for renamed in change.renamed:
        yield Reason(MAJOR, f"class {renamed.index} renamed from {renamed.old} to {renamed.new}")
    for moved in change.reindexed:
        yield Reason(MAJOR, f"class {moved.name} renumbered from {moved.old} to {moved.new}")
    for number, name in change.added:
        yield Reason(MINOR, f"class {name} added as {number}")


def _roles(old: Snapshot, new: Snapshot) -> Iterator[Reason]:
    before, after = (expanded(side.manifest, side.tree).by_role for side in (old, new))
    for role, entry in before.items():
        if role not in after:
            yield Reason(MAJOR, f"role {role} removed")
        elif _suffix(entry.path) != _suffix(after[role].path):
            yield Reason(MAJOR, f"role {role} changed from {_suffix(entry.path)} to {_suffix(after[role].path)}")
    yield from (Reason(MINOR, f"role {role} added") for role in after if role not in before)


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower() or "a file without a suffix"


def _model(difference: VersionDiff) -> Iterator[Reason]:
    for change in difference.section("about"):
        if change.key in _OF_MODEL and change.old is not None:
            yield Reason(MAJOR, f"{change.key} changed from {change.old} to {change.new or 'none'}")


def _ports(role: str, old: Metadata, new: Metadata) -> Iterator[Reason]:
    for noun, before, after in (("input", old.inputs, new.inputs), ("output", old.outputs, new.outputs)):
        known, others = ({port.name: port for port in ports} for ports in (before, after))
        for name, port in known.items():
            if name not in others:
                yield Reason(MAJOR, f"{noun} {name} of {role} removed")
            else:
                yield from _port(f"{noun} {name} of {role}", port, others[name], is_input=noun == "input")
        added = MAJOR if noun == "input" else MINOR
        yield from (Reason(added, f"{noun} {name} of {role} added") for name in others if name not in known)


def _port(label: str, old: Port, new: Port, *, is_input: bool) -> Iterator[Reason]:
    if old.dtype != new.dtype:
        yield Reason(MAJOR, f"dtype of {label} changed from {old.dtype or 'none'} to {new.dtype or 'none'}")
    if old.shape != new.shape:
        level = MAJOR if is_input else MINOR
        yield Reason(level, f"shape of {label} changed from {old.text or 'none'} to {new.text or 'none'}")


def _tensors(role: str, change: TensorDiff) -> Iterator[Reason]:
    for kind, level, text in (
        (tensor_kinds.RETYPED, MAJOR, "dtype of tensors of {role} changed: {names}"),
        (tensor_kinds.RESHAPED, MINOR, "shape of tensors of {role} changed: {names}"),
        (tensor_kinds.ADDED, MINOR, "tensors of {role} added: {names}"),
        (tensor_kinds.REMOVED, MINOR, "tensors of {role} removed: {names}"),
    ):
        names = [one.segment.name or f"#{one.index}" for one in change.tensors if one.kind == kind]
        if names:
            yield Reason(level, text.format(role=role, names=_first(names)))


def _rest(difference: VersionDiff) -> Iterator[Reason]:
    changed = [change.new.role for change in difference.files if change.new and change.old and change.bytes_changed]
    if changed:
        yield Reason(PATCH, f"files changed: {_first(changed)}")
    moved = [change.new.path for change in difference.files if change.new and change.old and not change.bytes_changed]
    if moved:
        yield Reason(PATCH, f"files moved: {_first(moved)}")
    for section, changes in difference.values.items():
        names = [
            change.key for change in changes if section != "about" or change.key not in _OF_MODEL or not change.old
        ]
        if names:
            yield Reason(PATCH, f"{'model' if section == 'about' else section} changed: {_first(names)}")


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
