"""`mvc ci report`: the comment of a merge request, its versions by Git commits, and the conditions that fail it."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.porcelain.ci import Condition
from tests.cli.conftest import History
from tests.cli.shell import Shell, begin
from tests.cli.test_review import compare_with_golden
from tests.weights import network, safetensors

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ana",
    "GIT_AUTHOR_EMAIL": "a@x.y",
    "GIT_COMMITTER_NAME": "Ana",
    "GIT_COMMITTER_EMAIL": "a@x.y",
}
RULE = 'intent.require=[{ use = "edge", role = "weights" }]'


@pytest.fixture
def released(shell: Shell, history: History) -> Shell:
    shell.ok(
        "set",
        "metrics.mAP50=0.49",
        "metrics.loss=0.3",
        "parameters.lr=0.1",
        'intent.ready_for=["edge", "training"]',
        RULE,
    )
    shell.commit("Third, for @team")
    return shell


def test_the_report(released: Shell) -> None:
    answer = released(
        "ci",
        "report",
        "v1",
        "v3",
        "--fail-on",
        "breaking",
        "--fail-on",
        "metric:loss:0.1",
        "--link",
        "https://x.example/a b",
    )
    assert (answer.code, answer.err) == (1, "failed: breaking: classes are re-indexed\n")
    compare_with_golden("report.md", answer.out)
    link = "https://x.example/(a)#/part"
    assert "](https://x.example/%28a%29#/part)" in released.ok("ci", "report", "v1", "v3", "--link", link).out
    assert released.ok("ci", "report", "v3", "v3").lines[:4] == [
        "<!-- mvc:helmets -->",
        "<!-- unchanged -->",
        "## helmets v3",
        "",
    ]


CONDITIONS = {
    "breaking": "classes are re-indexed",
    "not-ready": "training/current lacks ",
    "metric:mAP50:-0.005": "mAP50 0.5 -> 0.49 (-0.01)",
    "metric:mAP50:-0": "mAP50 0.5 -> 0.49 (-0.01)",
    "metric:mAP50:-0.01": None,
    "metric:mAP50:0": None,
    "metric:loss:0": None,  # v1 has none
    "metric:none:-1": "none is not set",
}
"""Each condition, and why the third version fails it."""


def test_a_condition_fails_or_does_not(released: Shell) -> None:
    answer = released("--json", "ci", "report", "v1", "v3", *(f"--fail-on={condition}" for condition in CONDITIONS))
    reasons = [(failure["condition"], failure["reason"]) for failure in answer.json["failures"]]
    for condition, reason in CONDITIONS.items():
        found = [text for name, text in reasons if name == condition]
        assert any(text.startswith(reason) for text in found) if reason else not found, condition
    assert answer.code == 1
    passing = [f"--fail-on={condition}" for condition, reason in CONDITIONS.items() if reason is None]
    assert released("ci", "report", "v1", "v3", *passing).code == 0


def test_a_rise_fails_too_and_differences_are_exact(released: Shell) -> None:
    for number, loss in enumerate(("0.1", "0.3", "0.30001"), 4):
        released.ok("set", f"metrics.loss={loss}")
        assert released.commit(f"v{number}")
    for new, code in (("v5", 0), ("v6", 1)):
        assert released("ci", "report", "v4", new, "--fail-on", "metric:loss:0.2").code == code


def test_evaluations_are_compared_by_class_and_may_fail(shell: Shell, history: History) -> None:
    for version, night, head in (("v1", "night@3", 0.8), ("v2", "night@4", 0.75)):
        shell.write("results.csv", f"class,AP50\nhelmet,0.9\nhead,{head}\n".encode())
        shell.ok("eval", "add", version, "--dataset", night, "--file", "results.csv")
    shell.ok("eval", "add", "v2", "--dataset", "day@1", "--file", "results.csv")
    lines = shell.ok("ci", "report", "v1", "v2").lines
    assert lines[lines.index("### Evaluations") + 2 :][:8] == [
        "| dataset | class | metric | v1 | v2 | difference |",
        "| --- | --- | --- | ---: | ---: | ---: |",
        "| night@&#8203;3..4 | all | mAP50 | 0.85 | 0.825 | -0.025 |",
        "| night@&#8203;3..4 | head | AP50 | 0.8 | 0.75 | -0.05 |",
        "| day@&#8203;1 | all | mAP50 | - | 0.825 |  |",
        "| day@&#8203;1 | head | AP50 | - | 0.75 |  |",
        "| day@&#8203;1 | helmet | AP50 | - | 0.9 |  |",
        "",
    ]
    for condition, code in {
        "eval.night.mAP50:-0.025": 0,
        "eval.night.mAP50:-0.02": 1,
        "eval.night.class.head.AP50:-0.01": 1,
        "eval.noon.mAP50:-1": 1,
        "eval.night.a,b:0": 2,
        "eval.:0": 2,
    }.items():
        assert shell("ci", "report", "v1", "v2", "--fail-on", f"metric:{condition}").code == code, condition


def test_a_report_of_evaluations_alone_is_not_unchanged(released: Shell) -> None:
    for night in ("0.6", "0.5"):
        released.write("results.json", f'{{"mAP50": {night}}}'.encode())
        released.ok("eval", "add", "v3", "--dataset", "night@3", "--file", "results.json")
        released.ok("commit", "--allow-empty", "--keep-metrics", "-m", "Measured again") if night == "0.6" else None
    answer = released("ci", "report", "v3", "v4", "--fail-on", "metric:eval.night.mAP50:-0.05")
    assert (answer.code, answer.lines[:5]) == (1, ["<!-- mvc:helmets -->", "## helmets v3..v4", "", "evaluations", ""])


def test_without_a_declared_use_readiness_is_not_presumed(shell: Shell, history: History) -> None:
    answer = shell("ci", "report", "v1", "v2", "--fail-on", "not-ready")
    assert (answer.code, "no use is declared" in answer.err) == (1, True)
    shell.ok("rm", "weights")
    shell.write("w.safetensors", safetensors(network(random.Random(1))))
    shell.ok("add", "w.safetensors", "--as", "weights")
    shell.ok("set", RULE)
    shell.commit("Ready", "--keep-metrics")
    assert shell("ci", "report", "v1", "v3", "--fail-on", "not-ready", "--for", "edge").code == 0
    assert shell("ci", "report", "v1", "v3", "--fail-on", "not-ready", "--for", "training").code == 1


@pytest.mark.parametrize(
    "text", ["", "break", "metric", "metric:", "metric:a", "metric::-1", "metric:a:x", "metric:a:nan", "metric:a:inf"]
)
def test_a_condition_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(errors.BadFailOn):
        Condition.parse(text)


def test_a_metric_with_a_colon_in_its_name() -> None:
    assert Condition.parse("metric:val:acc:-0.5").metric == "val:acc"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of mvc in one of Git: on main v1; on feature v2 and v3, of two commits, and one of its model.toml."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in IDENTITY.items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("committed")
        shell = begin(folder, patch)
        _git(folder, "init", "-q", "-b", "main")
        _commit(shell, ".gitignore", b".mvc\n*.bin\n", "Initial")
        _commit(shell, "code.py", b"1", "Code")
        _version(shell, b"one", 0.5)
        _git(folder, "switch", "-q", "-c", "feature")
        shell.ok("switch", "-c", "feature")
        _commit(shell, "code.py", b"2", "Better")
        _version(shell, b"two", 0.6)
        _commit(shell, "code.py", b"3", "Best")
        _version(shell, b"three", 0.7)
    return folder


@pytest.fixture
def checkout(committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A copy of it."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    shutil.copytree(committed, tmp_path, symlinks=True, dirs_exist_ok=True)
    shell = Shell(tmp_path, monkeypatch)
    shell.tick(3 * 86_400)
    return shell


def _commit(shell: Shell, path: str, data: bytes, message: str) -> None:
    shell.write(path, data)
    _git(shell.folder, "add", "-A")
    _git(shell.folder, "commit", "-q", "-m", message)


def _version(shell: Shell, data: bytes, metric: float) -> None:
    shell.write("w.bin", data)
    shell.ok("add", "w.bin", "--as", "weights")
    shell.set(metrics__mAP50=metric)
    shell.commit(f"Version {metric}")
    _git(shell.folder, "add", "-A")
    _git(shell.folder, "commit", "-q", "-m", f"model.toml {metric}")


def _sides(shell: Shell, base: str, head: str, *more: str) -> tuple[Any, ...]:
    document = shell.ok(*more, "--json", "ci", "report", "--git", str(shell.folder), base, head).json
    return tuple(document[side] and document[side]["number"] for side in ("old", "new"))


def test_versions_belong_to_git_commits(checkout: Shell, tmp_path: Path) -> None:
    folder = checkout.folder
    assert _sides(checkout, "main", "feature") == (1, 3)
    assert _sides(checkout, "main", "feature~1") == (1, 2)  # the code is newer than its version
    assert _sides(checkout, "main~2", "main") == (None, 1)
    new = checkout.ok("ci", "report", "--git", str(folder), "main~2", "main").lines
    assert new[1:4] == ["## helmets nothing..v1", "", "1 file, about, metrics, tracked"]
    assert _sides(checkout, "main", "main") == (1, 1)
    answer = checkout("ci", "report", "--git", str(folder), "main~2", "main~2")
    assert (answer.code, answer.out, "no version of helmets" in answer.err) == (1, "", True)
    checkout.ok("remote", "add", "origin", str(tmp_path / "remote"))
    checkout.ok("push", "origin", "--all")
    checkout.ok("clone", "--meta", str(tmp_path / "remote"), str(tmp_path / "meta"))
    assert _sides(checkout, "main", "feature", "-C", str(tmp_path / "meta")) == (1, 3)
    report = checkout.ok("-C", str(tmp_path / "meta"), "ci", "report", "--git", str(folder), "main", "feature").out
    assert "| mAP50 | 0.5 | 0.7 | +0.2 |" in report


def test_values_that_no_version_has_are_told(checkout: Shell) -> None:
    arguments = ("ci", "report", "--git", str(checkout.folder), "main", "feature")
    assert checkout(*arguments, "--fail-on", "uncommitted").code == 0
    text = (checkout.folder / "model.toml").read_bytes()
    _commit(checkout, "model.toml", text + b"\n# a comment\n", "No other value")
    assert checkout(*arguments, "--fail-on", "uncommitted").code == 0
    checkout.set(metrics__mAP50=0.3)
    _git(checkout.folder, "commit", "-q", "-a", "-m", "Forgot mvc commit")
    (checkout.folder / "another").mkdir()
    _commit(checkout, "another/model.toml", b'[model]\nname = "another"\n', "Another model, which is first in the tree")
    assert "**model.toml in Git has values that no version has: metrics." in checkout.ok(*arguments).out
    assert checkout.ok("--json", *arguments).json["uncommitted"] == ["metrics"]
    said = checkout(*arguments, "--fail-on", "uncommitted")
    assert (said.code, "failed: uncommitted: no version has the metrics of model.toml in Git" in said.err) == (1, True)
    assert checkout("ci", "report", "main", "feature", "--fail-on", "uncommitted").code == 2


def test_a_link_is_an_address_of_the_web(released: Shell) -> None:
    said = released("ci", "report", "v1", "v3", "--link", "javascript:x")
    assert (said.code, said.out, "https://" in said.err) == (2, "", True)


def test_a_squash_merge_keeps_the_version(checkout: Shell) -> None:
    folder = checkout.folder
    _git(folder, "switch", "-q", "main")
    _git(folder, "merge", "-q", "--squash", "feature")
    _git(folder, "commit", "-q", "-m", "Squashed")
    _git(folder, "branch", "-q", "-D", "feature")
    assert _sides(checkout, "main~1", "main") == (1, 3)


def test_a_version_with_the_same_text_is_told_by_its_commit(checkout: Shell) -> None:
    """As where values come from files: several versions have one model.toml."""
    checkout.ok("switch", "feature")
    _commit(checkout, "code.py", b"4", "Other weights")
    checkout.write("w.bin", b"four")
    checkout.ok("commit", "-m", "Four", "--keep-metrics")
    assert _sides(checkout, "main", "feature~1") == (1, 3)
    assert _sides(checkout, "feature~1", "feature") == (3, 4)


def test_commits_that_are_not_there_are_named(checkout: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp_path = tmp_path_factory.mktemp("elsewhere")
    for commit in ("none", "--output=x", "HEAD:model.toml"):
        answer = checkout("ci", "report", "--git", str(checkout.folder), "--", commit, "main")
        assert (answer.code, answer.out, "fetch-depth: 0" in answer.err) == (2, "", True)
    _commit(checkout, "model.toml", b"[model]\nname = 'helmets'\n", "Edited by hand")
    shallow = tmp_path / "shallow"
    _git(tmp_path, "clone", "-q", "--depth", "1", f"file://{checkout.folder}", str(shallow))
    answer = checkout("ci", "report", "--git", str(shallow), "HEAD", "HEAD")
    assert (answer.code, "lacks older commits" in answer.err) == (2, True)
    (tmp_path / "plain").mkdir()
    assert checkout("ci", "report", "--git", str(tmp_path / "plain"), "HEAD", "HEAD").code == 2
    assert checkout("ci", "report", "--git", str(tmp_path / "absent"), "HEAD", "HEAD").code == 2
