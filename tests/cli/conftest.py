"""A repository with a short history, new for each test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli import built
from tests.cli.shell import Shell, begin


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A model without a version."""
    return begin(tmp_path, monkeypatch)


@dataclass(frozen=True)
class History:
    """v1 (tag 2026.1) ─ v2 (main), and v1 ─ v2' (side); we stand on main."""

    first: str
    second: str
    side: str


@pytest.fixture
def shell(empty: Shell) -> Shell:
    """The model with the history that `history` names."""
    return empty


@pytest.fixture
def history(shell: Shell) -> History:
    return built.into(shell, _history)


def _history(shell: Shell) -> History:
    shell.write("weights/best.onnx", b"one" * 40_000)
    shell.ok("add", "weights/best.onnx", "--as", "weights")
    shell.set(labelmap__0="helmet", labelmap__1="head", metrics__mAP50=0.5)
    first = shell.commit("First baseline", "--tag", "2026.1")
    shell.ok("switch", "-c", "side")
    shell.write("weights/best.onnx", b"two" * 50_000)
    shell.set(metrics__mAP50=0.61)
    side = shell.commit("Side work")
    shell.ok("switch", "main")
    shell.set(labelmap__0="head", labelmap__1="helmet")
    second = shell.commit("Night images\n\nswapped \x1b[31mclasses")
    return History(first, second, side)
