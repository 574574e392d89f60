"""The run folders at or below a folder, as `mvc import --folders` imports them and `mvc add --run` takes one of them.

runs/exp1/args.yaml      the signs of a trainer     a run, whatever is below it
runs/old/best.pt         weights                    a run, unless runs are below it
runs/stray.pt            weights beside runs        part of no run
    model.toml               a model and its files      a run only if there are weights, and no runs below it
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.intake import layouts, listing
from mvc.intake.layouts import CHECKPOINTS, NO_WEIGHTS, PLAIN, STATE
from mvc.intake.listing import Listing
from mvc.model.paths import escape_name, is_reserved
from mvc.repository.worktree import model_file

_DEPTH = 4
"""Folders below each other that are searched: `runs/detect/train3` has three."""
_MOST = 2_000
"""The most folders that are searched."""
_WEIGHTS_FOLDERS = ("weights/", "checkpoints/")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run, by its `path` below the searched folder; `changed` is when its newest file was."""

    path: str
    is_signed: bool
    changed: int


@dataclass(slots=True)
class RunFolders:
    """The runs at or below a folder: `beside` are weights of no run, with the folders that they are beside runs in.

    `unread` are folders that could not be read, each with the error. All paths are below the searched folder.
    """

    runs: list[RunFolder] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    unread: list[tuple[str, errors.MvcError | OSError]] = field(default_factory=list)
    _seen: int = 0

    @property
    def signed(self) -> list[RunFolder]:
        """The runs with the signs of a trainer."""
        return [run for run in self.runs if run.is_signed]

    def visit(self, folder: Path, path: str, depth: int = _DEPTH) -> None:
        """Add the runs at or below a folder."""
        self._seen += 1
        if self._seen > _MOST:
            return
        try:
            found = listing.of(folder, escape_name(path) or ".", depth=1)
            is_model = model_file.NAME in found.files  # the files of a version may have the signs of a trainer
            is_signed = not is_model and (layouts.of(found) is not None or _has_checkpoints(folder, found))
            weights = [] if is_signed else _weights(folder, found)
        except (errors.MvcError, OSError) as error:
            self.unread.append((path, error))
            return
        runs, unread = len(self.runs), len(self.unread)
        run = RunFolder(path, is_signed, max(found.files.values(), default=0))
        if is_signed:
            self.runs.append(run)
            return
        if depth:
            for name in _names(found, weights):
                self.visit(folder / name, f"{path}/{name}" if path else name, depth - 1)
        below = self.runs[runs:]
        is_whole = _has_values(found) and not is_model and not any(each.is_signed for each in below)
        if weights and (is_whole or not below):
            self.runs[runs:] = [run]
            del self.unread[unread:]
        else:
            self.beside += [f"{path}/{name}" if path else name for name in weights]


def of(folder: Path) -> RunFolders:
    """Return the runs at or below a folder."""
    found = RunFolders()
    found.visit(folder, "")
    return found


def _names(found: Listing, weights: list[str]) -> Iterator[str]:
    """Yield the folders to search below one, without those that its own weights are in."""
    own = {path.rpartition("/")[0] for path in weights}
    for name in sorted(each.rstrip("/") for each in found.folders):
        if name[0] != "." and not is_reserved(name) and name not in own:
            yield name


def _has_checkpoints(folder: Path, found: Listing) -> bool:
    return any((folder / name / STATE).is_file() for name in found.matches(CHECKPOINTS))


def _has_values(found: Listing) -> bool:
    """Return whether settings or metrics are beside the weights of a folder: then it is a run of its own."""
    return any(found.has(pattern) for part in PLAIN.parts if part.sections for pattern in part.patterns)


def _weights(folder: Path, found: Listing) -> list[str]:
    """Return the files of weights in a folder, and in its folders for weights."""
    inside = [(name, listing.of(folder / name, name, depth=1)) for name in _WEIGHTS_FOLDERS if name in found.folders]
    paths = [*found.files, *(f"{name}{path}" for name, each in inside for path in each.files)]
    return sorted(filter(_is_weights, paths))


def _is_weights(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith(WEIGHT_SUFFIXES) and not any(listing.is_match(name, pattern) for pattern in NO_WEIGHTS)
