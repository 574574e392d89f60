"""Names of files on the command line: paths relative to the current folder, or roles.

    in the folder sub of the model       may be
    w.bin                                the path sub/w.bin, else the role w.bin
    ../w.bin                             the path w.bin
    sub/w.bin                            the path sub/sub/w.bin, else sub/w.bin, as `mvc status` shows it

A bare name never selects a file of the model's folder from a sub-folder: it could be replaced or deleted by mistake.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Candidate(NamedTuple):
    """A meaning of a name: a path from the model's folder, or a role; with `is_role`, only a role."""

    name: str
    is_role: bool = False


def candidates(folder: Path, below: str, name: str) -> Iterator[Candidate]:
    """Yield the meanings of `name`, typed in `below`, a path from the model's `folder`; the most likely first."""
    if os.path.isabs(name):
        yield Candidate(_inside(os.path.realpath(folder), os.path.normpath(name)) or name)
        return
    path = os.path.normpath(os.path.join(below, name))
    if path.partition("/")[0] != "..":
        yield Candidate(path)
    yield Candidate(name, is_role=bool(below) and not name.startswith(f"{below}/"))


def _inside(top: str, path: str) -> str | None:
    """Return an absolute `path` relative to `top`, without following a link at its end; None if it is outside."""
    place = (
        top
        if os.path.realpath(path) == top
        else os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    )
    return os.path.relpath(place, top) if place == top or place.startswith(f"{top.rstrip('/')}/") else None
