"""Hidden names of unfinished files and folders; each contains its process id, so that leftovers are found.

    out  ◄─rename─  .out.<machine>.<boot>.<namespace>.<pid>.<start>.<random>.<n>.mvc-tmp

Leftovers of a killed command are removed by the next one that writes to the same folder, and are never tracked.
"""

from __future__ import annotations

import os
from pathlib import Path

from mvc.storage.disk import process

SUFFIX = ".mvc-tmp"
"""Suffix of these names."""
_PARTS = 7
"""Parts of the name of a process's temporary file."""
_LETTERS = 40
"""Letters of the target's name that are kept."""


def name_for(name: str) -> str:
    """Return a new temporary name for a file that will be renamed to `name` in the same folder."""
    return f".{name[:_LETTERS]}.{next(process.temporary_names())}{SUFFIX}"


def path_for(target: Path) -> Path:
    """Return a new path beside `target`."""
    return target.with_name(name_for(target.name))


def left(folder: str | os.PathLike[str] | int) -> list[str]:
    """Return the leftovers of ended processes in `folder` (a path or a descriptor)."""
    try:
        names = [name for name in os.listdir(folder) if name.startswith(".") and name.endswith(SUFFIX)]
    except OSError:
        return []
    return [name for name in names if process.is_gone(".".join(name.removesuffix(SUFFIX).split(".")[-_PARTS:]))]
