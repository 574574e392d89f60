"""A project with a model, in which each training runs; Keras computes with PyTorch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integrations import versions

os.environ["KERAS_BACKEND"] = "torch"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = versions.project(tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder
