"""The weights and metrics below some folders, before and after a command: what it wrote.

    before    models/old.pt
    after     models/old.pt  runs/exp3/weights/best.pt  runs/exp3/weights/last.pt
    changed   runs/exp3/weights/best.pt, runs/exp3/weights/last.pt      a run: runs/exp3

Files are compared by what the file system says of them; no clock decides, since it may be wrong or another machine's.
Only names of weights and of metrics are asked for, so that a data set of a million images costs little.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch, translate
from pathlib import Path

from mvc import errors
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.intake import layouts, listing
from mvc.intake.layouts import CHECKPOINTS, LAYOUTS, NO_WEIGHTS, PLAIN
from mvc.model.paths import is_reserved
from mvc.model.toml.value_file import METRICS
from mvc.repository.parts import MODEL_TOML

MAX_FOLDERS = 20_000
"""Folders that are searched."""
_DEPTH = 8
"""Folders below each other that are searched: `runs/detect/train3/weights` has four."""
_ABOVE = 3
"""Folders above its weights in which a run is looked for: `lightning_logs/version_0/checkpoints`."""
_WEIGHTS_FOLDERS = ("weights", "checkpoints", "models")
"""Names of folders in the folder of a run that has no trainer's signs."""
Mark = tuple[int, int, int, int]
"""Inode, size, and the times of the last change of content and of status."""
Snapshot = dict[Path, Mark]
_METRICS = re.compile("|".join(
    translate(pattern)
    for layout in (*LAYOUTS, PLAIN) for part in layout.parts if METRICS in part.sections for pattern in part.patterns
))  # fmt: skip
"""The names of files with metrics."""


def of(places: Iterable[Path], model: Path | None = None) -> Snapshot:
    """Return the weights and metrics below `places`, folders or files at absolute paths.

    The folders of other models than that at `model` are left out, and those that cannot be read.
    """
    found: Snapshot = {}
    left = MAX_FOLDERS
    for place in places:
        if place.is_dir():
            for folder, entries in _folders(place, model):
                left -= 1
                if left < 0:
                    return found
                found.update(_marked(folder, entries))
        else:
            mark = _mark(os.fspath(place))
            found.update({place: mark} if mark is not None else {})
    return found


def is_weights(path: Path) -> bool:
    """Return whether a file has the name of weights; the state of an optimizer is none."""
    return path.name.lower().endswith(WEIGHT_SUFFIXES) and not any(fnmatch(path.name, name) for name in NO_WEIGHTS)


def changed(before: Snapshot, after: Snapshot) -> list[Path]:
    """Return the files that are new, or not as they were, the last changed last."""
    names = [path for path, mark in after.items() if before.get(path) != mark]
    return sorted(names, key=lambda path: (after[path][2], os.fspath(path)))


def runs(weights: Iterable[Path], tops: Iterable[Path]) -> dict[Path, Path]:
    """Return the folder of each run that has some of the `weights`, with the last changed of them, in their order.

    A run is below one of `tops`, or is one of these. Beside runs of trainers, other weights are of no run: a trainer
    downloads those that it starts from.
    """
    found: dict[Path, Path] = {}
    of_trainers: set[Path] = set()
    bounds = {*tops}
    for path in weights:
        folder, is_of_trainer = _run_of(path, bounds)
        found.pop(folder, None)
        found[folder] = path
        if is_of_trainer:
            of_trainers.add(folder)
    return {folder: path for folder, path in found.items() if folder in of_trainers or not of_trainers}


def _run_of(path: Path, bounds: set[Path]) -> tuple[Path, bool]:
    """Return the folder of the run that a file of weights is of, and whether it has the signs of a trainer.

    Without such a folder, it is the nearest.
    """
    above: list[Path] = []
    for folder in path.parents[: _ABOVE + 1]:
        above.append(folder)
        is_checkpoint = fnmatch(folder.name, CHECKPOINTS.rstrip("/")) and folder not in bounds
        if _is_of_trainer(folder):
            return folder.parent if is_checkpoint else folder, True
        if folder in bounds:
            break
    nearest = above[0]
    is_part = nearest.name.lower() in _WEIGHTS_FOLDERS and len(above) > 1
    return above[1] if is_part else nearest, False


def _is_of_trainer(folder: Path) -> bool:
    try:
        return layouts.of(listing.of(folder, folder.name, depth=1)) is not None
    except errors.MvcError:
        return False


def _folders(top: Path, model: Path | None) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    stack = [(top, _DEPTH)]
    while stack:
        folder, depth = stack.pop()
        try:
            with os.scandir(folder) as scanned:
                entries = list(scanned)
        except OSError:
            continue
        if folder not in (top, model) and any(entry.name == MODEL_TOML for entry in entries):
            continue
        yield folder, entries
        if depth:
            stack += [
                (folder / entry.name, depth - 1)
                for entry in entries
                if entry.name[0] != "." and not is_reserved(entry.name) and _is_folder(entry)
            ]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _marked(folder: Path, entries: Iterable[os.DirEntry[str]]) -> Iterator[tuple[Path, Mark]]:
    for entry in entries:
        if entry.name.lower().endswith(WEIGHT_SUFFIXES) or _METRICS.match(entry.name):
            mark = _mark(entry.path)
            if mark is not None:
                yield folder / entry.name, mark


def _mark(path: str) -> Mark | None:
    """Return what the file system says of a regular file; None for anything else."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
