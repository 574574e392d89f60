"""The folder of one training run: its layout, and its files with what each is for.

folder ─ listing ─ signs of a trainer? ─ yes ─► its parts ─► weights? ─ no ─► refused: none saved yet
                        └─ no ─ folders of checkpoints? ─► the best of them ─ else files by suffix ─ else refused
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from mvc import errors, plural
from mvc.deferred import dataclass
from mvc.intake import checkpoints, layouts, listing, nearby, run_folders, weights
from mvc.intake.layouts import CHECKPOINTS, LATEST, PLAIN, STATE, Layout
from mvc.intake.listing import Listing
from mvc.intake.weights import RunFile
from mvc.model.paths import escape_name

_SHOWN = 3
_MAX_STATE = 64 << 20
"""Bytes of a trainer_state.json that are read; it has an entry for each step that was logged."""


@dataclass(frozen=True, slots=True)
class Run:
    """A recognised run: its folder in the model's, its layout, its files, and all that is there.

    `why` it was chosen, if a folder above it was given.
    """

    folder: str
    layout: Layout
    files: tuple[RunFile, ...]
    listing: Listing
    why: str = ""

    def at(self, path: str) -> str:
        """Return the path in the model's folder of a path below the run folder."""
        return f"{self.folder}/{path}" if self.folder else path


def recognise(
    place: Path, folder: str, *, framework: str | None, chosen: str | None = None, files: Listing | None = None
) -> Run:
    """Return the run in `folder` of the model, at `place`; `chosen` are its weights if they are known already.

    `files` is what is in the folder, as far as it matters. Raises NoRun, NoWeightsYet, WhichWeights, TooBig, UnreadableFile.
    """
    shown = escape_name(folder) or "."
    found = listing.of(place, shown) if files is None else files
    layout, why = layouts.of(found), ""
    checkpoint = _checkpoint(place, found) if layout is None else None
    if checkpoint is not None:
        name, why = checkpoint
        place, folder = place / name, f"{folder}/{name}" if folder else name
        shown, found = escape_name(folder), listing.of(place, escape_name(folder))
        layout = layouts.of(found)
    layout = layout or PLAIN
    is_chosen = chosen is not None and chosen in found.files
    if layout is PLAIN and files is None:
        refuse_several(place, folder, chosen)
    first = RunFile(layout.weights, str(chosen)) if is_chosen else weights.choose(layout, found, shown, framework)
    if first is None:
        raise _absent(layout, found, place, folder)
    return Run(folder, layout, (first, *others(layout, found, first)), found, why)


def refuse_several(place: Path, folder: str, chosen: str | None) -> None:
    """Raise NoRun for a folder with run folders in it, unless the `chosen` weights are in none of these."""
    found = run_folders.of(place)
    is_run = found.runs and found.runs[0].path == ""
    if is_run or chosen in found.beside or not (found.signed or found.beside or len(found.runs) > 1):
        return
    reason = f"it has {plural.count(len(found.runs), 'run folder')}"
    hint = nearby.hint(place, folder)
    if found.beside:
        first = found.beside[0]
        path = f"{folder}/{first}" if folder else first
        reason += f", and weights beside them: {plural.first([*map(escape_name, found.beside)], _SHOWN)}"
        hint += f" For these weights, use `mvc add {shlex.quote(path)} --as {LATEST}`."
    raise errors.NoRun(path=escape_name(folder) or ".", reason=reason, looked=layouts.LOOKED, hint=hint)


def part_of(layout: Layout, path: str) -> layouts.Part | None:
    """Return the part that a path below a run folder is, by its name alone."""
    of_path = (part for part in layout.parts if any(listing.is_match(path, pattern) for pattern in part.patterns))
    return next(of_path, None)


def others(layout: Layout, found: Listing, first: RunFile) -> Iterator[RunFile]:
    """Yield the files of a run beside its weights."""
    taken = {first.path}
    for part in layout.parts[1:]:
        for path in weights.paths_of(part, found):
            if path in taken:
                continue
            taken.add(path)
            yield RunFile(part, path, part.why)
            if not part.every:
                break


def _checkpoint(place: Path, found: Listing) -> tuple[str, str] | None:
    """Return the best checkpoint in an output folder of Transformers, and why it is; None if there is none."""
    names = [name.rstrip("/") for name in found.matches(CHECKPOINTS) if checkpoints.numbers(name)]
    states = [name for name in names if f"{name}/{STATE}" in found.files]
    if not states:
        return None
    newest = max(states, key=checkpoints.numbers)
    best = checkpoints.named_best(_state(place / newest), states)
    count = f"of {len(states)} checkpoints" if len(states) > 1 else "checkpoint"
    return (best, f"the best {count}, by {STATE}") if best else (newest, f"the newest {count}")


def _state(place: Path) -> object:
    """Return a trainer_state.json; None if it cannot be read."""
    try:
        with open(os.open(place / STATE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return json.loads(file.read(_MAX_STATE))
    except (OSError, ValueError, RecursionError):
        return None


def _absent(layout: Layout, found: Listing, place: Path, folder: str) -> errors.MvcError:
    """Return the error for a folder without weights, which proposes the newest runs."""
    shown, hint = escape_name(folder) or ".", nearby.hint(place, folder)
    if layout is not PLAIN:
        looked = ", ".join(layout.weights.patterns)
        linked = [path for path in sorted(found.links) if part_of(layout, path) is layout.weights]
        reason = f"{escape_name(linked[0])} is a link" if linked else "none was saved yet"
        return errors.NoWeightsYet(path=shown, trainer=layout.name, reason=reason, looked=looked, hint=hint)
    is_empty = not (found.files or found.folders or found.links)
    reason = "it is empty" if is_empty else "it has no weights, and not the files of a trainer"
    return errors.NoRun(path=shown, reason=reason, looked=layouts.LOOKED, hint=hint)
