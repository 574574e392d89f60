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
from mvc.intake import run_folders
from mvc.intake.histories import run_step
from mvc.model.paths import NaturalOrder, escape_name, natural_order
from mvc.registry.handmade import model_key
from mvc.repository import history as histories
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import SourceHistory, Step
from mvc.repository.model import Model
from mvc.repository.parts import MAIN
from mvc.repository.repository import Repository


@contextlib.contextmanager
def opened(request: Request) -> Iterator[SourceHistory]:
    """Yield the history of folders and files of weights. Raises NoSuchFile."""
    search = _Search(request.repository, request.places)
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

    def __init__(self, repository: Repository, given: Iterable[str]) -> None:
        self._repository = repository
        self._given = frozenset(map(os.path.realpath, given))
        self._tracked = frozenset(_tracked(repository))
        self.steps: dict[Path, Step] = {}
        self.warnings: list[str] = []

    def add(self, place: Path) -> None:
        """Add the runs at or below a place."""
        if place.is_dir():
            self._add_folders(place)
        elif place.is_file() and place.suffix.lower() in WEIGHT_SUFFIXES:
            self.steps.setdefault(place, run_step.of_file(place))
        else:
            self._leave_out(place.name, "it is neither a folder nor a file of weights")

    def _add_folders(self, top: Path) -> None:
        """Add the runs at or below a folder; weights beside them are runs only if they are given, too."""
        found, shown = run_folders.of(top), self._shown(top)
        for run in found.runs:
            self._add_folder(top / run.path, os.path.join(shown, run.path).rstrip("/"))
        for path in found.beside:
            if os.path.realpath(top / path) not in self._given | self._tracked:
                self._leave_out(
                    os.path.join(shown, path), "it is beside run folders; give the file as well to import it"
                )
        for path, error in found.unread:
            self._leave_out(os.path.join(shown, path).rstrip("/"), _reason(error))
        if not (found.runs or found.unread):
            self._leave_out(shown, "it has no run folder and no weights")

    def _add_folder(self, folder: Path, shown: str) -> None:
        try:
            if folder not in self.steps:
                self.steps[folder] = run_step.of_folder(self._repository, folder)
        except (errors.MvcError, OSError) as error:
            is_chosen = any(folder in Path(given).parents for given in self._given)
            if not (isinstance(error, errors.WhichWeights) and is_chosen):
                self._leave_out(shown, _reason(error))

    def _shown(self, folder: Path) -> str:
        """Return a folder as warnings name it: by its path in the repository if it is there, else by its name."""
        root = Path(os.path.realpath(self._repository.root))
        return os.fspath(folder.relative_to(root)) if folder.is_relative_to(root) else folder.name

    def _leave_out(self, shown: str, reason: str) -> None:
        self.warnings.append(f"{escape_name(shown.removeprefix('./'))} left out: {reason}")


def _tracked(repository: Repository) -> Iterator[str]:
    """Yield the places of the files that the models here track."""
    root = os.path.realpath(repository.root)
    for key in repository.heads.models():
        model = Model(repository, key)
        version = histories.snapshot(repository, model.current)
        for entry in version.tree.entries if version is not None else ():
            yield os.path.join(root, model.folder, entry.path)


def _reason(error: errors.MvcError | OSError) -> str:
    match error:
        case errors.WhichWeights():
            return "{count} files may be its weights ({listed}); give the file that is".format(**error.fields)
        case errors.NoWeightsYet():
            return "{reason}, in this run of {trainer}".format(**error.fields)
        case errors.NoRun():
            return str(error.fields["reason"])
        case errors.MvcError():
            return error.message.rstrip(".")
    return error.strerror or str(error)
