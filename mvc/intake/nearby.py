"""The newest runs in a folder or beside it, which errors propose; they are known by the signs of their trainers."""

from __future__ import annotations

import shlex
from pathlib import Path

from mvc.intake import run_folders

_SHOWN = 3


def hint(place: Path, folder: str) -> str:
    """Return the commands for the newest runs in `folder` of the model, at `place`, else beside it; "" for none."""
    found = _others(place, folder, folder)
    if not found and folder:
        found = _others(place.parent, folder.rpartition("/")[0], folder)
    commands = [f"`mvc add --run {shlex.quote(path)}`" for path in found[:_SHOWN]]
    return f"Newest runs: {', '.join(commands)}." if commands else ""


def _others(place: Path, folder: str, given: str) -> list[str]:
    """Return the runs in a folder, the newest first, without the one that was given; those of trainers, if there are any."""
    found = run_folders.of(place)
    runs = [(run.changed, f"{folder}/{run.path}".strip("/")) for run in found.signed or found.runs]
    return [path for _, path in sorted(runs, reverse=True) if path != given]
