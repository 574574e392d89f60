"""Only verbs that use a registry load the SDK; if it is not installed, the error names the extra."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mvc.registry.picsellia import sdk
from tests.cli.shell import Shell
from tests.registry import histories
from tests.servers.picsellia import TOKEN, Platform

HEAVY = {"picsellia", "requests", "urllib3", "pydantic", "beartype", "orjson", "PIL"}
_RUN = "import sys; from mvc.cli.app.main import run; run(sys.argv[1:]); sys.stderr.write(' '.join(sys.modules))"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Shell:
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    shell.ok("remote", "add", "origin", str(tmp_path / "shared"))
    return shell


def _loaded(shell: Shell, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        cwd=shell.folder, env={**os.environ, "PICSELLIA_TOKEN": TOKEN}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "arguments", [("status",), ("log",), ("show",), ("remote", "-v"), ("push", "origin"), ("publish", "--help")]
)
def test_other_verbs_do_not_load_the_sdk(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert not _loaded(shell, *arguments) & HEAVY


def test_publish_loads_the_sdk(shell: Shell) -> None:
    assert {"picsellia", "requests"} <= _loaded(shell, "publish", "-n")


def test_without_the_sdk_the_error_names_the_extra_to_install(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str = "picsellia") -> None:
        raise ImportError(name=name)

    monkeypatch.setattr(sdk, "load", missing)
    result = shell("publish")
    assert result.code == 2
    assert "pip install 'modelvc[picsellia]'" in result.err
