"""`mvc bisect`: what is proposed, marked, recorded and printed, and a command that tests versions in a folder of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.api.version import Version
from mvc.model.ids import VersionId
from mvc.repository import reachable
from mvc.storage.records.unfinished import bisections
from tests.cli.shell import MODEL, START, Shell, begin
from tests.docs import forks, pasted

PAGE = (pasted.TOP / "docs" / "how-to" / "bisect.md").read_text(encoding="utf-8")
MVC = (sys.executable, "-m", "mvc")
MAP = (0.71, 0.72, 0.73, 0.71, 0.72, 0.66, 0.67, 0.68)
FIRST_BAD = 6


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 to 8: v4 renumbers a class, and from v6 on the weights are those of nights."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("eight")
        shell = begin(folder, patch)
        for number, value in enumerate(MAP, 1):
            shell.write("weights/best.txt", f"{number} {'night' if number >= FIRST_BAD else 'day'}\n".encode())
            if number == 1:
                shell.ok("add", "weights/best.txt", "--as", "model-latest")
                shell.set(labelmap__0="helmet", labelmap__1="head")
            if number == 4:
                shell.set(labelmap__0="vest", labelmap__1="helmet", labelmap__2="head")
            shell.set(metrics__mAP50=value, metrics__val_loss=round(1 - value, 2))
            shell.commit(f"Training {number}")
    return folder


@pytest.fixture
def shell(eight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    folder = tmp_path / "repository"
    subprocess.run(["cp", "-a", eight, folder], check=True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return Shell(folder, monkeypatch)


def _proposed(shell: Shell) -> int:
    number: int = shell.ok("--json", "bisect").json["next"]["number"]
    return number


def _left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".mvc-bisect")]


def test_good_and_bad_by_hand(shell: Shell) -> None:
    said = shell.ok("bisect", "start", "HEAD", "v1")
    assert said.lines[0] == "Bisecting: 3 versions left to test after this (roughly 2 steps)"
    assert said.lines[1].startswith("v4 ")
    assert "Bisect in progress" in shell.ok("status").out
    assert shell.ok("bisect", "good").lines[1].startswith("v6 ")
    assert shell.ok("bisect", "bad").lines[1].startswith("v5 ")
    assert "is the first bad version" in shell.ok("bisect", "good").out
    assert shell.ok("bisect").lines[0].startswith("v6 ")
    assert shell("bisect", "good").code == errors.BisectOver.exit_code
    assert shell.ok("bisect", "reset").out == "Ended the bisect of helmets\n"
    assert shell.ok("bisect", "reset").out == "No bisect is in progress\n"
    assert "Bisect" not in shell.ok("status").out


def test_the_ends_may_be_marked_later_and_in_any_order(shell: Shell) -> None:
    assert "a bad and a good version" in shell.ok("bisect", "start").out
    assert "a bad version" in shell.ok("bisect", "good", "v1", "v2").out
    assert shell("bisect", "run", "true").code == errors.BisectIncomplete.exit_code
    shell.ok("bisect", "bad")
    assert _proposed(shell) == 5


def test_nothing_is_changed_without_a_bisect_and_by_marks_that_contradict(shell: Shell) -> None:
    for verb in (("good",), ("skip",), ("run", "true"), ("log",), ()):
        assert shell("bisect", *verb).code == errors.NoBisect.exit_code
    said = shell("bisect", "start", "v1", "v8")
    assert said.code == errors.BisectContradiction.exit_code
    assert "v1" in said.err
    assert bisections.recorded(shell.repository.door, MODEL) is None
    for words in (("v3", "v3"), ("v8", "v1", "HEAD")):
        said = shell("bisect", "start", *words)
        assert (said.code, "cannot be both the bad and the good version" in said.err) == (2, True), said
    assert shell("bisect").code == errors.NoBisect.exit_code
    shell.ok("bisect", "start", "v8", "v2")
    before = shell.ok("bisect", "log").out
    assert shell("bisect", "bad", "v1").code == errors.BisectContradiction.exit_code
    assert shell("bisect", "good", "nosuch").code == 2
    assert shell.ok("bisect", "log").out == before


def test_a_mistake_is_corrected_by_another_mark(shell: Shell) -> None:
    shell.ok("bisect", "start", "v8", "v1")
    shell.ok("bisect", "bad")
    shell.ok("bisect", "good", "v4")
    assert _proposed(shell) == 6


def test_skipped_versions(shell: Shell) -> None:
    shell.ok("bisect", "start", "HEAD", "v1")
    shell.ok("bisect", "skip", "v4..v7")
    assert _proposed(shell) in {3, 4}
    said = shell("bisect", "good", "v4")
    assert said.code == shell("bisect").code == 1
    assert [line.split()[0] for line in said.lines[1:]] == ["v8", "v5", "v6", "v7"]


def test_the_log_is_a_script(shell: Shell) -> None:
    shell.ok("bisect", "start", "--first-parent", "HEAD", "v1")
    shell.ok("bisect", "good")
    shell.ok("bisect", "skip")
    state, lines = shell.ok("--json", "bisect").json, shell.ok("bisect", "log").lines
    shell.ok("bisect", "reset")
    for line in lines:
        shell.ok(*line.split()[1:])
    assert shell.ok("--json", "bisect").json == state


def test_a_bisect_follows_a_renamed_model_and_keeps_what_it_names(shell: Shell) -> None:
    tip = VersionId(shell.ok("rev-parse", "HEAD").out.strip())
    shell.ok("bisect", "start", "v8", "v1")
    shell.ok("models", "rename", MODEL, "hats")
    assert _proposed(shell) == 4
    shell.ok("reset", "--hard", "v2")
    late = START + 100 * 86_400
    assert tip in reachable.reachable(shell.repository, late)
    shell.ok("bisect", "reset")
    assert tip not in reachable.reachable(shell.repository, late)


def test_a_damaged_record_is_found_and_can_be_removed(shell: Shell) -> None:
    shell.ok("bisect", "start", "v8", "v1")
    path = shell.folder / ".mvc" / bisections.path(MODEL)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"good", b"GOOD"))
    assert shell("bisect").code == 14
    assert "bisect" in shell("fsck").out
    shell.ok("bisect", "reset")
    shell.ok("fsck")


# --- run


def test_a_command_tests_each_version_in_a_folder_of_its_own(shell: Shell, tmp_path: Path) -> None:
    script = shell.folder / "test.sh"
    script.write_text(
        '#!/bin/sh\necho "$MVC_VERSION $PWD $(echo *)" >> "$OLDPWD/seen"\nrm -r weights/../model.toml\n! grep -q night weights/*\n'
    )
    script.chmod(0o755)
    head, before = shell.ok("rev-parse", "HEAD").out, (shell.folder / "weights/best.txt").read_bytes()
    shell.ok("bisect", "start", "HEAD", "v1")
    said = shell.ok("bisect", "run", "./test.sh")
    assert said.lines[0].startswith("v6 ")
    assert said.err.splitlines()[0].endswith(" good")
    seen = [line.split() for line in (shell.folder / "seen").read_text().splitlines()]
    assert [line[0] for line in seen] == [shell.ok("rev-parse", name).out.strip() for name in ("v4", "v6", "v5")]
    assert all(Path(line[1]).parents[1] == tmp_path and line[2:] == ["model.toml", "weights"] for line in seen)
    assert _left(tmp_path) == []
    assert (shell.ok("rev-parse", "HEAD").out, (shell.folder / "weights/best.txt").read_bytes()) == (head, before)
    assert shell.ok("-q", "bisect").out.strip() == seen[1][0]


@pytest.mark.parametrize(
    ("code", "exit_code", "marks"), [(125, 1, 8), (1, 0, 4), (127, 128, 2), (128, 128, 2), (255, 128, 2)]
)
def test_the_exit_code_of_the_command_is_the_verdict(shell: Shell, code: int, exit_code: int, marks: int) -> None:
    shell.ok("bisect", "start", "HEAD", "v1")
    said = shell("bisect", "run", "sh", "-c", f"exit {code}")
    assert said.code == exit_code
    assert len(shell.ok("bisect", "log").lines) == 1 + marks


def test_a_command_that_does_not_exist_marks_nothing(shell: Shell, tmp_path: Path) -> None:
    shell.ok("bisect", "start", "HEAD", "v1")
    for command, code in (("no-such-command", 127), ("weights/best.txt", 126)):
        said = shell("bisect", "run", command)
        assert (said.code, "`mvc bisect run -- " in said.err, "mvc run" in said.err) == (code, True, False), said
    for code, what in ((126, "run"), (127, "find")):
        said = shell("bisect", "run", "sh", "-c", f"exit {code}")
        assert (said.code, f"a shell that cannot {what} it" in said.err) == (128, True), said
    assert _proposed(shell) == 4
    assert _left(tmp_path) == []


def _process(shell: Shell, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*MVC, *arguments], cwd=shell.folder, stdin=-1, stdout=-1, stderr=-1, text=True)


def _until_it_runs(running: subprocess.Popen[str]) -> None:
    assert running.stdout is not None
    assert running.stdout.readline() == "runs\n"


def test_input_and_output_are_those_of_the_command(shell: Shell) -> None:
    shell.ok("bisect", "start", "HEAD", "v1")
    with _process(shell, "bisect", "run", "sh", "-c", "read line; echo got $line; exit 1") as running:
        out, _ = running.communicate("a\nb\nc\n")
    assert out.splitlines()[:2] == ["got a", "got b"]
    shell.ok("bisect", "start", "HEAD", "v1")
    with _process(shell, "--json", "bisect", "run", "echo", "hello") as running:
        out, err = running.communicate()
    assert json.loads(out)["found"][0]["number"] == 8
    assert err.count("hello") == 3


def test_a_signal_stops_the_bisect_and_the_state_stays(shell: Shell, tmp_path: Path) -> None:
    shell.ok("bisect", "start", "HEAD", "v1")
    with _process(shell, "bisect", "run", "sh", "-c", 'trap "exit 1" TERM; echo runs; read line') as running:
        _until_it_runs(running)
        running.send_signal(signal.SIGTERM)
        running.communicate("\n")
    assert running.returncode == 143, "the answer of a command that was interrupted does not count"
    assert _proposed(shell) == 4
    assert _left(tmp_path) == []


def test_what_a_killed_bisect_left_is_removed_by_the_next_one(shell: Shell, tmp_path: Path) -> None:
    shell.ok("bisect", "start", "HEAD", "v1")
    with _process(shell, "bisect", "run", "sh", "-c", "echo runs; read line") as running:
        _until_it_runs(running)
        running.kill()
        running.communicate()
    assert len(_left(tmp_path)) == 1
    assert "first bad version" in shell.ok("bisect", "run", "sh", "-c", "! grep night weights/*").out
    assert _left(tmp_path) == []


# --- from records


def _found(shell: Shell, *arguments: str) -> tuple[int, int]:
    found = shell.ok("--json", "bisect", *arguments).json
    return found["first"]["number"], found["good"]["number"]


def test_the_version_that_dropped_a_metric(shell: Shell) -> None:
    assert _found(shell, "--metric", "mAP50", "--drop", "0.05") == (6, 3)
    assert _found(shell, "--metric", "mAP50", "--drop", "0.02") == (4, 3), "0.73 to 0.71 is 0.02, whatever floats say"
    assert _found(shell, "--metric", "mAP50", "--drop", "0.05", "v2", "HEAD") == (6, 2)
    assert _found(shell, "find", "--metric", "metrics.val_loss", "--drop", "0.05") == (6, 3), "a loss rises"
    assert shell("bisect", "--metric", "mAP50", "--drop", "0.5").code == 1
    assert shell("bisect", "--metric", "mAP50", "--drop", "0.02", "v1", "v3").code == 1
    said = shell("bisect", "--metric", "map", "--drop", "0.02")
    assert (said.code, "metrics.mAP50" in said.err) == (2, True)
    for arguments in (
        ("--metric", "mAP50"),
        ("find",),
        ("--class", "a", "--drop", "1"),
        *(("--metric", "mAP50", f"--drop={drop}") for drop in ("0", "-1", "nan", "inf", "x")),
        ("--class", "helmet", "v1", "v2", "v3"),
        *(("--drop", "0.02"), ("--drop=0.02",), ("--drop", "0.02", "start")),
        *(
            (*kind, *ends)
            for kind in (("--metric=mAP50", "--drop=1"), ("--class=helmet",))
            for ends in (("v2", "v2"), ("v3", "v1"))
        ),
    ):
        assert shell("bisect", *arguments).code == 2, arguments


def test_the_version_that_dropped_a_metric_of_an_evaluation(shell: Shell) -> None:
    for number, value in ((1, 0.5), (2, 0.7), (4, 0.69), (6, 0.6), (7, 0.7)):
        shell.write("results.json", json.dumps({"metrics": {"mAP50": value, "loss": 1 - value}}).encode())
        shell.ok("eval", "add", f"v{number}", "--dataset", "night@3", "--file", "results.json")
    for key in ("eval.night.mAP50", 'eval."night@3".mAP50', "eval.night.loss"):
        assert _found(shell, "--metric", key, "--drop", "0.02", "v2", "HEAD") == (6, 2), key
    assert _found(shell, "--metric", "eval.night.mAP50", "--drop", "0.01", "v2", "HEAD") == (4, 2)
    assert "eval.night.mAP50 = 0.6" in shell.ok("bisect", "--metric", "eval.night.mAP50", "--drop=0.02", "v2", "v7").out
    for key, hint in (("eval.night.map50", "eval.night.mAP50"), ("eval.noon.mAP50", "No version"), ("eval.", "eval.")):
        said = shell("bisect", "--metric", key, "--drop", "0.02")
        assert (said.code, hint in said.err) == (2, True), said


def test_versions_without_the_metric_are_passed_over_and_merges_are_named_for_what_they_do(shell: Shell) -> None:
    shell.ok("switch", "-c", "side", "v1")
    shell.set(metrics__mAP50=0.5)
    shell.commit("Low, and never as good as v3")
    shell.ok("switch", "main")
    shell.ok("unset", "metrics.mAP50")
    shell.commit("v9, not measured")
    shell.set(metrics__mAP50=0.73)
    shell.commit("v10")
    shell.ok("merge", "side", "--theirs", "-m", "v11")
    assert _found(shell, "--metric", "mAP50", "--drop", "0.02") == (11, 10), "v1 had 0.71 already"
    assert _found(shell, "--metric", "mAP50", "--drop", "0.05") == (2, 10), "v2 on side"


def test_the_version_that_removed_or_renumbered_a_class(shell: Shell) -> None:
    said = shell.ok("bisect", "--class", "helmet")
    assert said.lines[0].startswith("v4 ")
    assert said.lines[1] == "  labelmap.helmet: renumbered from 0 to 1"
    said = shell("bisect", "--class", "helmet", "v4")
    assert (said.code, said.out) == (1, "")
    shell.ok("unset", "labelmap.2")
    shell.commit("no head")
    assert shell.ok("bisect", "--class=head", "v4").lines[1] == "  labelmap.head: removed"
    shell.set(labelmap__1="hat")
    shell.commit("hat")
    assert shell.ok("bisect", "--class", "helmet", "v4", "HEAD").lines[1] == "  labelmap.helmet: renamed to hat"
    assert shell("bisect", "--class", "dog").code == 2


# --- pages and Python


def test_the_page_can_be_pasted(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    shell.folder.rename(tmp_path / "a" / "b")
    with forks.program(tmp_path / "bin") as program:
        done = pasted.paste(PAGE, tmp_path, program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ended the bisect" in done.stdout


def test_from_python(shell: Shell) -> None:
    model = mvc.open(shell.folder).model(MODEL)
    tested: list[int] = []

    def judge(version: Version) -> bool | None:
        tested.append(version.number)
        return None if version.number == 4 else b"night" not in version.files["model-latest"].read()

    found = model.bisect("v1", "HEAD", judge)
    assert found.first_bad is not None
    assert (found.first_bad.number, tested[0], len(tested) <= 4) == (FIRST_BAD, 4, True)
    assert model.bisect(["v1", model["v2"]], model["v8"], lambda _: None).first_bad is None
    assert bisections.recorded(shell.repository.door, MODEL) is None
    assert model.find_drop("mAP50", 0.05).first.number == FIRST_BAD
    assert model.find_class_change("helmet", good="v2").change == "renumbered from 0 to 1"
    with pytest.raises(errors.NothingDropped):
        model.find_drop("mAP50", 0.05, bad="v5")
    with pytest.raises(errors.BisectSameVersion):
        model.bisect("v1", "v1", lambda _: True)
    for drop in (float("nan"), 0):
        with pytest.raises(errors.BadDrop):
            model.find_drop("mAP50", drop)
