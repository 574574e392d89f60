"""The run before: the folder with the weights that the model has now, and which trainer wrote it.

runs/exp2/weights/best.pt   runs/exp2   Ultralytics
old/model.pt                old         plain folder
model.pt                    none: all of the model is below the folder of its weights
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from mvc.intake import layouts
from mvc.intake.layouts import LATEST, LAYOUTS, LIGHTNING, PLAIN, ULTRALYTICS, Layout, Purpose
from mvc.intake.listing import Listing
from mvc.intake.run import Run, part_of
from mvc.model.roles import is_glob
from mvc.repository.worktree import globs

PRETRAINED = "pretrained-weights"
_WEIGHTS_FOLDERS = ("weights", "checkpoints")
"""Names of folders in a run folder that hold its weights."""


def below(path: str, folder: str) -> str | None:
    """Return a path or pattern relative to a folder above it; None if it is not below."""
    if not folder:
        return path
    prefix = next((prefix for prefix in (f"{folder}/", f"{globs.literal(folder)}/") if path.startswith(prefix)), None)
    return path[len(prefix) :] if prefix else None


def folder(run: Run, files: Mapping[str, str]) -> str | None:
    """Return the folder of the run before: that of the weights, else of any file but the weights it began with."""
    ordered = {LATEST: files.get(LATEST), **files, PRETRAINED: None}
    folders = (folder for role, value in ordered.items() if value for folder in _folders(run, role, value))
    return next(folders, None)


def layout(run: Run, files: Mapping[str, str], folder: str) -> Layout:
    """Return the layout of the run before, by the names of its tracked files: the folder may be gone."""
    paths = [path for value in files.values() if (path := below(value, folder)) is not None]
    parents = {f"{path.partition('/')[0]}/" for path in paths if "/" in path}
    signed = layouts.of(Listing(dict.fromkeys(paths, 0), parents))
    known = [run.layout] if run.layout is not PLAIN else []
    named = (each for each in (*known, ULTRALYTICS, LIGHTNING) if any(has_weights(each, path) for path in paths))
    return signed or next(named, PLAIN)


def has_weights(layout: Layout, path: str) -> bool:
    """Return whether a path below a run folder is one of weights, by its name."""
    part = part_of(layout, path)
    return part is not None and part.purpose is not Purpose.VALUES


def _folders(run: Run, role: str, value: str) -> Iterator[str]:
    """Yield the folder of another run that a path may be in: one beside `run`, one with its parts, that of the weights."""
    parent = run.folder.rpartition("/")[0]
    name, _, rest = (below(value, parent) or "").partition("/") if run.folder else ("", "", "")
    is_part = part_of(run.layout, rest) is not None and (role != LATEST or run.layout is not PLAIN)
    if rest and ((role == LATEST and parent) or is_part):
        yield from _other(run, f"{parent}/{name}" if parent else name)
    if role != LATEST:
        return
    parts = value.split("/")
    for layout in LAYOUTS:
        for number in range(1, len(parts)):
            if part_of(layout, "/".join(parts[number:])) is layout.weights:
                yield from _other(run, "/".join(parts[:number]))
    above = PurePosixPath(value).parent
    if above.name in _WEIGHTS_FOLDERS and above.parent.name:
        above = above.parent
    yield from _other(run, above.as_posix())


def _other(run: Run, folder: str) -> Iterator[str]:
    """Yield the folder unless it is the run's, or one of the two is in the other."""
    if (
        folder != "."
        and not is_glob(folder)
        and not f"{folder}/".startswith(f"{run.folder}/")
        and not f"{run.folder}/".startswith(f"{folder}/")
    ):
        yield folder
