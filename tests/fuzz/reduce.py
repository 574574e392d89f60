"""Small corpora: of all inputs of a target, a few that together run nearly all lines that any of them runs."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.target import Target

BYTES = 4_500
"""Bytes of the inputs of one target that are kept, at most."""
LONGEST = 3_100
"""Bytes of one of them, at most."""
_MVC = f"{os.sep}mvc{os.sep}"
_MOST = 250
"""Inputs that are weighed, at most: the shortest."""

Line = tuple[str, int]


def lines_of(target: Target, data: bytes) -> set[Line]:
    """Return the lines of mvc that an input runs."""
    found: set[Line] = set()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if _MVC not in name:
            return None
        if event == "line":
            found.add((name, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        target.fault(data)
    finally:
        sys.settrace(before)
    return found


def chosen(lines: dict[bytes, set[Line]]) -> list[bytes]:
    """Return inputs that together run most lines, each with the most new ones for its bytes."""
    kept: list[bytes] = []
    known: set[Line] = set()
    left = BYTES
    candidates = dict(lines)
    while candidates:
        best = max(candidates, key=lambda data: (len(candidates[data] - known) / (len(data) + 50), -len(data), data))
        new = candidates.pop(best) - known
        if not new:
            break
        if len(best) <= left:
            kept.append(best)
            known |= new
            left -= len(best)
    return kept


def keep(target: Target, build: Path) -> list[bytes]:
    """Replace the corpus of a target by the best of its seeds and what runs found; regressions (`fault-…`) stay."""
    regressions = {path.read_bytes() for path in target.folder.glob("fault-*")}
    inputs = _read(target.folder.glob("*")) | _read((build / "corpus").glob("*"))
    short = sorted((data for data in inputs - regressions if len(data) <= LONGEST), key=len)[:_MOST]
    kept = chosen({data: lines_of(target, data) for data in short})
    target.folder.mkdir(parents=True, exist_ok=True)
    for path in target.folder.glob("*"):
        if not path.name.startswith("fault-"):
            path.unlink()
    for data in kept:
        (target.folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
    return [*kept, *regressions]


def _read(paths: Iterable[Path]) -> set[bytes]:
    return {path.read_bytes() for path in paths}
