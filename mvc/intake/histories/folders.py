"""Folders of training runs as a history: one step a run, in the order of time.

    runs/exp1  runs/exp2  …   each folder with a trainer's signs, or with weights in it
    runs/train                the runs in it, four levels deep
    best.pt  best_final2.pt   files of weights: each is a run

The time of a run is that of its weights' last change; runs of one second are in the natural order of their names. Nothing
of the person who imports, or of the place of the folders, is in a version.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from mvc import errors
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.intake import layouts, listing
from mvc.intake.histories import run_step
from mvc.intake.layouts import CHECKPOINTS, NO_WEIGHTS
from mvc.intake.listing import Listing
from mvc.intake.run import STATE
from mvc.model.paths import NaturalOrder, escape_name, is_reserved, natural_order
from mvc.registry.handmade import model_key
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import SourceHistory, Step
from mvc.repository.parts import MAIN, Parts

_DEPTH = 4
"""Folders below each other that are searched: `runs/detect/train3` has three."""
_MOST = 2_000
"""The most folders that are searched."""
_WEIGHTS_FOLDERS = ("weights/", "checkpoints/")


@contextlib.contextmanager
def opened(request: Request) -> Iterator[SourceHistory]:
    """Yield the history of folders and files of weights. Raises NoSuchFile."""
    search = _Search(request.repository)
    for given in request.places:
        if not os.path.lexists(given):
            raise errors.NoSuchFile(path=escape_name(given))
        search.add(Path(os.path.realpath(given)))
    steps = tuple(_chained(sorted(search.steps.values(), key=_age)))
    branches = {request.branch or MAIN: steps[-1].key} if steps else {}
    yield SourceHistory(
        "folders" if len(request.places) > 1 else escape_name(os.path.basename(request.places[0]) or "/"),
        request.model or request.current or model_key(request.repository.root.name),
        steps,
        branches,
        warnings=tuple(search.warnings),
        is_chosen=True,
    )


def _chained(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps, each the child of the one before."""
    parents: tuple[str, ...] = ()
    for step in steps:
        yield replace(step, parents=parents)
        parents = (step.key,)


def _age(step: Step) -> tuple[int, NaturalOrder, str]:
    return step.time.seconds, natural_order(os.path.basename(step.key)), step.key


class _Search:
    """A search for runs: their steps by path, without parents, and `warnings` about what is none."""

    def __init__(self, repository: Parts) -> None:
        self._repository = repository
        self.steps: dict[Path, Step] = {}
        self.warnings: list[str] = []

    def add(self, place: Path) -> None:
        """Add the runs at or below a place."""
        shown = escape_name(place.name)
        if not place.is_dir():
            if place.is_file() and place.suffix.lower() in WEIGHT_SUFFIXES:
                self.steps.setdefault(place, run_step.of_file(place))
            else:
                self.warnings.append(f"{shown} left out: it is neither a folder nor a file of weights")
        elif not self._add_folders(place):
            self.warnings.append(f"{shown} left out: it has no run folder and no weights")

    def _add_folders(self, top: Path) -> int:
        """Add the runs of a folder; return how many folders were runs, also without usable weights."""
        count, waiting = 0, [(top, _DEPTH)]
        for _ in range(_MOST):
            if not waiting:
                break
            folder, depth = waiting.pop()
            try:
                found = listing.of(folder, escape_name(folder.name), depth=1)
                if _is_run(folder, found):
                    count += 1
                    if folder not in self.steps:
                        self.steps[folder] = run_step.of_folder(self._repository, folder)
                elif depth:
                    names = [name.rstrip("/") for name in found.folders]
                    waiting += [
                        (folder / name, depth - 1) for name in names if name[0] != "." and not is_reserved(name)
                    ]
            except (errors.MvcError, OSError) as error:
                reason = error.message if isinstance(error, errors.MvcError) else error.strerror
                self.warnings.append(f"{escape_name(folder.name)} left out: {reason}")
                count += 1
        return count


def _is_run(folder: Path, found: Listing) -> bool:
    """Return whether a folder is that of one run: by a trainer's signs, or by weights in it."""
    if layouts.of(found) is not None or any(map(_is_weights, found.files)):
        return True
    if any((folder / name / STATE).is_file() for name in found.matches(CHECKPOINTS)):
        return True
    inside = (listing.of(folder / name, name, depth=1) for name in _WEIGHTS_FOLDERS if name in found.folders)
    return any(_is_weights(path) for each in inside for path in each.files)


def _is_weights(name: str) -> bool:
    name = name.lower()
    return name.endswith(WEIGHT_SUFFIXES) and not any(listing.is_match(name, pattern) for pattern in NO_WEIGHTS)
