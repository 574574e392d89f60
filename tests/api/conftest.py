"""A repository as a person has it who works in Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import mvc

WEIGHTS = bytes(range(256)) * 1000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a weight file, and a person who is known by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "own.toml"))
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ana")
    monkeypatch.setenv("MVC_AUTHOR_EMAIL", "ana@example.org")
    monkeypatch.setenv("MVC_AUTHOR_DATE", "2026-02-03T10:00:00+01:00")
    (tmp_path / "helmets").mkdir()
    (tmp_path / "helmets" / "best.onnx").write_bytes(WEIGHTS)
    return tmp_path / "helmets"


@pytest.fixture
def model(folder: Path) -> mvc.Model:
    """A model with one version."""
    model = mvc.init(folder, model="helmets", type="OBJECT_DETECTION").model()
    model.add(str(folder / "best.onnx"), role="model-latest")
    model.update(labelmap=["helmet", "head"], parameters={"epochs": 3}, metrics={"mAP50": 0.5})
    model.commit("First")
    return model
