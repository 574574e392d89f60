"""A month of run folders becomes a history: one version a run, in the order of time, the same for everybody."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from mvc.porcelain.init import init
from mvc.repository.repository import Repository
from mvc.storage.records.reflog import HEADS, RefName
from tests.cli.shell import Shell
from tests.imports.sources import START
from tests.intake import runs

DAY = 86_400


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Shell:
    """A repository without a model, and a folder `src` beside it."""
    (tmp_path / "src").mkdir()
    return repository(tmp_path / "helmets", monkeypatch)


def repository(folder: Path, monkeypatch: Any) -> Shell:
    folder.mkdir()
    init(folder)
    return Shell(folder, monkeypatch)


def at(place: Path, seconds: int) -> Path:
    """The files of a run, changed at a time."""
    for path in (place, *place.rglob("*")):
        os.utime(path, (seconds, seconds))
    return place


def month(folder: Path, draw: random.Random) -> list[str]:
    """Runs of several trainers, in an order of time that is not that of names; their names, oldest first."""
    made = []
    for number in range(1, 13):
        name = f"exp{number}"
        kind = draw.choice(("ultralytics", "lightning", "transformers", "plain"))
        place = folder / "runs" / kind / name
        if kind == "ultralytics":
            runs.ultralytics(place, step=number)
        elif kind == "lightning":
            runs.lightning(place)
        elif kind == "transformers":
            runs.transformers(place)
        else:
            place.mkdir(parents=True)
            (place / "model.pt").write_bytes(name.encode() * 1_000)
            (place / "metrics.json").write_text(f'{{"mAP": 0.{number}}}')
        day = draw.randrange(30)
        at(place, START + day * DAY)
        made.append((day, number, name))
    return [name for _, _, name in sorted(made)]


def messages(shell: Shell) -> list[str]:
    """The messages of main, oldest first."""
    return [each["message"] for each in shell.ok("log", "--json").json["versions"]][::-1]


def tip(folder: Path, model: str = "helmets") -> str | None:
    return Repository(folder).refs.target(RefName(model, HEADS, "main"))


def test_a_month_is_one_history_for_everybody(
    shell: Shell, tmp_path: Path, monkeypatch: Any, rng: random.Random, deep: bool
) -> None:
    names = month(tmp_path / "src", rng)
    shell.ok("import", "--folders", "../src/runs")
    assert messages(shell) == names
    shell.ok("fsck", "--read-data")
    assert shell.ok("status").out.endswith("working tree clean.\n")
    shutil.copytree(tmp_path / "src" / "runs", tmp_path / "copy")
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ben")
    other = repository(tmp_path / "other", monkeypatch)
    for count in (4, 8, 12) if deep else (8, 12):  # as the month went on
        given = [path for path in (tmp_path / "copy").glob("*/*") if path.name in names[:count]]
        rng.shuffle(given)
        other.ok("import", "--model", "helmets", "--folders", *map(str, given))
    assert tip(other.folder) == tip(shell.folder)
    again = shell.ok("import", "--folders", "../src/runs")
    assert tuple(line.strip() for line in again.lines[1:]) == ("12 versions already imported", "Nothing new.")


def test_runs_have_the_roles_and_values_of_add_run(shell: Shell, tmp_path: Path) -> None:
    place = at(runs.ultralytics(tmp_path / "src" / "exp1", exports=("best.onnx",)), START)
    runs.data_yaml(place / "data.yaml", "helmet", "head")
    at(place, START)
    shell.ok("import", "--folders", "../src/exp1")
    shown = shell.ok("show", "--json").json
    roles = {each["role"]: each["path"] for each in shown["files"]}
    assert roles["model-latest"] == "weights/best.pt"
    assert {"args", "results", "last", "best-onnx"} <= roles.keys()
    assert shown["manifest"]["metrics"]["metrics/mAP50-95(B)"] == 0.58
    assert shown["manifest"]["parameters"]["epochs"] == 3
    assert shown["labelmap"] == [[0, "helmet"], [1, "head"]]
    assert (shell.folder / "weights" / "best.pt").read_bytes() == (place / "weights" / "best.pt").read_bytes()
    shell.write("results.csv", b"epoch,metrics/mAP50-95(B)\n1,0.9\n")
    assert "metrics" in shell.ok("status").out


def test_files_of_weights_are_runs(shell: Shell, tmp_path: Path) -> None:
    names = ["best.pt", "best_final.pt", "best_final2.pt", "best_final10.pt", "old.onnx"]
    for number, name in enumerate(names):
        (tmp_path / "src" / name).write_bytes(name.encode() * 500)
        os.utime(tmp_path / "src" / name, (START + number // 4,) * 2)
    (tmp_path / "src" / "notes.txt").write_text("notes")
    said = shell.ok("import", "--folders", *(f"../src/{name}" for name in os.listdir(tmp_path / "src")))
    assert messages(shell) == names
    assert "\nauthor      folders\n" in shell.ok("show").out
    assert shell.ok("shortlog", "-e").out.startswith("folders (5):")
    assert "notes.txt left out: it is neither a folder nor a file of weights" in said.err
    assert (shell.folder / "model.onnx").is_file()
    assert not (shell.folder / "model.pt").exists()


def test_what_is_not_a_run_is_named_and_left_out(shell: Shell, tmp_path: Path) -> None:
    src = tmp_path / "src"
    at(runs.ultralytics(src / "exp1"), START)
    runs.ultralytics(src / "exp2")
    shutil.rmtree(src / "exp2" / "weights")
    (src / "exp2" / "weights").mkdir()
    (src / "many").mkdir()
    for name in ("best1.pt", "best2.pt"):
        (src / "many" / name).write_bytes(b"x" * 100)
    (src / "empty").mkdir()
    (src / "link").symlink_to(src / "exp1")
    (src / "loop").mkdir()
    (src / "loop" / "up").symlink_to(src)
    said = shell.ok(
        "import", "--folders", *(f"../src/{name}" for name in ("exp1", "exp2", "many", "empty", "link", "loop"))
    )
    assert messages(shell) == ["exp1"]
    for text in (
        "exp2 left out: none was saved yet, in this run of Ultralytics",
        "many left out: 2 files may be its weights (best1.pt, best2.pt); give",
        "empty left out: it has no run",
        "loop left out: it has no run",
    ):
        assert text in said.err, said.err


def test_nothing_to_import_changes_nothing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "src" / "empty").mkdir()
    said = shell("import", "--folders", "../src/empty")
    assert (said.code, "Nothing to import from empty" in said.err) == (17, True)
    assert shell("import", "--folders", "../src/nowhere").code == 2
    assert shell("import", "../src/empty").code == 2
    assert shell.repository.heads.models() == []


def test_runs_beside_the_model_and_a_model_with_versions_of_its_own(shell: Shell) -> None:
    for number in (1, 2):
        at(runs.ultralytics(shell.folder / "runs" / f"exp{number}", step=number), START + number)
    shell.ok("init", "--model", "helmets")
    shell.ok("import", "--folders", "runs")
    assert messages(shell) == ["exp1", "exp2"]
    shell.ok("set", "parameters.note=mine")
    own = shell.commit("mine")
    at(runs.ultralytics(shell.folder / "runs" / "exp3", step=3), START + 3)
    said = shell.ok("import", "--folders", "runs")
    assert "branch main has other versions and was left; see branch import/main" in said.err
    assert tip(shell.folder) == own
    assert "exp3" in shell.ok("log", "import/main").out
    shell.ok("merge", "import/main")
    again = shell.ok("import", "--folders", "runs")
    assert "Nothing new." in again.out


def test_a_run_with_hostile_names_and_texts(shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "src" / "exp\n[31m"
    runs.ultralytics(place)
    (place / "args.yaml").write_text("a: &a [1]\nb: *a\n!!python/object/apply:os.system ['touch pwned']: 1\n")
    os.mkfifo(place / "weights" / "best.fifo")
    at(place, START)
    assert shell("import", "--folders", os.fspath(place)).code == 17
    said = shell.ok("import", "--folders", os.fspath(place), "--allow-unsafe")
    assert "\n[31m" not in said.out + said.err.replace("\n", "|")
    assert not (shell.folder / "pwned").exists()
    shell.ok("fsck", "--read-data")


def test_a_branch_may_be_named(shell: Shell, tmp_path: Path) -> None:
    at(runs.ultralytics(tmp_path / "src" / "exp1"), START)
    shell.ok("import", "--branch", "history", "--folders", "../src/exp1")
    assert shell.ok("branch", "-q").out.split() == ["history"]
    assert shell.ok("status").out.startswith("On branch history")


@pytest.mark.parametrize("given", ["q", "."])
def test_weights_beside_run_folders_hide_none_of_them(shell: Shell, given: str) -> None:
    top = shell.folder / "q"
    for number, name in enumerate(("a", "b", "c/old")):
        (top / name / "weights").mkdir(parents=True)
        (top / name / "weights" / "best.pt").write_bytes(name.encode() * 500)
        at(top / name, START + number)
    at(runs.ultralytics(top / "train" / "exp1"), START + 9)
    for path in (top / "x.pt", top / "c" / "y.onnx", shell.folder / "yolov8n.pt"):
        path.write_bytes(path.name.encode() * 400)
        os.utime(path, (START + 5,) * 2)
    said = shell.ok("import", "--folders", given, *(["q/x.pt"] if given == "q" else []))
    assert messages(shell) == ["a", "b", "old", *(["x.pt"] if given == "q" else []), "exp1"]
    beside = ["q/c/y.onnx", *(["q/x.pt", "yolov8n.pt"] if given == "." else [])]
    assert sorted(line.split()[1] for line in said.err.splitlines() if "left out" in line) == beside
    for stray in beside:
        assert f"{stray} left out: it is beside run folders; give the file as well to import it" in said.err


def test_the_files_of_the_model_itself_are_no_run(shell: Shell) -> None:
    for number in (1, 2, 3):
        at(runs.ultralytics(shell.folder / "runs" / f"exp{number}", step=number), START + number)
        said = shell.ok("import", "--folders", ".")
        assert "beside" not in said.err
        assert messages(shell) == [f"exp{each}" for each in range(1, number + 1)]


def test_weights_with_metrics_beside_them_are_one_run(shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "src" / "exp"
    (place / "export").mkdir(parents=True)
    for name in ("model.pt", "export/model.onnx"):
        (place / name).write_bytes(name.encode() * 500)
    (place / "metrics.json").write_text('{"mAP": 0.5}')
    shell.ok("import", "--folders", "../src")
    assert messages(shell) == ["exp"]


def test_a_folder_with_several_weights_is_named_by_its_path(shell: Shell) -> None:
    two = shell.folder / "runs" / "two"
    two.mkdir(parents=True)
    for name in ("a1.pt", "a2.pt"):
        (two / name).write_bytes(name.encode())
    said = shell("import", "--folders", "runs")
    text = "Nothing to import from runs: runs/two left out: 2 files may be its weights (a1.pt, a2.pt); give the file"
    assert (said.code, text in said.err, ".." in said.err) == (17, True, False), said.err
    assert "left out" not in shell.ok("import", "--folders", "runs", "runs/two/a2.pt").err
    assert messages(shell) == ["a2.pt"]


def test_files_in_the_way_are_named_before_anything_is_stored(shell: Shell, tmp_path: Path) -> None:
    at(runs.ultralytics(tmp_path / "src" / "exp1"), START)
    shell.write("args.yaml", b"mine")
    (shell.folder / "weights").mkdir()
    shell.write("weights/best.pt", b"mine")
    told = shell.ok("import", "-n", "--folders", "../src/exp1")
    assert "5 files would be written into .\n" in told.out
    assert "warning: the import will be refused: args.yaml, weights/best.pt are not tracked, and in the way" in told.err
    said = shell("import", "--folders", "../src/exp1")
    assert said.code == 16
    assert "Nothing was imported, because 2 files would be lost" in said.err
    assert "mvc restore" not in said.err
    assert "mvc switch" not in said.err
    assert shell.repository.heads.models() == []
    assert not shell.repository.objects.loose()
    shutil.rmtree(shell.folder / "weights")
    (shell.folder / "args.yaml").unlink()
    assert (
        "5 files written into .\nCreated model helmets with 1 version.\n"
        in shell.ok("import", "--folders", "../src/exp1").out
    )
