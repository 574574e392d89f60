"""The page about loops of one's own: each block works as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

import mvc
from tests.docs import pasted

PAGE = pasted.TOP / "docs" / "how-to" / "training-loop.md"


def test_each_block_of_the_page_works_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = mvc.init(model="helmet-detector").model()
    names: dict[str, object] = {}
    blocks = pasted.blocks("python", PAGE.read_text(encoding="utf-8"))
    for block in blocks:
        exec(block, names)
    found = [version.metrics["mAP50"] for version in model.log(all_refs=True)]
    assert sorted(found) == [0.7, 0.72, 0.72, 0.73]
    assert model["v1"].files["model-latest"].read() == b"\2" * 100_000
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("mvc: recorded helmet-detector v1 ")
    assert len(said) == 4
