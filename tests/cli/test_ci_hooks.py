"""`mvc ci check`, `committed` and `no-weights`: the hooks of pre-commit, alone and run by pre-commit itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.release.dist import TOP

MANIFEST = ".pre-commit-hooks.yaml"
BIN = Path(sys.executable).parent
GOOD = b'[model]\nname = "m"\n[labelmap]\n0 = "a"\n1 = "b"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD, None),
        (b"[model\n", "model.toml: line 1, column 7"),
        (b'[model]\nname = "m"\ntyp = "x"\n', "Did you mean model.type?"),
        (b'[model]\nname = "m"\n[labelmap]\n0 = "a"\n2 = "b"\n', "class 1 is missing"),
        (b'[model]\nname = "m"\n[labelmap]\npath = "labels.json"\n', "class 1 is missing"),
        (b'[model]\nname = "m"\n[from]\nlabelmap = "broken.json"\n', "broken.json"),
        (
            b'[model]\nname = "m"\n[labelmap]\npath = "absent.json"\n',
            "absent.json, which the labelmap is taken from, does",
        ),
        (
            b'[model]\nname = "m"\n[from]\nlabelmap = "absent.json"\n',
            "absent.json, which the labelmap is taken from, does",
        ),
        (b'[model]\nname = "m"\n[from]\nmetrics = "absent.csv"\n', "absent.csv, which metrics are taken from, does"),
        (
            b'[model]\nname = "m"\n[from]\nparameters = "absent.yaml"\n',
            "absent.yaml, which parameters are taken from, d",
        ),
        (b'[model]\nname = "m"\n[from]\nparameters = "broken.json"\n', "broken.json"),
        (b'[model]\nname = "m"\n[from]\nmetrics = "runs/r.csv"\nparameters = "runs/a.yaml"\n', None),
        (b'[model]\nname = "m"\n[from]\nmetrics = "t/r.csv"\n[files]\nlog = "t/*.csv"\n', None),
        (b'[model]\nname = "m"\n[labelmap]\npath = "../x.json"\n', "../x.json"),
    ],
)
def test_a_model_toml_is_checked_without_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, message: str | None
) -> None:
    """A file that Git ignores, or that mvc tracks, may be absent: a checkout of Git does not have it."""
    shell = Shell(tmp_path, monkeypatch)
    _run(tmp_path, "git", "init", "--quiet")
    shell.write(".gitignore", b"runs\n")
    shell.write("labels.json", b'{"0": "a", "2": "b"}')
    shell.write("broken.json", b'{"0"')
    shell.write("a/model.toml", GOOD)
    shell.write("model.toml", text)
    answer = shell("ci", "check", "a/model.toml", "model.toml")
    assert answer.code == int(message is not None)
    assert message is None or message in answer.out
    assert not (tmp_path / ".mvc").exists()


def test_a_file_that_is_absent_or_hostile_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(tmp_path, monkeypatch)
    shell.write("model.toml", b'[model]\nname = "m"\n"\\u001b[31m" = 1\n')
    answer = shell("ci", "check", "none.toml", "model.toml", ".")
    assert answer.code == 1
    assert len([line for line in answer.lines if not line.startswith(" ")]) == 3
    assert "\x1b" not in answer.out


def test_values_that_were_not_committed_are_refused(empty: Shell) -> None:
    shell = empty
    assert shell("ci", "committed", "model.toml").code == 1
    shell.write("w.pt", b"one")
    shell.ok("add", "w.pt", "--as", "weights")
    shell.set(metrics__mAP50=0.5)
    shell.commit("First")
    assert shell.ok("ci", "committed", "model.toml").out == ""
    text = (shell.folder / "model.toml").read_bytes()
    shell.write("model.toml", b"# a comment\n" + text)
    assert shell.ok("ci", "committed", "model.toml").out == ""
    shell.set(metrics__mAP50=0.6)
    answer = shell("ci", "committed", "model.toml")
    assert (answer.code, answer.out) == (1, "model.toml: no version has these values (metrics)\n  mvc commit\n")
    shell.commit("Second")
    shell.write("model.toml", text)  # as after a switch of Git's branches
    assert shell.ok("ci", "committed", "model.toml").out == ""
    assert shell("-C", "/", "ci", "committed", "model.toml").code in (2, 10)
    shell.write("b/model.toml", GOOD)
    assert "m is not a model of this repository" in shell("ci", "committed", "b/model.toml").out


def test_tracked_weights_are_refused(empty: Shell) -> None:
    shell = empty
    shell.write(
        "model.toml", b'[model]\nname = "helmets"\n[files]\na = "best.pt"\nb = "runs/**"\nc = "args.yaml"\nd = "[z"\n'
    )
    shell.write("other/model.toml", b"no toml")
    files = [
        "best.pt",
        "x/best.pt",
        "runs/1/last.ONNX",
        "runs/1/args.yaml",
        "args.yaml",
        "other/best.pt",
    ]
    for file in files:
        shell.write(file, b"bytes")
    answer = shell("--json", "ci", "no-weights", *files)
    assert answer.code == 1
    assert [fault["path"] for fault in answer.json["faults"]] == ["best.pt", "runs/1/last.ONNX"]
    assert shell("ci", "no-weights", "best.pt").out == (
        "best.pt: mvc tracks it in helmets, so its bytes do not belong in Git\n  git rm --cached best.pt, and add it to .gitignore\n"
    )
    assert shell.ok("ci", "no-weights").out == ""


def _run(folder: Path, *command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | (env or {}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or command[0].endswith("pre-commit"), done.stderr
    return done


def test_pre_commit_runs_the_hooks(empty: Shell, tmp_path_factory: pytest.TempPathFactory, deep: bool) -> None:
    """With the installed mvc; with --deep, pre-commit installs it from the clone, without a network."""
    hooks = tmp_path_factory.mktemp("hooks")
    assert _run(TOP, str(BIN / "pre-commit"), "validate-manifest", MANIFEST).returncode == 0
    if deep:
        for name in ("mvc", "pyproject.toml", "README.md", "LICENSE", MANIFEST):
            source = TOP / name
            shutil.copytree(source, hooks / name) if source.is_dir() else shutil.copy(source, hooks)
    else:
        text = (TOP / MANIFEST).read_text(encoding="utf-8")
        (hooks / MANIFEST).write_text(text.replace("language: python", "language: system"), encoding="utf-8")
    identity = ["-c", "user.name=Ana", "-c", "user.email=a@x.y"]
    for folder in (hooks, empty.folder):
        _run(folder, "git", "init", "-q")
    _run(hooks, "git", "add", "-A")
    _run(hooks, "git", *identity, "commit", "-q", "-m", "Hooks")
    empty.write("w.pt", b"one")
    empty.ok("add", "w.pt", "--as", "weights")
    _run(empty.folder, "git", "add", "model.toml", "w.pt")
    env = {"PATH": f"{BIN}:{os.environ['PATH']}", "PRE_COMMIT_HOME": str(hooks / ".cache"), "PIP_NO_INDEX": "1"}
    if deep:
        env |= {
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PYTHONPATH": str(BIN.parent / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"),
        }
    done = _run(empty.folder, str(BIN / "pre-commit"), "try-repo", str(hooks), "--files", "model.toml", "w.pt", env=env)
    results = [line.rpartition(".")[2] for line in done.stdout.splitlines() if "...." in line]
    assert results == ["Passed", "Failed", "Failed"], done.stdout + done.stderr
    assert "no version has these values" in done.stdout
    assert "w.pt: mvc tracks it in helmets" in done.stdout


def test_a_file_that_is_absent_or_none_and_a_fault_names_its_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path, monkeypatch)
    shell.write("bad.toml", b"[model\n")
    said = shell("ci", "check", "lost.toml", "bad.toml")
    assert said.code == 1
    assert said.lines[0] == "lost.toml: cannot be read: No such file or directory"
    assert "Name a model.toml that exists" in said.out
    assert "mvc rm" not in said.out
    assert "bad.toml: line 1, column 7" in said.out
    for verb in ("check", "committed", "no-weights"):
        said = shell("ci", verb)  # as for a list of changed files that is empty
        assert (said.code, said.err) == (0, "No FILE was named, so nothing was checked.\n")
