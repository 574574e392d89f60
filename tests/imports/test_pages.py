"""The commands of the pages about imports work as they stand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import mvc
from tests.cli.shell import begin
from tests.docs import pages, pasted
from tests.imports.sources import START
from tests.intake import runs


def paste(page: str, folder: Path) -> str:
    done = pasted.paste(
        (pages.DOCS / "how-to" / page).read_text(encoding="utf-8"), folder, pasted.program(folder / "bin")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_folders(tmp_path: Path) -> None:
    for number in (1, 2):
        place = runs.ultralytics(tmp_path / "a" / "b" / "runs" / "detect" / f"exp{number}", step=number)
        os.utime(place / "weights" / "best.pt", (START + number,) * 2)
    assert "2 versions" in paste("import-folders.md", tmp_path)
    model = mvc.open(tmp_path / "a" / "b").model()
    assert [version.message for version in model.log()] == ["exp2", "exp1"]


def test_another_repository(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "a" / "detectors").mkdir(parents=True)
    shell = begin(tmp_path / "a" / "detectors", monkeypatch)
    shell.ok("models", "rename", "helmets", "helmet")
    shell.write("best.pt", b"weights" * 1_000)
    shell.ok("add", "best.pt", "--as", "model-latest")
    shell.commit("First baseline", "--alias", "prod")
    shell.ok("remote", "add", "origin", "../shared")
    shell.ok("push", "--all", "--tags")
    (tmp_path / "a" / "b").mkdir()
    mvc.init(tmp_path / "a" / "b")
    paste("import-repository.md", tmp_path)
    repository = mvc.open(tmp_path / "a" / "b")
    assert sorted(each.name for each in repository.models()) == ["hard-hats", "helmet"]
    assert repository["helmet"]["prod"].message == "First baseline"
