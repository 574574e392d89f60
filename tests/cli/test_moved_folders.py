"""Folders that moved: `status`, `diff`, `show` and `log --stat` show both in one path, and many files in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import Shell, begin
from tests.intake import runs


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    found = begin(tmp_path, monkeypatch)
    for step in (2, 3):
        runs.ultralytics(tmp_path / f"runs/exp{step}", step=step)
    (tmp_path / "runs/exp3/args.yaml").write_bytes((tmp_path / "runs/exp2/args.yaml").read_bytes())
    found.ok("add", "--run", "runs/exp2")
    return found


def test_a_few_files_are_listed_with_their_roles(shell: Shell) -> None:
    shell.commit("one")
    shell.ok("add", "--run", "runs/exp3")
    expected = [
        "R  args  runs/{exp2 => exp3}/args.yaml  209 B",
        "R  results  runs/{exp2 => exp3}/results.csv  215 B  content changed",
        "R  model-latest  runs/{exp2 => exp3}/weights/best.pt  6.8 KiB  content changed",
        "R  last  runs/{exp2 => exp3}/weights/last.pt  6.8 KiB  content changed",
    ]
    for command in (("status",), ("diff",)):
        said = shell.ok(*command)
        assert [line[line.index("R  ") :] for line in said.lines if "R  " in line] == expected
        assert "  tracked  " not in said.out  # the files show it
    shell.commit("two")
    assert "~4 files, runs/{exp2 => exp3}/ 4 files moved, 3 with changed content" in shell.ok("log", "--stat", "-1").out
    assert "runs/{exp2 => exp3}/weights/best.pt" in shell.ok("show").out


def test_many_files_are_one_line_and_json_has_every_file(shell: Shell) -> None:
    for step in (2, 3):
        for number in range(9):
            shell.write(f"runs/exp{step}/plots/{number}.png", f"{number} {step * (number < 2)}".encode())
    shell.ok("add", "runs/exp2/plots", "--as", "plots")
    shell.commit("one")
    shell.ok("add", "--run", "runs/exp3")
    said = shell.ok("status")
    assert "R  runs/{exp2 => exp3}/ 13 files moved, 5 with changed content" in said.out
    assert sum("exp3" in line and "R  " in line for line in said.lines) == 1
    assert "plots runs/exp2/plots/** -> runs/exp3/plots/**" in said.out
    assert len(shell.ok("--json", "status").json["changes"]["files"]) == 13


def test_a_file_that_moved_alone_keeps_its_line(shell: Shell) -> None:
    shell.commit("one")
    (shell.folder / "runs/exp2/args.yaml").rename(shell.folder / "args.yaml")
    shell.ok("add", "args.yaml", "--as", "args")
    assert "R  args  runs/exp2/args.yaml => args.yaml  209 B" in shell.ok("status").out


def test_status_counts_the_weights_of_earlier_runs_instead_of_listing_them(shell: Shell) -> None:
    shell.commit("one")
    shell.ok("add", "--run", "runs/exp3")
    shell.commit("two")
    said = shell.ok("status")
    assert "Not listed: 2 untracked weight files that versions of this model have already." in said.lines
    assert "Untracked files:" not in said.out
    shell.write("runs/exp2/weights/best.pt", b"trained on")
    shell.write("new.pt", b"x")
    said = shell.ok("status")
    assert [line.strip() for line in said.lines if "?  " in line] == ["?  new.pt", "?  runs/exp2/weights/best.pt"]
    assert "Not listed: 1 untracked weight file that versions of this model have already." in said.lines
    document = shell.ok("--json", "status").json
    assert document["recorded"] == ["runs/exp2/weights/last.pt"]
    assert document["untracked"] == ["new.pt", "runs/exp2/weights/best.pt", "runs/exp2/weights/last.pt"]


def test_status_knows_the_weights_of_other_branches_and_of_recorded_runs(shell: Shell) -> None:
    for step in (5, 10):
        runs.ultralytics(shell.folder / f"runs/exp{step}", step=step)
    shell.commit("one")
    shell.ok("switch", "-c", "side")
    shell.ok("add", "--run", "runs/exp3")
    shell.commit("two")
    shell.ok("switch", "main")
    runs.ultralytics(shell.folder / "runs/exp3", step=3)
    said = shell.ok("status")
    paths = [f"runs/exp{step}/weights/{name}.pt" for step in (5, 10) for name in ("best", "last")]
    assert [line.strip() for line in said.lines if "?  " in line] == [f"?  {path}" for path in paths]
    shell.ok("record", "--run", "runs/exp5", "--branch", "runs", "-m", "five")
    assert [line.strip() for line in shell.ok("status").lines if "?  " in line] == [f"?  {path}" for path in paths[2:]]
    best = (shell.folder / "runs/exp3/weights/best.pt").read_bytes()
    shell.write("backup/old.pt", best)  # recorded at another path, on side
    assert "backup/old.pt" not in shell.ok("status").out
    shell.write("backup/old.pt", bytes([best[0] ^ 1]) + best[1:])  # as long as the recorded one
    assert "?  backup/old.pt" in shell.ok("status").out
