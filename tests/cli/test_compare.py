"""`mvc compare`: the keys in which versions differ, with the best value of each metric."""

from __future__ import annotations

import csv

import pytest

import mvc
from mvc import errors
from tests.cli.conftest import History
from tests.cli.shell import Shell


@pytest.fixture
def third(shell: Shell, history: History) -> str:
    shell.ok("set", "metrics.mAP50=0.7", "metrics.val_loss=0.2", "parameters.lr=0.1", "model.description=a | b")
    return shell.commit("Third")


def test_the_keys_in_which_versions_differ(shell: Shell, history: History, third: str) -> None:
    files = [shell.ok("show", rev, "--json").json["files"][0]["file"][:10] for rev in ("v1", "side")]
    lines = [
        "key                v1          v2 on side  v3",
        f"id                 {history.first[:10]}  {history.side[:10]}  {third[:10]}",
        "metrics.mAP50      0.5         0.61        0.7 *",
        "metrics.val_loss   -           -           0.2",
        "parameters.lr      -           -           0.1",
        "labelmap.0         helmet      helmet      head",
        "labelmap.1         head        head        helmet",
        "model.description  -           -           a | b",
        f"file.weights.id    {files[0]}  {files[1]}  {files[0]}",
    ]
    assert shell.ok("compare", "v1", "side", "HEAD", "--files").lines == lines
    assert shell.ok("compare", "v1", "side", "HEAD").lines == [*lines[:-1], "1 file differs; --files shows it"]
    assert "file.weights.size,120000,150000,120000" in shell.ok("compare", "v1", "side", "HEAD", "--csv").lines
    shell.ok("branch", "same", "HEAD")
    shell.ok("commit", "--allow-empty", "-m", "Same")
    assert shell.ok("compare", "same", "main").lines == ["The versions have the same values and files."]


def test_for_programs_and_merge_requests(shell: Shell, history: History, third: str) -> None:
    shell.ok("set", "metrics.val_loss=0.3")
    fourth = shell.commit("Fourth")
    assert shell.ok("compare", third, fourth, "--md").lines == [
        "| key | v3 | v4 |",
        "| --- | --- | --- |",
        f"| id | {third[:10]} | {fourth[:10]} |",
        "| metrics.val_loss | **0.2** | 0.3 |",
    ]
    rows = list(csv.reader(shell.ok("compare", "v1", third, "--csv").lines))
    assert rows[:3] == [["key", "v1", "v3"], ["id", history.first, third], ["metrics.mAP50", "0.5", "0.7"]]
    document = shell.ok("compare", third, fourth, "--json").json
    assert document["keys"] == [{"key": "metrics.val_loss", "values": [0.2, 0.3], "best": [0]}]
    model = mvc.open(shell.folder).model("helmets")
    assert repr(model.compare("v3", model["v4"])) == "<Comparison helmets v3, helmets v4: 1 key differs>"


def test_versions_of_two_models_and_how_many(shell: Shell, history: History, third: str) -> None:
    (shell.folder / "hats").mkdir()
    shell.ok("-C", "hats", "init", "--model", "hats")
    shell.ok("-C", "hats", "set", "metrics.mAP50=0.9")
    shell.ok("-C", "hats", "commit", "-m", "Hats")
    lines = shell.ok("--model", "helmets", "compare", "hats@v1", "v1").lines
    assert lines[0].split("  ")[0] == "key"
    assert "hats v1" in lines[0]
    assert any(line.split() == ["metrics.mAP50", "0.9", "*", "0.5"] for line in lines)
    answer = shell("--model", "helmets", "compare", "v1", "2026.1")
    assert (answer.code, answer.out) == (2, "")
    assert "1 version was given; between 2 and 20 different ones can be compared." in answer.err
    with pytest.raises(errors.UnknownRevision):
        mvc.open(shell.folder).model("helmets").compare("v1", "nowhere")
