"""`mvc drift REGISTRY`: what is said, and the exit code, after a publish."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.servers.picsellia import Platform

pytestmark = pytest.mark.usefixtures("naps")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Shell:
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    shell.ok("publish")
    return shell


def test_nothing_differs_after_a_publish(shell: Shell) -> None:
    said = shell.ok("drift")
    assert said.out == "1 version compared, no differences.\n"
    assert shell.ok("drift", "picsellia", "--read-data", "--json").json["versions"] == []


def test_what_differs_is_told_and_ends_with_1(shell: Shell, platform: Platform) -> None:
    [row] = platform.versions_of(MODEL)
    row["labels"]["0"] = "hat"
    row["docker_tag"] = None
    platform.add_version(next(iter(platform.models.values())), name="night")
    said = shell("drift")
    assert said.code == 1
    for line in ("  labels.0 helmet -> hat", "  - docker_tag (was 1.4)", "1 version compared, 1 differs."):
        assert line in said.lines
    assert f"#1 night of {MODEL} is new on the registry" in said.out
    found = shell("drift", "--json").json
    assert found["versions"][0]["fields"][0] == {"key": "labels.0", "recorded": "helmet", "live": "hat"}
    assert found["since"][0]["name"] == "night"


def test_a_version_or_all_of_it_that_is_gone(shell: Shell, platform: Platform) -> None:
    platform.versions.clear()
    said = shell("drift")
    assert said.code == 1
    assert "  deleted on the registry" in said.lines
    platform.models.clear()
    assert shell("drift").code == 1


def test_what_is_asked_for_must_be_clear(shell: Shell, tmp_path: Path) -> None:
    assert shell("drift", "picsellia", "--docker").code == 2
    shell.ok("remote", "add", "origin", str(tmp_path / "store"))
    assert shell("drift", "origin").code == 2
    assert shell("--offline", "drift").code == 15
