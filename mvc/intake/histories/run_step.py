"""One run as a step: its files in the roles of its layout, its values as `[from]` of model.toml reads them from these.

runs/exp2/weights/best.pt   weights/best.pt   model-latest           time: the last change of the weights
runs/exp2/args.yaml         args.yaml         args, [parameters]     message: exp2
runs/exp2/results.csv       results.csv       results, [metrics]
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake import roles, values
from mvc.intake.layouts import LATEST
from mvc.intake.roles import Assigned
from mvc.intake.run import recognise
from mvc.model import credential_names
from mvc.model.manifest import Manifest
from mvc.model.paths import escape_name
from mvc.model.toml.value_file import KEY
from mvc.model.version import Person, Timestamp
from mvc.repository.imports.source import SourceFile, Step
from mvc.repository.parts import Parts
from mvc.repository.worktree import globs
from mvc.repository.worktree.value_reader import ValueReader
from mvc.storage.disk.treedoor import TreeDoor

AUTHOR = Person("folders", "")
"""The author of versions that were made of folders, the same for everybody."""


@dataclass(frozen=True, slots=True)
class _RunFolder:
    """A run folder, in which values are read."""

    tree: TreeDoor


def of_file(place: Path) -> Step:
    """Return the step of a file of weights. Raises OSError."""
    status = place.stat()
    file = SourceFile(f"model{place.suffix.lower()}", LATEST, place, status.st_size)
    return _step(place, int(status.st_mtime), [file])


def of_folder(repository: Parts, place: Path) -> Step:
    """Return the step of a run folder. Raises NoRun, NoWeightsYet, WhichWeights, UnreadableFile, TooBig, OSError."""
    run = recognise(place, "", framework=None)
    folder = place / run.folder
    run = replace(run, folder="")
    manifest = Manifest({"name": place.name})
    assigned = roles.assign(run, manifest)
    entries = _entries(assigned.assigned)
    reader = ValueReader(_RunFolder(TreeDoor(folder, repository.door)), "")
    found = values.sources(run, assigned, manifest, reader, folder)
    files = {file.path: file for file in _files(folder, run.listing.files, entries)}
    for section, file in found.entries.items():
        if file.path not in files:
            files[file.path] = _file(folder, file.path, section)
    latest = [file.content for file in files.values() if file.role.partition("/")[0] == LATEST]
    changed = max(int(path.stat().st_mtime) for path in latest if isinstance(path, Path))
    return _step(
        place,
        changed,
        list(files.values()),
        sections={KEY: {section: file.to_toml() for section, file in found.entries.items()}} if found.entries else {},
        patterns={role: value for role, (value, is_pattern) in entries.items() if is_pattern},
        warnings=tuple(note.rstrip(".") for note in found.notes),
    )


def _step(place: Path, changed: int, files: list[SourceFile], **more: Any) -> Step:
    message = escape_name(os.fsencode(place.name))
    return Step(os.fspath(place), (), tuple(files), message, AUTHOR, Timestamp(changed), **more)


def _entries(assigned: list[Assigned]) -> dict[str, tuple[str, bool]]:
    """Return the path or pattern of each role, and which it is; a role that is taken gets a number."""
    entries: dict[str, tuple[str, bool]] = {}
    for each in assigned:
        role, number = each.role, 1
        while role in entries:
            number += 1
            role = f"{each.role}-{number}"
        if each.path.endswith("/"):
            entries[role] = f"{globs.literal(each.path)}**", True
        else:
            entries[role] = each.path, each.is_pattern
    return entries


def _files(folder: Path, listed: Mapping[str, int], entries: Mapping[str, tuple[str, bool]]) -> Iterator[SourceFile]:
    """Yield the files of the entries, those of paths first: a path has precedence over a pattern."""
    paths = {value: role for role, (value, is_pattern) in entries.items() if not is_pattern}
    for path, role in paths.items():
        yield _file(folder, path, role)
    for role, (pattern, is_pattern) in entries.items():
        if is_pattern:
            start, match = globs.fixed_part(pattern), globs.compile_glob(pattern).match
            for path in listed:
                if match(path) and path not in paths and not _is_ignored(path):
                    yield _file(folder, path, f"{role}/{path[len(start) :]}")


def _is_ignored(path: str) -> bool:
    """Return whether a commit would not track a file by a pattern."""
    names = path.split("/")
    is_default = any(name in globs.DEFAULT_NAMES or name.endswith(globs.DEFAULT_SUFFIXES) for name in names)
    return is_default or credential_names.is_path(path)


def _file(folder: Path, path: str, role: str) -> SourceFile:
    try:
        status = os.lstat(folder / path)
    except FileNotFoundError:
        raise errors.NoSuchFile(path=escape_name(path)) from None
    return SourceFile(path, role, folder / path, status.st_size)
