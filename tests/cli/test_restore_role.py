"""`mvc restore --source REV ROLE` brings the role back together with its path in model.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

import mvc
from tests.cli.shell import MODEL, Shell, begin


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v1 has runs/exp1, v2 the same roles in runs/exp2, with a comment, and no role `log`."""
    shell = begin(tmp_path, monkeypatch)
    for run in ("exp1", "exp2"):
        shell.write(f"runs/{run}/best.pt", run.encode())
        shell.write(f"runs/{run}/plots/a.png", run.encode())
        shell.write(f"runs/{run}/results.csv", b"epoch,acc\n1,0.%d\n" % len(run))
        shell.write(f"runs/{run}/data.yaml", f"names: [{run}]\n".encode())
    shell.write("log.txt", b"log")
    shell.ok("add", "runs/exp1/best.pt", "--as", "model-latest")
    shell.ok("add", "runs/exp1/plots", "--as", "plots")
    shell.ok("add", "log.txt", "--as", "log")
    shell.ok("set", "from.metrics=runs/exp1/results.csv", "from.labelmap=runs/exp1/data.yaml")
    shell.commit("one")
    toml = shell.folder / "model.toml"
    toml.write_text("# mine\n" + toml.read_text().replace("exp1", "exp2"))
    shell.ok("rm", "log")
    shell.commit("two")
    for path in ("best.pt", "plots/a.png"):
        (shell.folder / "runs/exp1" / path).unlink()
    return shell


def test_a_moved_role_comes_back_with_its_path(shell: Shell) -> None:
    said = shell.ok("restore", "--source", "v1", "model-latest")
    assert said.lines == [
        "Restored runs/exp1/best.pt", "model.toml: files.model-latest runs/exp2/best.pt -> runs/exp1/best.pt"
    ]  # fmt: skip
    assert (shell.folder / "model.toml").read_text().startswith("# mine\n")
    assert (shell.folder / "runs/exp2/best.pt").exists()
    shell.commit("three")
    assert shell.ok("cat", "HEAD:model-latest").out == "exp1"
    assert "Nothing to restore" in shell.ok("restore", "--source", "v1", "model-latest").out


def test_a_removed_role_a_pattern_and_value_files_come_back(shell: Shell) -> None:
    shell.ok("unset", "from.labelmap")
    shell.ok("set", "labelmap.0=by hand")
    done = shell.ok("restore", "-s", "v1", "log", "plots", "metrics", "labelmap", "--json").json
    assert {change["key"]: change["new"] for change in done["changes"]} == {
        "files.log": "log.txt", "files.plots": "runs/exp1/plots/**", "from.metrics": "runs/exp1/results.csv",
        "labelmap.0": None, "from.labelmap": "runs/exp1/data.yaml",
    }  # fmt: skip
    assert (shell.folder / "log.txt").read_bytes() == b"log"
    shell.commit("three")
    assert "plots/a.png" in shell.ok("ls").out
    assert shell.ok("get", "labelmap.0").out == "exp1\n"


def test_the_path_of_a_labelmap_comes_back(shell: Shell) -> None:
    shell.ok("unset", "from.labelmap")
    shell.ok("set", "labelmap.path=runs/exp2/data.yaml")
    shell.commit("three")
    shell.ok("set", "labelmap.path=runs/exp1/data.yaml")
    done = shell.ok("restore", "labelmap", "--json").json
    assert [(change["key"], change["new"]) for change in done["changes"]] == [("labelmap.path", "runs/exp2/data.yaml")]


def test_a_path_brings_the_file_only(shell: Shell) -> None:
    before = (shell.folder / "model.toml").read_bytes()
    assert shell.ok("restore", "-s", "v1", "runs/exp1/best.pt").lines == ["Restored runs/exp1/best.pt"]
    assert (shell.folder / "model.toml").read_bytes() == before


def test_a_role_of_the_current_version_comes_back_too(shell: Shell) -> None:
    shell.ok("rm", "model-latest")
    done = mvc.open(shell.folder).model(MODEL).restore("model-latest")
    assert done.written == ("runs/exp2/best.pt",)
    assert [change.new for change in done.changes] == ["runs/exp2/best.pt"]
    assert "working tree clean" in shell.ok("status").out


def test_undo_takes_the_path_back(shell: Shell) -> None:
    shell.set(parameters__note="uncommitted")
    before = (shell.folder / "model.toml").read_bytes()
    shell.ok("restore", "--source", "v1", "model-latest")
    shell.ok("undo")
    assert (shell.folder / "model.toml").read_bytes() == before
    assert not (shell.folder / "runs/exp1/best.pt").exists()
