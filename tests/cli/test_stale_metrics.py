"""Metrics set by hand hold for the weights that they were measured on; names of metrics are as trainers write them."""

from __future__ import annotations

from pathlib import Path

import pytest

import mvc
from mvc import errors
from tests.cli.shell import MODEL, Shell, begin

STALE = "unchanged although the weights changed: mAP50 0.71 was measured on v1's weights"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v1 and v2 have the same weights and metric."""
    shell = begin(tmp_path, monkeypatch)
    shell.write("best.pt", b"weights of v1")
    shell.ok("add", "best.pt", "--as", "model-latest")
    shell.set(metrics__mAP50=0.71)
    shell.commit("one")
    shell.set(parameters__note="x")
    shell.commit("two")
    return shell


def test_new_weights_with_the_old_metrics_are_a_warning(shell: Shell) -> None:
    assert STALE not in shell.ok("status").out
    shell.write("best.pt", b"other weights")
    assert STALE in shell.ok("status").out
    assert [rule["key"] for rule in shell.ok("status", "--json").json["rules"]] == ["metrics"]
    assert STALE in shell.ok("commit", "-m", "three", "--dry-run").err
    said = shell.ok("commit", "-m", "three", "--json")
    assert [warning["key"] for warning in said.json["warnings"]] == ["metrics"]
    assert STALE not in shell.ok("status").out


@pytest.mark.parametrize(
    "answer",
    [
        ["set", "metrics.mAP50=0.8"],
        ["set", "metrics.recall=0.8"],
        ["unset", "metrics"],
        ["commit", "-m", "three", "--keep-metrics"],
        ["config", "metrics.stale", "ignore"],
    ],
)
def test_each_answer_ends_the_warning(shell: Shell, answer: list[str]) -> None:
    shell.write("best.pt", b"other weights")
    assert "weights" not in shell.ok(*answer).err
    assert "measured on" not in shell.ok("status").out


def test_metrics_that_came_back_were_measured_on_the_weights_of_then(shell: Shell) -> None:
    for text, value in (("three", 0.6), ("four", 0.71)):
        shell.write("best.pt", text.encode())
        shell.set(metrics__mAP50=value)
        shell.commit(text)
    shell.write("best.pt", b"other weights")
    assert STALE.replace("v1's", "v4's") in shell.ok("status").out


def test_what_replaces_no_weights_is_no_reason(shell: Shell) -> None:
    shell.write("best.onnx", b"exported")
    shell.ok("add", "best.onnx", "--as", "exported")
    shell.write("notes.txt", b"notes")
    shell.ok("add", "notes.txt", "--as", "notes")
    assert "measured on" not in shell.ok("status").out
    (shell.folder / "runs").mkdir()
    (shell.folder / "best.pt").rename(shell.folder / "runs/best.pt")
    shell.ok("set", "files.model-latest=runs/best.pt")
    assert "measured on" not in shell.ok("status").out
    assert "measured on" not in shell.ok("commit", "-m", "moved").err


def test_metrics_of_a_file_that_did_not_change_are_stale(shell: Shell) -> None:
    shell.write("metrics.json", b'{"mAP50": 0.71}')
    shell.ok("set", "from.metrics=metrics.json")
    shell.commit("three")
    shell.write("best.pt", b"other weights")
    stale = STALE.replace("unchanged", "unchanged in metrics.json")
    assert stale in shell.ok("status").out
    assert stale in shell.ok("commit", "-m", "four", "--dry-run").err
    shell.write("metrics.json", b'{"mAP50":  0.71}')  # written again, with the same number
    assert "measured on" not in shell.ok("status").out
    (shell.folder / "metrics.json").unlink()
    shell.write("run2.json", b'{"mAP50": 0.71}')
    shell.ok("set", "from.metrics=run2.json")
    assert "measured on" not in shell.ok("commit", "-m", "four").err


def test_a_team_may_refuse_them(shell: Shell) -> None:
    assert shell("config", "metrics.stale", "never").code == 2
    shell.ok("config", "metrics.stale", "refuse")
    shell.write("best.pt", b"other weights")
    refused = shell("commit", "-m", "three")
    assert (refused.code, STALE in refused.err) == (17, True)
    assert "--keep-metrics" in refused.err
    assert shell("commit", "-m", "three", "--dry-run").code == 17
    assert f"error  metrics: {STALE}" in shell.ok("status").out
    model = mvc.open(shell.folder).model(MODEL)
    with pytest.raises(errors.StaleMetrics):
        model.commit("three")
    assert model.commit("three", keep_metrics=True).warnings == ()
    assert shell.ok("fsck").code == 0


def test_check_names_metrics_of_other_weights(shell: Shell) -> None:
    shell.ok("set", 'intent.require=[{ use = "ours", metric = "mAP50", min = 0.7 }]')
    assert shell.ok("check", "--for", "ours", "--json").json["warnings"] == []
    shell.commit("three")
    shell.write("best.pt", b"other weights")
    assert STALE in shell.ok("check", "--for", "ours").out
    shell.commit("four")
    assert STALE not in shell.ok("check", "--for", "ours").out
    assert STALE in shell.ok("check", "v4", "--for", "ours").out
    assert [each["key"] for each in shell.ok("check", "v4", "--for", "ours", "--json").json["warnings"]] == ["metrics"]
    assert STALE not in shell.ok("check", "v3", "--for", "ours").out


NAMES = ("metrics/mAP50(B)", "val.acc", "mAP50-95", "top-1 acc", "F1@0.5")


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_has_the_name_that_its_trainer_gave_it(shell: Shell, name: str) -> None:
    key = f'metrics."{name}"'
    shell.ok("set", f"{key}=0.5")
    shell.commit("three")
    shell.ok("set", f"{key}=0.75")
    shell.ok("set", f'intent.require=[{{ use = "ours", metric = {name!r}, min = 0.9 }}]')
    shell.commit("four")
    assert shell.ok("get", key).out == "0.75\n"
    found = shell.ok("log", "--where", f"{key} > 0.6", "--json").json["versions"]
    assert [entry["number"] for entry in found] == [4]
    assert [entry["number"] for entry in shell.ok("log", "--sort", key, "-n", "1", "--json").json["versions"]] == [4]
    assert "0.75" in shell.ok("log", "--columns", key).out
    assert shell.ok("log", "-n", "1", "--format", f"{{{key}}}").out == "0.75\n"
    assert "0.75" in shell.ok("compare", "v3", "v4").out
    assert "0.5 -> 0.75" in shell.ok("diff", "v3", "v4").out
    failed = shell("check", "--for", "ours")
    assert (failed.code, name in failed.out) == (1, True)
    shell.ok("set", f"{key}=0.95")
    shell.ok("check", "--for", "ours")
    shell.ok("unset", key)
    assert shell("get", key).code == 1
