"""`mvc drift REGISTRY`: its output and exit code after a publish."""

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
    result = shell.ok("drift")
    assert result.out == "1 version compared, no differences.\n"
    assert shell.ok("drift", "picsellia", "--read-data", "--json").json["versions"] == []


def test_drift_is_printed_and_exits_with_1(shell: Shell, platform: Platform) -> None:
    [row] = platform.versions_of(MODEL)
    row["labels"]["0"] = "hat"
    row["docker_tag"] = None
    platform.add_version(next(iter(platform.models.values())), name="night")
    result = shell("drift")
    assert result.code == 1
    for line in ("  labels.0 helmet -> hat", "  - docker_tag (was 1.4)", "1 version compared, 1 differs."):
        assert line in result.lines
    assert f"#1 night of {MODEL} is new on the registry" in result.out
    found = shell("drift", "--json").json
    assert found["versions"][0]["fields"][0] == {"key": "labels.0", "recorded": "helmet", "live": "hat"}
    assert found["since"][0]["name"] == "night"


def test_a_deleted_version_and_a_deleted_model_are_drift(shell: Shell, platform: Platform) -> None:
    platform.versions.clear()
    result = shell("drift")
    assert result.code == 1
    assert "  deleted on the registry" in result.lines
    platform.models.clear()
    assert shell("drift").code == 1


def test_ambiguous_arguments_are_refused(shell: Shell, tmp_path: Path) -> None:
    assert shell("drift", "picsellia", "--docker").code == 2
    shell.ok("remote", "add", "origin", str(tmp_path / "store"))
    assert shell("drift", "origin").code == 2
    assert shell("--offline", "drift").code == 15
