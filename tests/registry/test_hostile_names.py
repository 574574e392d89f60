r"""Names on the platform with line feeds and control characters: no verb prints them as they are, in any message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mvc.porcelain.init import make_repository
from tests.cli.shell import Shell
from tests.registry import histories
from tests.registry.histories import REGISTRY
from tests.servers.picsellia import Platform, Row

pytestmark = pytest.mark.usefixtures("naps")
EVIL = "x\nINJECTED\r\x1b[2Jy\u202e"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Shell:
    """Ana has published a version; then somebody gave everything there such a name."""
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    shell.ok("publish")
    return shell


def _spoil(platform: Platform) -> Row:
    """Rename the model and its version, add a file and an exported version, all with such names; return the first."""
    (model,), (row,) = platform.models.values(), platform.versions.values()
    model["name"] = row["origin"]["name"] = row["name"] = EVIL
    row["labels"] = {EVIL: EVIL}
    platform.add_file(row, EVIL, b"added", EVIL)
    dataset = platform.add_dataset_version(EVIL, EVIL)
    experiment = platform.add_experiment(EVIL, platform.add_project(EVIL)["id"], **{EVIL: dataset})
    exported = platform.add_version(
        model, name=EVIL, type=EVIL, description=EVIL, parameters={EVIL: EVIL}, docker_image=EVIL
    )
    platform.trained_by(exported, experiment, {EVIL: 1})
    platform.add_file(exported, EVIL, b"weights", EVIL)
    return row


def test_no_verb_prints_a_control_character_of_a_name(
    shell: Shell, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = _spoil(platform)
    url = "picsellia://acme/helmets"
    (tmp_path / "ben").mkdir()
    make_repository(tmp_path / "ben")
    ben = Shell(tmp_path / "ben", monkeypatch)
    histories.register(ben, platform, monkeypatch)
    said = [
        shell("drift"), shell("publish"), shell("publish", "--all", "-n"), shell("import", url),
        shell("import", f"{url}@nothing"), shell("import", "picsellia://acme/nothing"), shell("import", url, "--import-additions"),
        shell("log", "-v", "--all"), shell("show", "--all") , shell("models"), shell("drift"), shell("publish", "--all"),
        shell("remote", "check", REGISTRY), ben("import", "picsellia://acme/nothing"),
    ]  # fmt: skip
    branches = [line["name"] for line in shell.ok("branch", "--json").json["branches"]]
    said += [shell(verb, branch) for branch in branches for verb in ("show", "log", "ls", "publish")]
    said += [shell("source", "show", branch) for branch in branches]
    for file in platform.files_of(row):
        if file["name"] == "picture":
            file["name"] = EVIL
    said += [shell("publish"), shell("drift"), shell("publish", "--all"), shell("publish", "-q"), shell("drift", "-q")]
    assert sum("INJECTED" in one.out + one.err for one in said) > 12, "the names are shown"
    for one in said:
        for text in (one.out, one.err):
            assert not [line for line in text.splitlines() if line.lstrip().startswith("INJECTED")], text
            assert not {"\x1b", "\r", "\u202e"} & set(text), text
    for line in (shell("drift", "--json").out, shell("publish", "--json").err):
        json.loads(line)
        assert line.count("\n") == 1
