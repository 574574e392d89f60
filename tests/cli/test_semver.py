"""`mvc semver` and `mvc tag --semver`: levels and reasons of versions, and the next tag."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import mvc
from tests.cli.shell import MODEL, Shell, begin
from tests.weights import network, safetensors


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = begin(tmp_path, monkeypatch)
    shell.write("w.safetensors", safetensors(network(random.Random(1))))
    shell.ok("add", "w.safetensors", "--as", "model-latest")
    shell.set(labelmap__0="helmet", labelmap__1="head", metrics__mAP50=0.5)
    shell.commit("one")
    return shell


def _labels(shell: Shell, message: str, **labels: object) -> str:
    shell.set(**{f"labelmap__{number[1:]}": name for number, name in labels.items()})
    return shell.commit(message)


def test_the_next_tag_follows_from_the_changes_since_the_last(shell: Shell) -> None:
    assert shell("tag", "--semver").code == 2
    shell.ok("tag", "v1.2.3")
    said = shell("tag", "--semver")
    assert (said.code, "Nothing changed" in said.err) == (1, True)
    shell.set(metrics__mAP50=0.6)
    shell.commit("two")
    said = shell.ok("tag", "--semver", "-m", "measured again")
    assert said.lines[0].startswith("v1.2.4 -> v2 ")
    assert said.lines[1:] == ["patch: v1.2.3 -> v1.2.4", "  patch  metrics changed: mAP50"]
    _labels(shell, "three", _2="vest")
    assert shell.ok("semver").lines == ["minor: v1.2.4 -> v1.3.0", "  minor  class vest added as 2"]
    assert shell.ok("semver", "v1").lines[0] == "minor: v1.2.3 -> v1.3.0"
    assert shell.ok("-q", "semver", "v1", "v1").out == "none\n"
    _labels(shell, "four", _0="head", _1="helmet")
    made = shell.ok("--json", "tag", "--semver", "HEAD").json
    assert (made["name"], made["number"]) == ("v2.0.0", 4)
    found = shell.ok("--json", "semver", "v1", "v4").json
    assert (found["level"], found["tag"], found["next"], len(found["reasons"])) == ("major", "v1.2.3", "v2.0.0", 4)
    assert shell.ok("tag", "-l", "v1.2.4").out.endswith("measured again\n")
    for arguments in (("semver", "v1", "v2", "v3"), ("tag", "--semver", "a", "b"), ("semver", "nosuch")):
        assert shell(*arguments).code == 2


def test_only_tags_among_the_ancestors_count_and_the_highest_of_them(shell: Shell) -> None:
    shell.ok("tag", "1.9.0")
    shell.ok("tag", "1.10.0")
    shell.ok("tag", "2.0.0-rc.1")
    shell.ok("switch", "-c", "side")
    shell.set(metrics__mAP50=0.7)
    shell.commit("side")
    shell.ok("tag", "v7.0.0")
    shell.ok("switch", "main")
    shell.set(metrics__mAP50=0.8)
    shell.commit("main")
    assert shell.ok("tag", "--semver").lines[0].startswith("1.10.1 ")
    shell.ok("tag", "1.10.2", "side")
    shell.set(metrics__mAP50=0.9)
    shell.commit("main again")
    assert shell.ok("tag", "--semver").lines[0].startswith("1.10.3 ")  # 1.10.2 is taken on another branch


def test_weights_are_compared_by_their_tensors(shell: Shell) -> None:
    tensors = network(random.Random(1))
    tensors.pop(max(tensors))
    shell.write("w.safetensors", safetensors(tensors))
    shell.commit("smaller")
    shell.write("w.safetensors", safetensors(network(random.Random(2))))
    shell.commit("trained")
    assert shell.ok("semver", "v1", "v2").lines[:1] == ["minor"]
    assert "tensors of model-latest removed" in shell.ok("semver", "v1", "v2").out
    result = mvc.open(shell.folder).model(MODEL).semver("v1")
    assert (result.level, [reason.text for reason in result.reasons]) == ("patch", ["files changed: model-latest"])


def test_a_damaged_graph_is_never_a_patch(shell: Shell) -> None:
    data = (Path(__file__).parents[1] / "formats" / "data" / "everything.onnx").read_bytes()
    for content in (data, data[:60]):
        shell.write("w.onnx", content)
        shell.ok("add", "w.onnx", "--as", "graph")
        shell.commit("graph")
    for words in (("v2", "v3"), ("v3", "v2"), ("v2..v3",)):
        lines = shell.ok("semver", *words).lines
        assert lines[:2] == ["major", "  major  inputs and outputs of graph cannot be compared: one is damaged"]


def test_a_tag_is_not_named_and_deleted_at_once(shell: Shell) -> None:
    assert shell("tag", "--semver", "-d", "v1.0.0").code == 2
    assert shell("tag", "--semver", "-l").code == 2


def test_diff_and_report_call_breaking_what_is_major(shell: Shell) -> None:
    _labels(shell, "two", _1="hat")
    shell.ok("unset", "labelmap.1")
    shell.commit("three")
    _labels(shell, "four", _1="vest")
    for old, new, breaking, reason in (("v1", "v2", 1, "renamed"), ("v2", "v3", 1, "removed"), ("v3", "v4", 0, "")):
        assert shell("--json", "diff", old, new).json["breaking"] is bool(breaking)
        assert ("major" in shell.ok("semver", old, new).lines[0]) is bool(breaking)
        said = shell("ci", "report", old, new, "--fail-on", "breaking")
        assert (said.code, f"classes are {reason}" in said.out) == (breaking, bool(breaking))


def test_before_1_0_0_a_major_change_raises_the_minor_number(shell: Shell) -> None:
    shell.ok("tag", "v0.1.1")
    _labels(shell, "two", _0="helm")
    assert shell.ok("semver").lines[0] == "major: v0.1.1 -> v0.2.0"


def test_a_number_of_another_branch_is_passed_over(shell: Shell) -> None:
    shell.ok("tag", "v1.0.0")
    shell.ok("branch", "side")
    for branch, value in (("main", 0.6), ("side", 0.7)):
        shell.ok("switch", "-q", branch)
        shell.set(metrics__mAP50=value)
        shell.commit(branch)
        if branch == "main":
            shell.ok("tag", "--semver")
    assert shell.ok("semver").lines[0] == "patch: v1.0.0 -> v1.0.2"
    assert shell.ok("--json", "tag", "--semver").json["name"] == "v1.0.2"
