"""`mvc check --online`: the rules about datasets and the image are answered by the registries, and only then."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import mvc
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.registry.histories import REGISTRY
from tests.servers.picsellia import Fault, Platform, Row
from tests.servers.scripted import Reply, scripted

pytestmark = pytest.mark.usefixtures("naps")
USES = ("--for", "pre-annotation/current", "--for", "pre-annotation/legacy")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Shell:
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    return shell


@pytest.fixture
def traffic(shell: Shell, platform: Platform) -> Row:
    """The dataset version that the working tree records."""
    row = platform.add_dataset_version("traffic", "12", "helmet", "head")
    shell.ok("set", f'source.datasets=[{{alias = "train", id = "{row["id"]}"}}]')
    platform.calls.clear()
    return row


def findings(shell: Shell, *arguments: str) -> dict[str, Any]:
    """The findings about datasets and the image, by rule."""
    uses = shell("check", "--json", *arguments).json["uses"]
    found = {each["rule"]: each for use in uses for each in use["findings"]}
    return {name: found[name] for name in found if name.startswith(("dataset-", "docker-image"))}


def results(shell: Shell, *arguments: str) -> dict[str, str]:
    return {name: each["result"] for name, each in findings(shell, *arguments).items()}


def test_rules_about_the_recorded_dataset_are_answered(shell: Shell, traffic: Row, platform: Platform) -> None:
    assert set(results(shell, *USES).values()) == {"unknown"}
    assert platform.calls == []
    assert set(results(shell, *USES, "--online").values()) == {"ok"}
    traffic["type"] = "SEGMENTATION"
    platform.labels[traffic["id"]] = []
    found = findings(shell, *USES, "--online")
    assert [(each["result"], each["why"], each["fix"]) for each in found.values()] == [
        ("no", "traffic@12 has the type SEGMENTATION", "mvc set model.type=SEGMENTATION"),
        ("unknown", "requires the job's parameters, since classes differ: only in the labelmap: head, helmet", ""),
        ("no", "traffic@12 has none of them, but no class at all", "mvc set labelmap.NUMBER=NAME"),
    ]
    assert "requires the job's parameter model_file_name" in shell("check", *USES, "--online").out


def test_the_commands_that_are_named_turn_the_verdicts_to_ok(shell: Shell, traffic: Row, platform: Platform) -> None:
    shell.ok("set", "model.type=SEGMENTATION", "labelmap.0=car", "labelmap.1=bus")
    words = {"NUMBER": "0", "NAME": "helmet"}
    for rule, found in findings(shell, *USES, "--online").items():
        assert found["result"] == ("unknown" if rule == "dataset-labels" else "no")
        fix = re.sub(r"\b(NUMBER|NAME)\b", lambda match: words[match[0]], found["fix"])
        shell.ok(*shlex.split(fix)[1:]) if fix else None
    assert results(shell, *USES, "--online") == {
        "dataset-type": "ok",
        "dataset-labels": "unknown",
        "dataset-label": "ok",
    }


def test_another_dataset_may_be_named(shell: Shell, traffic: Row, platform: Platform) -> None:
    platform.add_dataset_version("night", "1", "car", type="NOT_CONFIGURED")
    named = results(shell, *USES, "--online", "--dataset", "night@1")
    assert named == {"dataset-type": "ok", "dataset-labels": "unknown", "dataset-label": "no"}
    said = shell("check", *USES, "--online", "--dataset", "night@2")
    assert (said.code, "no version '2' of dataset 'night' (known: 1)" in said.err) == (2, True)
    said = shell("check", *USES, "--online", "--dataset", "night")
    assert (said.code, "no dataset version 'night' (known: night@1)" in said.err) == (2, True)
    shell.commit("Trained")
    model = mvc.open(shell.folder).model(MODEL)
    for checked in (model.check("pre-annotation", online=True), model["HEAD"].check("pre-annotation", online=True)):
        (type_,) = [each for each in checked.uses[0].findings if each.rule.name == "dataset-type"]
        assert type_.ok
    assert not model.check("pre-annotation/legacy", online=True, datasets="night@1", registry=REGISTRY).ready


def test_a_dataset_that_cannot_be_read_is_named_with_the_reason(shell: Shell, traffic: Row, platform: Platform) -> None:
    platform.faults = lambda call: Fault(403, message="members only") if call.path.endswith("/labels") else None
    assert "members only" in findings(shell, *USES, "--online")["dataset-type"]["why"]
    platform.dataset_versions.clear()
    assert "does not have it" in findings(shell, *USES, "--online")["dataset-type"]["why"]
    shell.ok("unset", "source.datasets")
    platform.calls.clear()
    why = findings(shell, *USES, "--online")["dataset-type"]["why"]
    assert "none is recorded in source.datasets or named with --dataset" in why
    assert platform.calls == []


def test_the_image_is_looked_up(shell: Shell, platform: Platform) -> None:
    with scripted() as images:
        shell.ok("set", f"docker.image={images.host}/acme/yolo")
        assert results(shell, "--for", "training") == {"docker-image": "ok"}
        assert images.asked == []
        images.reply = lambda _: Reply(404)
        found = findings(shell, "--for", "training", "--online")["docker-image"]
        assert (found["result"], "has no image" in found["why"], found["fix"]) == (
            "no",
            True,
            "mvc set docker.image=IMAGE",
        )
        images.reply = lambda _: Reply(403)
        assert results(shell, "--for", "training", "--online") == {"docker-image": "unknown"}
    assert [call.path for call in platform.calls if "dataset" in call.path] == []


def test_without_a_token_or_a_connection_it_is_refused(
    shell: Shell, traffic: Row, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.faults = lambda _: Fault(0)
    assert shell("check", *USES, "--online").code == 15
    monkeypatch.delenv("PICSELLIA_TOKEN")
    assert shell("check", *USES, "--online").code == 12
    monkeypatch.setenv("MVC_OFFLINE", "1")
    assert shell("check", *USES, "--online").code == 15
    assert shell("check", *USES, "--dataset", "night@1").code == 2
    assert shell("check", "--list", "--online").code == 2
