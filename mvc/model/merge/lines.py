"""Three-way merges of texts by line, for what is in a text beside its values: comments, blank lines, order."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

MAX_LINES = 2_000
"""The maximum of lines of a text that is merged; the time grows with their square."""


class _Edit(NamedTuple):
    """Lines `start` to `end` of the base replaced by `new`."""

    start: int
    end: int
    new: tuple[str, ...]


def merge_lines(base: str, ours: str, theirs: str) -> str | None:
    """Return `base` with the edits of both sides; None if they touch the same lines, or a text is too long."""
    before, *sides = (text.splitlines(keepends=True) for text in (base, ours, theirs))
    if max(map(len, (before, *sides))) > MAX_LINES:
        return None
    merged: list[str] = []
    at = -1
    for edit in sorted({edit for side in sides for edit in _edits(before, side)}):
        if edit.start <= at:
            return None
        merged += [*before[max(at, 0) : edit.start], *edit.new]
        at = edit.end
    return "".join([*merged, *before[max(at, 0) :]])


def _edits(before: Sequence[str], after: Sequence[str]) -> list[_Edit]:
    opcodes = SequenceMatcher(None, before, after).get_opcodes()
    return [_Edit(start, end, tuple(after[a:b])) for tag, start, end, a, b in opcodes if tag != "equal"]
