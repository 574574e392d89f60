"""What a run gives to a version that is recorded without the working tree: files by role, and the values in them.

folder ─ recognise ─ roles, as `mvc add --run` assigns them ─┬─► files, read where they lie
                                                             └─► [from] and layout ─► values, read now

The metrics must be of the run: a file of metrics that it did not write is left out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake import layouts, listing, snapshot
from mvc.intake import roles as roles_of_run
from mvc.intake.layouts import CHECKPOINTS, LATEST, PLAIN
from mvc.intake.listing import Listing
from mvc.intake.roles import Assigned, Roles
from mvc.intake.run import Run, recognise, refuse_several
from mvc.intake.values import sources
from mvc.model.manifest import Manifest
from mvc.model.paths import escape_name
from mvc.model.roles import roles_by_path
from mvc.model.toml import parse
from mvc.model.toml.value_file import LABELMAP, METRICS, SECTIONS, ValueFile
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.worktree import globs, model_file, scan, value_edit
from mvc.repository.worktree.value_reader import ValueReader
from mvc.storage.disk.treedoor import TreeDoor

_LAST_WRITTEN = "the last weights that the command wrote"


@dataclass(frozen=True, slots=True)
class RunContents:
    """The run in `folder`: its files by role, its values by section, and `notes` on what was chosen or left out.

    `names` are the paths in the version, by role, of the files below the model's folder: those that a commit gives them.
    """

    folder: Path
    files: Mapping[str, Path]
    values: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder that values are read in."""

    tree: TreeDoor


@dataclass(frozen=True, slots=True)
class _Reading:
    """The run that is read: the folder at `top` that its paths are relative to, and the files that it `wrote`."""

    model: Model
    manifest: Manifest
    top: Path
    run: Run
    wrote: frozenset[Path]
    notes: list[str] = field(default_factory=list)

    def path(self, path: str) -> Path:
        """Return the absolute path of a path below the run folder."""
        return self.top / self.run.at(path)


def manifest_of(model: Model) -> Manifest:
    """Return the roles and value files of the working tree, else of the current version, else none."""
    with contextlib.suppress(errors.MvcError, OSError):
        data = model_file.read(model.repository, model.folder)
        if data is not None:
            return parse.parse(data, where=model_file.NAME)
    with contextlib.suppress(errors.MvcError, OSError):
        found = history.snapshot(model.repository, model.current)
        if found is not None:
            return found.manifest
    return Manifest({"name": model.key})


def read(
    model: Model, manifest: Manifest, folder: Path, wrote: Collection[Path] = (), chosen: Path | None = None
) -> RunContents:
    """Return the contents of the run in `folder`, an absolute path without links.

    `manifest` has the roles and value files of the model so far. `wrote` are the files that a command changed, the last one
    last; `chosen` is the run's file of weights, if that was said. Raises NoRun, NoWeightsYet, WhichWeights, UnreadableFile.
    """
    top, inside = _below(model, folder)
    run = _recognised(top, inside, manifest, wrote, chosen)
    reading = _Reading(model, manifest, top, run, frozenset(wrote))
    assigned = roles_of_run.assign(run, manifest)
    found = {**_kept(reading, assigned), **dict(_files(reading, assigned.assigned))}
    if run.files[0].why == _LAST_WRITTEN:
        reading.notes.append(f"{LATEST} is {escape_name(run.at(run.files[0].path))}, {_LAST_WRITTEN}.")
    latest, is_stale = run.files[0], bool(wrote) and found.get(LATEST) not in reading.wrote
    if not latest.is_pattern and (chosen is not None or LATEST not in found or is_stale):
        found[LATEST] = reading.path(latest.path)
    values = dict(_values(reading, assigned, found))
    top = _model_folder(model)
    names = {role: path.relative_to(top).as_posix() for role, path in found.items() if path.is_relative_to(top)}
    return RunContents(folder, found, values, tuple(reading.notes), names)


def _model_folder(model: Model) -> Path:
    return Path(os.path.realpath(model.repository.root / model.folder))


def _below(model: Model, folder: Path) -> tuple[Path, str]:
    """Return the model's folder, or that above a run outside of it, with the path of the run from there."""
    top = _model_folder(model)
    if folder.is_relative_to(top):
        inside = folder.relative_to(top).as_posix()
        return top, "" if inside == "." else inside
    return folder.parent, folder.name


def _recognised(top: Path, inside: str, manifest: Manifest, wrote: Collection[Path], chosen: Path | None) -> Run:
    """Return the run; of several weights that may be the model's, those that have their role, else the last written."""
    folder = top / inside
    names = [path.relative_to(folder).as_posix() for path in wrote if path.is_relative_to(folder)]
    found = _listing(folder, names)
    weights = [name for name in names if snapshot.is_weights(Path(name))]
    latest = [name for name in weights if manifest.files.get(LATEST) == f"{inside}/{name}".removeprefix("/")]
    asked = chosen.relative_to(folder).as_posix() if chosen is not None else next(iter(latest), None)
    if not names and chosen is None and layouts.of(found) is None and not found.has(CHECKPOINTS):
        refuse_several(folder, inside, asked)
    recognised = partial(recognise, folder, inside, framework=manifest.framework, files=found)
    try:
        run = recognised(chosen=asked)
    except errors.WhichWeights:
        if not weights:
            raise
    else:
        if run.layout is not PLAIN or not weights or run.files[0].is_pattern or run.files[0].path in weights:
            return run
    run = recognised(chosen=weights[-1])
    why = _LAST_WRITTEN if len(weights) > 1 else "the weights that the command wrote"
    return replace(run, files=(replace(run.files[0], why=why), *run.files[1:]))


def _listing(folder: Path, names: Iterable[str]) -> Listing:
    """Return what is in a run folder, and the files `names`; of a folder with too many files only what is at its top."""
    found = Listing()
    for depth in (listing.DEPTH, 1):
        with contextlib.suppress(errors.TooBig):
            found = listing.of(folder, folder.name, depth)
            break
    for name in names:
        found.files.setdefault(name, 0)
    return found


def _kept(reading: _Reading, assigned: Roles) -> dict[str, Path]:
    """Return the files in the working tree whose roles stay, as `mvc commit` would take them."""
    gone = {*assigned.names, *(role for role, _ in assigned.dropped)}
    kept = {role: path for role, path in reading.manifest.files.items() if role not in gone}
    repository, folder = reading.model.repository, reading.model.folder
    named = roles_by_path(kept)
    return {
        role: _model_folder(reading.model) / file.path
        for file in scan.scan(repository.root, folder, kept).tracked
        for role in named.get(file.path, (file.role,))
    }


def _files(reading: _Reading, assigned: list[Assigned]) -> Iterator[tuple[str, Path]]:
    """Yield each role with its file; a pattern or folder has a role for each of its files."""
    run = reading.run
    for each in assigned:
        pattern = f"{globs.literal(each.path.rstrip('/'))}/**" if each.path.endswith("/") else each.path
        if not each.is_pattern and pattern == each.path:
            yield each.role, reading.path(each.path)
            continue
        start = globs.fixed_part(pattern)
        match = globs.compile_glob(pattern).match
        for path in sorted(filter(match, run.listing.files)):
            yield f"{each.role}/{path[len(start) :]}", reading.path(path)


def _values(reading: _Reading, assigned: Roles, files: dict[str, Path]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the sections that files of the run have, and those of files that the model names for every run.

    The file of the classes is added to `files`.
    """
    run, manifest, model = reading.run, reading.manifest, reading.model
    reader = ValueReader(_Place(TreeDoor(reading.top, model.repository.door)), "")
    try:
        found = sources(run, assigned, manifest, reader, reading.top)
    except errors.MvcError as error:
        reading.notes.append(error.message)
        found = sources(run, assigned, replace(manifest, ext={}), reader, reading.top)
    reading.notes.extend(found.notes)
    for section in SECTIONS:
        file = found.entries.get(section) or manifest.value_files.get(section)
        if file is None:
            continue
        if section == METRICS and not _is_written(reading, file):
            reading.notes.append(f"No metrics are read from {escape_name(file.path)}, which the command did not write.")
            continue
        try:
            values = value_edit.read(reader, section, file)
        except errors.MvcError as error:
            reading.notes.append(error.message)
            continue
        if section == LABELMAP:
            files.setdefault(LABELMAP, reading.top / file.path)
        yield section, values
    reading.notes.extend(f"{each.message}" for each in reader.warnings)


def _is_written(reading: _Reading, file: ValueFile) -> bool:
    """Return whether the command wrote a file; without a command, any file of the run is taken."""
    return not reading.wrote or reading.top / file.path in reading.wrote
