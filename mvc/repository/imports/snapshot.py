"""The snapshot of a step: the model.toml that its values and files give, its manifest and its tree.

    sections, roles ─► model.toml ─ parsed; value files of `from` read ─► Manifest
    paths, contents ────────────────────────────────────────────────────► Tree

The bytes of model.toml depend on the step alone, so that everybody who imports it gets the same version.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model import labelmap as labelmaps
from mvc.model import paths
from mvc.model.labelmap import Labelmap
from mvc.model.manifest import Manifest
from mvc.model.toml import parse, render, rules, schema
from mvc.model.toml.value_file import KEY, METRICS, PARAMETERS, ValueFile
from mvc.model.tree import Tree, TreeEntry
from mvc.repository.imports.contents import Content
from mvc.repository.imports.source import SourceFile, Step
from mvc.repository.worktree import globs

if TYPE_CHECKING:
    from mvc.formats.values import labels, sections
else:
    labels = lazy.Module("mvc.formats.values.labels")
    sections = lazy.Module("mvc.formats.values.sections")

MODEL_TOML = "model.toml"
Small = Callable[[SourceFile, int], bytes]
"""A function that returns the bytes of a small file, at most one more than a limit."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The contents of a version, without its place in the history; `warnings` name values that it cannot have."""

    model_toml: bytes
    manifest: Manifest
    tree: Tree
    warnings: tuple[str, ...] = ()


def of_step(step: Step, name: str, contents: Sequence[Content], small: Small) -> Snapshot:
    """Return the snapshot of a step of the model `name` whose files have these `contents`.

    Raises BadRole, UnsafePath, UnportablePath, CollidingPaths, and errors of the values.
    """
    _check_files(step)
    files = {file.role: globs.literal(file.path) for file in step.files if not _is_covered(step, file)}
    chosen, warnings = _values(step)
    chosen["model"] = {"name": name, **chosen.get("model", {})}
    chosen["files"] = dict(sorted({**files, **step.patterns}.items()))
    labels_ = chosen.get("labelmap", {})
    if labelmaps.gaps(tuple((int(number), text) for number, text in labels_.items() if number.isdecimal())):
        chosen["model"]["labelmap_sparse"] = True
    text = render.document({key: chosen[key] for key in schema.MODEL_TOML.keys if chosen.get(key)})
    reader = _Reader({file.path: file for file in step.files}, small)
    manifest = parse.parse(_encoded(text), where=MODEL_TOML, reader=reader)
    manifest.encode()
    entries = [
        TreeEntry(file.path, file.role, content.size, content.file, file.executable)
        for file, content in zip(step.files, contents, strict=True)
    ]
    tree = Tree.of(entries)
    tree.encode()
    return Snapshot(text.encode(), manifest, tree, (*warnings, *reader.warnings))


def check_paths(files: Sequence[str]) -> None:
    """Raise UnsafePath, UnportablePath or CollidingPaths unless a working tree can have these files and model.toml."""
    for path in files:
        paths.check_path(path)
    for one, other in paths.collisions([*files, MODEL_TOML]):
        raise errors.CollidingPaths(first=paths.escape_name(one), second=paths.escape_name(other))


def _check_files(step: Step) -> None:
    """Raise unless roles and paths are valid and each is there once."""
    check_paths([file.path for file in step.files])
    for role in (*step.patterns, *(file.role for file in step.files if not _is_covered(step, file))):
        fault = rules.role_fault(role)
        if fault:
            raise errors.BadRole(role=paths.escape_name(role), reason=fault)


def _is_covered(step: Step, file: SourceFile) -> bool:
    """Return whether a pattern of the step has the file, with the role that a commit would give it."""
    for role, pattern in step.patterns.items():
        if globs.compile_glob(pattern).match(file.path):
            return file.role == f"{role}/{file.path[len(globs.fixed_part(pattern)) :]}"
    return False


def _values(step: Step) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the sections without the values that model.toml cannot hold, and a warning for each of those."""
    chosen: dict[str, dict[str, Any]] = {name: dict(values) for name, values in step.sections.items()}
    warnings = []
    for section in (PARAMETERS, METRICS):
        for key, value in step.sections.get(section, {}).items():
            fault = _fault(section, key, value)
            if fault:
                del chosen[section][key]
                warnings.append(f"{schema.dotted((section, key))} left out: {fault}")
    return chosen, warnings


def _fault(section: str, key: str, value: Any) -> str:
    """Return why a version cannot have a value; empty if it can."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"it is {value}"
    try:
        schema.check(value, schema.find((section, key)), (section, key))
        f"{key}{render.value(value)}".encode()
    except (errors.MvcError, UnicodeError):
        return "model.toml cannot hold it"
    return ""


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise errors.BadToml(where=MODEL_TOML, position="a value", reason="it is not valid Unicode") from None


@dataclass(slots=True)
class _Reader:
    """Reads the value files of a step."""

    files: Mapping[str, SourceFile]
    small: Small
    warnings: list[str] = field(default_factory=list)

    def labels(self, file: ValueFile) -> Labelmap:
        return labels.read(self._read(file, labels.MAX_BYTES), file.path, file.key)

    def values(self, section: str, file: ValueFile) -> Mapping[str, Any]:
        found = sections.read(self._read(file, sections.MAX_BYTES), file, section, sections.Request(f"{KEY}.{section}"))
        left_out = sections.warning(found)
        if left_out:
            self.warnings.append(f"{paths.escape_name(file.path)}: {left_out}")
        return found.values

    def _read(self, file: ValueFile, limit: int) -> bytes:
        if file.path not in self.files:
            raise errors.NoValueFile(path=paths.escape_name(file.path), role=KEY)
        return self.small(self.files[file.path], limit)
