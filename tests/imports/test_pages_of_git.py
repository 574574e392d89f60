"""The pages on imports of Git and DVC work as they stand, beside a repository as they describe it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs import forks, pasted
from tests.imports.dvc_repositories import DvcRepository
from tests.imports.git_repositories import Repository, pointer

PAGES = pasted.TOP / "docs" / "how-to"
HELMET, HEAD = (bytes([number]) * (15 << 20) for number in (1, 2))


def _git(folder: Path) -> None:
    code = Repository(folder)
    files = {"models/helmet/best.pt": pointer(HELMET), "params.yaml": b"lr: 0.1\n"}
    first = code.commit({**files, "metrics.json": b'{"mAP50": 0.7}'}, message="First baseline", author=_ana(3))
    files |= {"models/helmet/best.pt": pointer(HEAD), "metrics.json": b'{"mAP50": 0.8}'}
    code.commit(files, [first], message="More night pictures", author=_ana(5))
    code.write()
    code.add_lfs_object(HELMET)
    code.add_lfs_object(HEAD)


def _dvc(folder: Path) -> None:
    code = DvcRepository(folder)
    artifacts = b"artifacts:\n  helmet:\n    path: models/helmet.pt\n    type: model\n"
    files = {"dvc.yaml": artifacts, "params.yaml": b"lr: 0.1\n", **code.tracked("models/head.pt", HEAD)}
    first = code.git.commit(
        {**files, **code.tracked("models/helmet.pt", HELMET)}, message="First baseline", author=_ana(3)
    )
    changed = {**files, **code.tracked("models/helmet.pt", HEAD)}
    second = code.git.commit(changed, [first], message="More night pictures", author=_ana(5))
    code.git.tag("helmet@v1.0.0", first, "The first release", 1_770_200_000)
    code.git.tag("helmet#prod#1", first, "approved by Cleo", 1_770_300_000)
    code.git.tag("helmet@v1.1.0", second, "Better at night", 1_770_400_000)
    code.git.tag("helmet#prod#2", second, "no false alarms any more", 1_770_500_000)
    code.write()


def _ana(day: int) -> str:
    return f"Ana <ana@example.org> {1_770_109_200 + (day - 3) * 86_400} +0100"


@pytest.mark.parametrize(("page", "make"), [("import-git.md", _git), ("import-dvc.md", _dvc)])
def test_every_line_works_as_it_stands(page: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    make(tmp_path / "a" / "detector")
    text = (PAGES / page).read_text(encoding="utf-8")
    with forks.program(tmp_path / "bin") as program:
        done = pasted.paste(text, tmp_path, program)
    assert done.returncode == 0, done.stdout + done.stderr
    said = {_without_ids(line.replace(f"{tmp_path}/a", "/home/ana")) for line in done.stdout.splitlines()}
    shown = [line for block in pasted.blocks("text", text) for line in block.splitlines() if not line.startswith("$")]
    assert [line for line in shown if _without_ids(line) not in said] == []


def _without_ids(line: str) -> str:
    return re.sub(r"\b[0-9a-f]{10}\b", "ID", line).rstrip()
