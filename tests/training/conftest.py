"""A model with one version, weights of a training, and the messages of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

import mvc
from tests.crash.child import load

WEIGHTS = bytes(range(256)) * 40


@pytest.fixture(scope="session", autouse=True)
def _loaded() -> None:
    """Import all that a run may need once, and not in the child of each test that forks."""
    load()


class Reports:
    """The messages of a run, in order."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> mvc.Model:
    """One version of helmets."""
    folder = tmp_path / "helmets"
    folder.mkdir()
    (folder / "best.onnx").write_bytes(WEIGHTS)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ana")
    monkeypatch.setenv("MVC_AUTHOR_EMAIL", "ana@example.org")
    model = mvc.init(folder, model="helmets", type="OBJECT_DETECTION", framework="ONNX").model()
    model.add("best.onnx", role="model-latest")
    model.update(labelmap=["helmet", "head"], parameters={"epochs": 3})
    model.commit("First")
    return model


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Weights of a training, outside the model's folder."""
    path = tmp_path / "work" / "last.pt"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(WEIGHTS[::-1])
    return path
