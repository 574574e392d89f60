"""Merges that are refused, and what is refused while one is under way: nothing changes, and the next step is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.harness import mvc
from tests.crash.scenarios import WEIGHTS, merging, side
from tests.refusals.cases import COMMIT, Case, Prepare, check


def _edit(root: Path) -> None:
    (root / "weights" / "best.onnx").write_bytes(WEIGHTS + b"edited")


def _in_the_way(root: Path) -> None:
    (root / "notes.txt").write_bytes(b"of nobody")


def _undecided(root: Path) -> None:
    mvc(root, "merge", "side", code=1)


def _criss_cross(root: Path) -> None:
    """Both branches merged the other as it was before that."""
    side(root)
    mvc(root, "branch", "old")
    mvc(root, "merge", "side", "--ours")
    mvc(root, "switch", "side")
    mvc(root, "merge", "old", "--ours")


@pytest.mark.parametrize(
    "case",
    [
        Case(
            ("merge", "side"),
            16,
            ("Nothing was changed, because helmets has uncommitted changes", "mvc restore"),
            change=_edit,
            prepare=side,
        ),
        Case(("merge", "side", "--theirs"), 16, ("notes.txt",), change=_in_the_way, prepare=side),
        Case(("merge", "side", "--ff-only"), 13, ("have diverged",), prepare=side),
        Case(("merge", "side", "--take", "files.x=ours"), 2, ("files.notes",), prepare=side),
        Case(("merge", "--continue"), 2, ("No merge of helmets", "mvc merge REV"), prepare=side),
        Case(("merge", "--abort"), 2, ("No merge of helmets",), prepare=side),
        Case(("merge", "main"), 13, ("more than one merge base", "v2 "), prepare=_criss_cross),
        Case(("merge", "--continue"), 1, ("files.notes", "--take"), change=_undecided, prepare=side),
        Case(COMMIT, 13, ("in progress", "mvc merge --continue"), prepare=merging),
        Case(("switch", "side"), 13, ("in progress", "--abort"), prepare=merging),
        Case(("reset", "v1"), 13, ("in progress",), prepare=merging),
        Case(("merge", "side"), 13, ("in progress",), prepare=merging),
    ],
    ids=str,
)
def test_refused(case: Case, copy: Callable[[Prepare], Path]) -> None:
    check(case, copy)
