"""The newest runs in a folder or beside it, which errors propose; they are known by the signs of their trainers."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from mvc import errors
from mvc.intake import layouts, listing
from mvc.model.paths import is_reserved

_DEPTH = 4
"""Folders below each other that are searched: `runs/detect/train3` has three."""
_MAX_FOLDERS = 2_000
_SHOWN = 3


def hint(place: Path, folder: str) -> str:
    """Return the commands for the newest runs in `folder` of the model, at `place`, else beside it; "" for none."""
    found = _others(place, folder, folder)
    if not found and folder:
        found = _others(place.parent, folder.rpartition("/")[0], folder)
    commands = [f"`mvc add --run {shlex.quote(path)}`" for path in found[:_SHOWN]]
    return f"Newest runs: {', '.join(commands)}." if commands else ""


def _others(place: Path, folder: str, given: str) -> list[str]:
    """Return the runs in a folder, the newest first, without the one that was given."""
    return [path for _, path in sorted(_runs(place, folder), reverse=True) if path != given]


def _runs(place: Path, folder: str) -> Iterator[tuple[int, str]]:
    """Yield the runs in a folder, each with the time of its last change."""
    stack, seen = [(place, folder, _DEPTH)], 0
    while stack and seen < _MAX_FOLDERS:
        here, path, depth = stack.pop()
        seen += 1
        try:
            found = listing.of(here, path, depth=1)
        except errors.MvcError:
            continue
        if layouts.of(found) is not None:
            yield max(found.files.values(), default=0), path
        elif depth:
            names = [name.rstrip("/") for name in found.folders if name[0] != "." and not is_reserved(name.rstrip("/"))]
            stack += [(here / name, f"{path}/{name}" if path else name, depth - 1) for name in names]
