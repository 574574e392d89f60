"""A repository with a short history, made once: v1 ─ v2 on main, v2' on side."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Shell, begin
from tests.weights import safetensors

EXAMPLE = Path(__file__).resolve().parents[2] / ".mvc-example" / "store"


def weights(seed: int) -> bytes:
    """Two tensors, of which the first one depends on `seed`."""
    return safetensors({"conv.weight": ("F32", (2, 2), bytes([seed]) * 16), "conv.bias": ("F32", (2,), bytes(8))})


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("site") / "detectors"
        root.mkdir()
        shell = begin(root, patch)
        shell.write("best.safetensors", weights(1))
        shell.ok("add", "best.safetensors", "--as", "model-latest")
        shell.set(labelmap__0="helmet", labelmap__1="head", metrics__mAP50=0.5, parameters__epochs=3)
        shell.commit("First baseline", "--tag", "2026.1")
        shell.ok("switch", "-c", "side")
        shell.set(metrics__mAP50=0.61)
        shell.commit("Side work")
        shell.ok("switch", "main")
        shell.write("best.safetensors", weights(2))
        shell.set(labelmap__0="head", labelmap__1="helmet")
        shell.commit("Night images\n\nswapped classes")
        shell.ok("alias", "set", "prod", "v1")
        shell.tick()
        shell.ok("alias", "set", "prod", "v2", "-m", "passed the night test")
        shell.ok("notes", "add", "v2", "bad in rain", "incident=4711")
        yield root


@pytest.fixture
def shell(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A copy of it."""
    root = tmp_path / "detectors"
    shutil.copytree(made, root)
    shell = Shell(root, monkeypatch)
    shell.tick(10 * 86_400)
    return shell


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A copy of `.mvc-example`."""
    root = tmp_path / "example"
    root.mkdir()
    shutil.copytree(EXAMPLE, root / ".mvc")
    return Shell(root, monkeypatch)
