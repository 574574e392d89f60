"""The values of a run: the entries of `[from]` that read labelmap, parameters and metrics from its files.

entry now                        entry of the new run
of the run before                the same, at the same place; of another trainer, that of the layout
none                             that of the layout: what can be read first of its candidates
elsewhere                        that of the layout, if the weights move: they had these values; else left as it is

An entry that must go is refused if the new run has no file for it. Values by hand are left as they are (a key that the file has
as well is removed from model.toml).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.intake import checkpoints, layouts
from mvc.intake.before import below
from mvc.intake.layouts import LATEST
from mvc.intake.roles import Roles
from mvc.intake.run import Run
from mvc.model.manifest import Manifest
from mvc.model.paths import escape_name
from mvc.model.toml.parse import Reader
from mvc.model.toml.value_file import LABELMAP, LAST, MERGED, METRICS, PARAMETERS, SECTIONS, ValueFile
from mvc.repository.worktree import value_edit
from mvc.repository.worktree.value_reader import ValueReader

_DATA = "data"
"""The key of Ultralytics' args.yaml for the data set, whose file has the classes."""


@dataclass(slots=True)
class Sources:
    """The entries of `[from]` to set, by section, and `notes` on sections without one."""

    entries: dict[str, ValueFile] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def sources(run: Run, roles: Roles, manifest: Manifest, reader: ValueReader, place: Path) -> Sources:
    """Return the entries for `run`, for the model whose folder is at `place`.

    Raises the errors of reading a file whose entry of the run before would go stale.
    """
    result = Sources()
    ways = partial(_candidates, run, roles, reader, place)
    for section in SECTIONS:
        now = manifest.value_files.get(section)
        if now is not None and (
            _goes(section, now.path, run, roles) or _stayed(section, now.path, run, manifest, place)
        ):
            result.entries[section] = _readable(section, _again(now, run, roles, ways(section)), now, run, reader)
            if roles.before is None or below(now.path, roles.before) is None:
                path = escape_name(now.path)
                result.notes.append(f"The {section} are no longer read from {path}, which is not of this run.")
        elif now is None and not (section == LABELMAP and manifest.labelmap_path is not None):
            _first(section, [*ways(section)], manifest, reader, result)
    has_classes = manifest.labelmap or manifest.labelmap_path is not None or LABELMAP in result.entries
    data = None if has_classes else data_set_of(run, reader)
    if data is not None and _inside(run, data, place) is None:
        shown = escape_name(data)
        result.notes.append(
            f"No labelmap is read: {shown} is not a file in the model's folder (name one with `mvc set from.labelmap=FILE`)"
        )
    return result


def _goes(section: str, path: str, run: Run, roles: Roles) -> bool:
    """Return whether the file at `path` has the values of the weights that those of `run` replace."""
    if roles.before is not None and below(path, roles.before) is not None:
        return True
    return section in MERGED and roles.moves and below(path, run.folder) is None


def _stayed(section: str, path: str, run: Run, manifest: Manifest, place: Path) -> bool:
    """Return whether the model has the weights of `run` already, and values from a folder with other weights."""
    folder = path.rpartition("/")[0]
    if section not in MERGED or not folder or LATEST not in manifest.files or below(path, run.folder) is not None:
        return False
    names = os.listdir(place / folder) if (place / folder).is_dir() else []
    return any(name.endswith(WEIGHT_SUFFIXES) for name in names)


def _again(now: ValueFile, run: Run, roles: Roles, ways: Iterable[ValueFile]) -> list[ValueFile]:
    """Return the ways to read the values of an entry in `run`, the best first."""
    old = below(now.path, roles.before) if roles.before is not None else None
    same = [replace(now, path=run.at(old))] if old is not None and old in run.listing.files else []
    return same if same and roles.layout is run.layout else [*ways] or same


def _readable(section: str, candidates: list[ValueFile], now: ValueFile, run: Run, reader: ValueReader) -> ValueFile:
    """Return the first candidate that can be read, instead of `now`; raise NoValuesOfRun, or the error of the first."""
    faults: list[errors.MvcError] = []
    for candidate in candidates:
        try:
            value_edit.read(reader, section, candidate)
        except errors.MvcError as error:
            faults.append(error)
        else:
            return candidate
    if faults:
        raise faults[0]
    raise errors.NoValuesOfRun(run=escape_name(run.folder) or ".", section=section, path=escape_name(now.path))


def _first(section: str, candidates: list[ValueFile], manifest: Manifest, reader: ValueReader, result: Sources) -> None:
    """Add the first candidate that can be read; else note why there is none."""
    fault = ""
    for candidate in candidates:
        try:
            values = value_edit.read(reader, section, candidate)
        except errors.MvcError as error:
            fault = fault or error.message
            continue
        if section != LABELMAP or not manifest.labelmap:
            result.entries[section] = candidate
        elif values != {str(number): name for number, name in manifest.labelmap}:
            path = escape_name(candidate.path)
            result.notes.append(
                f"The labelmap of model.toml stays, and differs from {path} (`mvc set from.labelmap={path}`)"
            )
        return
    if fault:
        result.notes.append(
            f"No {section} are read: {fault}" if section != LABELMAP else f"No labelmap is read: {fault}"
        )


def candidates(run: Run, section: str, latest: str) -> Iterator[ValueFile]:
    """Yield the ways to read a section from the files of a run with the weights `latest`, the best first."""
    for file in run.files:
        if section not in file.part.sections:
            continue
        path = run.at(file.path)
        if section == METRICS:
            yield from _metrics(run, latest, path)
        elif section == LABELMAP and run.layout is layouts.TRANSFORMERS:
            yield ValueFile(path, key="id2label")
        elif run.layout is layouts.TRANSFORMERS:
            yield ValueFile(path, select=("max_steps", "num_train_epochs", "train_batch_size"))
            yield ValueFile(path, select=("max_steps", "num_train_epochs"))
        else:
            yield ValueFile(path)


def _candidates(run: Run, roles: Roles, reader: ValueReader, place: Path, section: str) -> Iterator[ValueFile]:
    """Yield the ways to read a section: from the files of a run, then classes from its data set."""
    latest = next((each.path for each in roles.assigned if each.role == LATEST), run.files[0].path)
    yield from candidates(run, section, latest)
    if section == LABELMAP:
        data_set = _inside(run, data_set_of(run, reader), place)
        yield from [data_set] if data_set is not None else []


def _metrics(run: Run, latest: str, path: str) -> Iterator[ValueFile]:
    """Yield the ways to read the metrics of the weights: the row of the best epoch, or the last one."""
    if run.layout is layouts.ULTRALYTICS:
        columns = () if PurePosixPath(latest).name.startswith("last") else layouts.FITNESS
        yield from (ValueFile(path, best=column, select=("metrics/*",)) for column in columns)
        yield ValueFile(path, row=LAST, select=("metrics/*",))
    elif run.layout is layouts.LIGHTNING and (named := checkpoints.metric(latest)) is not None:
        yield ValueFile(path, best=named[0])
    elif run.layout is layouts.TRANSFORMERS:
        yield ValueFile(path, key="log_history", row=LAST, select=("eval_*",))
        yield ValueFile(path, key="log_history", row=LAST)
        return
    elif run.layout is layouts.PLAIN:
        yield ValueFile(path)
    yield ValueFile(path, row=LAST)


def data_set_of(run: Run, reader: Reader) -> str | None:
    """Return the file with the classes that a run of Ultralytics was trained with, as its args.yaml has it."""
    args = next((run.at(file.path) for file in run.files if PARAMETERS in file.part.sections), None)
    if run.layout is not layouts.ULTRALYTICS or args is None:
        return None
    try:
        named: Any = reader.values(PARAMETERS, ValueFile(args)).get(_DATA)
    except errors.MvcError:
        return None
    return named if isinstance(named, str) and named and "\x00" not in named else None


def _inside(run: Run, named: str | None, place: Path) -> ValueFile | None:
    """Return a file as an entry, from the model's folder or the run's; None if it is not below the model's."""
    top = os.path.realpath(place)
    for base in (top, os.path.join(top, run.folder)) if named is not None else ():
        path = os.path.realpath(os.path.join(base, str(named)))
        if os.path.isfile(path) and path.startswith(f"{top}/"):
            return ValueFile(os.path.relpath(path, top))
    return None
