"""The code that README and the page of Ultralytics show, run as it is, with fewer epochs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ultralytics import YOLO, cfg

from tests.integrations import versions
from tests.integrations.ultralytics import pictures

PAGES = ("README.md", "docs/how-to/trainers/ultralytics.md")


def test_both_pages_show_the_same() -> None:
    first, second = map(versions.block, PAGES)
    assert first == second


@pytest.mark.parametrize("page", PAGES[1:])
def test_the_code_of_the_page_records_a_version(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = versions.project(tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(cfg, "TESTS_RUNNING", False)  # under pytest, runs go beside the installed package
    monkeypatch.setitem(cfg.SETTINGS, "runs_dir", str(folder / "runs"))
    os.rename(pictures.write(folder / "data"), "data.yaml")
    YOLO("yolo11n.yaml").save("yolo11n.pt")  # without its training: nothing is downloaded
    code = versions.block(page).replace("epochs=100", "epochs=1, imgsz=64, device='cpu', plots=False")
    exec(compile(code, page, "exec"), {"__name__": "__main__"})
    (best,) = Path("runs").rglob("best.pt")
    assert versions.only(folder).files["model-latest"].read() == best.read_bytes()
