"""A registry, a repository whose versions are published there, and skopeo, which copies artifacts."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.images.session import Session
from tests.cli.shell import Shell
from tests.images.conftest import locked, program, registry  # noqa: F401 - fixtures
from tests.registry import histories


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody waits between attempts; docker's logins and the user's settings are those of the test."""
    waits = time.sleep
    initial = Session.__init__

    def at_once(self: Session, *arguments: object, **named: object) -> None:
        initial(self, *arguments, **named)  # type: ignore[arg-type]
        if self.sleep is waits:
            self.sleep = lambda _: None

    monkeypatch.setattr(Session, "__init__", at_once)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "own.toml"))


@pytest.fixture(scope="session")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of six versions on two branches, to be copied."""
    folder = tmp_path_factory.mktemp("six")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVC_CONFIG", str(folder / "own.toml"))
        return histories.six(folder / "ana", patch, 300_000).folder


@pytest.fixture
def shell(six: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A copy of it."""
    shutil.copytree(six, tmp_path / "ana", symlinks=True)
    return Shell(tmp_path / "ana", monkeypatch)


@pytest.fixture
def skopeo(requires: Callable[[str], str]) -> Callable[..., str]:
    """Runs skopeo; its output."""
    path = requires("skopeo")

    def run(*arguments: str) -> str:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
