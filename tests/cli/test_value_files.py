"""`[from]` of model.toml: values are read from tracked files at each commit, so they are those of the files."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.porcelain import commit as commits
from mvc.repository.model import Model
from tests.cli.shell import MODEL, Shell, begin

ARGS = b"# of the trainer\nepochs: 100\nlr0: 0.01\nnested: {a: 1}\n"
RESULTS = b"epoch,metrics/mAP50(B)\n1,0.3\n2,0.7\n3,0.6\n"
BEST = "from.metrics.best=metrics/mAP50(B)"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "r").mkdir()
    shell = begin(tmp_path / "r", monkeypatch)
    shell.write("best.pt", b"weights")
    shell.write("runs/args.yaml", ARGS)
    shell.write("runs/results.csv", RESULTS)
    shell.write("data.yaml", b"nc: 2\nnames: [helmet, head]\n")
    shell.ok("add", "best.pt", "--as", "model-latest")
    return shell


def name_all(shell: Shell) -> None:
    shell.ok("set", "from.parameters=runs/args.yaml", "from.labelmap=data.yaml")
    shell.ok("set", "from.metrics=runs/results.csv", BEST)


def shown(shell: Shell, *revision: str) -> Any:
    document = shell.ok("show", "--json", *revision).json
    return {**document["manifest"], **document}


def test_values_are_those_of_the_files(shell: Shell) -> None:
    name_all(shell)
    shell.commit("one")
    version = shown(shell)
    assert version["parameters"] == {"epochs": 100, "lr0": 0.01, "nested": {"a": 1}}
    assert version["metrics"] == {"epoch": 2, "metrics/mAP50(B)": 0.7}
    assert version["labelmap"] == [[0, "helmet"], [1, "head"]]
    assert {file["path"]: file["role"] for file in version["files"]} == {
        "best.pt": "model-latest", "data.yaml": "labelmap", "runs/args.yaml": "parameters",
        "runs/results.csv": "metrics",
    }  # fmt: skip
    assert "working tree clean" in shell.ok("status").out
    assert shell.ok("fsck").code == 0


def test_a_changed_file_is_a_change_of_the_file_and_of_its_values(shell: Shell) -> None:
    name_all(shell)
    shell.commit("one")
    shell.write("runs/results.csv", RESULTS + b"4,0.8\n")
    out = shell.ok("status").out
    assert '"metrics/mAP50(B)" 0.7 -> 0.8' in out
    assert "M  metrics  runs/results.csv" in out
    shell.commit("two")
    assert shell.ok("get", 'metrics."metrics/mAP50(B)"').out == "0.8\n"
    assert shell.ok("log", "-q", "--sort", 'metrics."metrics/mAP50(B)"', "-n", "1").code == 0
    assert shown(shell, "v1")["metrics"]["metrics/mAP50(B)"] == 0.7


def test_a_file_that_files_tracks_keeps_its_role(shell: Shell) -> None:
    shell.ok("add", "runs", "--as", "run")
    shell.ok("set", "from.parameters=runs/args.yaml")
    shell.commit("one")
    roles = {file["path"]: file["role"] for file in shown(shell)["files"]}
    assert roles["runs/args.yaml"] == "run/args.yaml"


def test_a_key_has_one_source(shell: Shell) -> None:
    shell.set(parameters__epochs=5, parameters__note="mine")
    said = shell.ok("set", "from.parameters=runs/args.yaml")
    assert "epochs" in said.out
    assert shell.ok("get", "parameters.epochs").out == "100\n"
    assert shell.ok("get", "parameters.note").out == "mine\n"
    refused = shell("set", "parameters.lr0=1")
    assert refused.code == 2
    assert "parameters.lr0 comes from runs/args.yaml" in refused.err
    assert "mvc unset from.parameters" in refused.err
    refused = shell("unset", "parameters.lr0")
    assert "parameters.lr0 comes from runs/args.yaml" in refused.err
    shell.write("runs/args.yaml", ARGS + b"note: theirs\n")
    refused = shell("commit", "-m", "one")
    assert "parameters.note is in model.toml and in runs/args.yaml" in refused.err
    shell.ok("unset", "parameters.note")
    shell.commit("one")
    assert shown(shell)["parameters"]["note"] == "theirs"


def test_other_keys_are_set_while_a_file_is_away(shell: Shell) -> None:
    name_all(shell)
    os.remove(shell.folder / "runs/args.yaml")
    shell.ok("set", "parameters.note=mine")
    refused = shell("commit", "-m", "one")
    assert (refused.code, "from.parameters" in refused.err) == (2, True)
    assert "from.parameters names, is missing" in shell.ok("status").out


@pytest.mark.parametrize(
    ("assignments", "reason"),
    [
        (["from.parameters=absent.yaml"], "from.parameters names, is missing"),
        (["from.parameters=best.pt"], "ends with none of"),
        (["from.parameters=../r/runs/args.yaml"], ".."),
        (["from.metrics=runs/results.csv"], "has 3 rows"),
        (["from.metrics=runs/results.csv", "from.metrics.best=mAP"], "has no column mAP"),
        (["from.metrics.best=mAP"], "a table with a path"),
        (["from.metrics.mode=lowest"], '"min" or "max"'),
        (["from.metrics={path='runs/results.csv', best='x', row='last'}"], "best or row"),
        (["from.labelmap=runs/args.yaml"], "is not a class number"),
        (["from.docker=args.yaml"], "Unknown key from.docker"),
        (["from.metrics.selct=x"], "Did you mean from.metrics.select"),
    ],
)
def test_a_wrong_file_is_refused_before_model_toml_is_written(
    shell: Shell, assignments: list[str], reason: str
) -> None:
    before = (shell.folder / "model.toml").read_bytes()
    refused = shell("set", *assignments)
    assert refused.code in (2, 17)
    assert reason in refused.err
    assert (shell.folder / "model.toml").read_bytes() == before


def test_parts_of_an_entry_are_set_one_by_one(shell: Shell) -> None:
    shell.ok("set", "from.metrics=runs/results.csv", "from.metrics.row=last")
    assert shell.ok("get", "metrics.epoch").out == "3\n"
    shell.ok("set", BEST)
    assert shell.ok("get", "metrics.epoch").out == "2\n"
    shell.ok("set", "from.metrics.select=metrics/*")
    assert shell.ok("get", "--json").json["value"]["metrics"] == {"metrics/mAP50(B)": 0.7}
    shell.ok("unset", "from.metrics")
    assert "metrics" not in shell.ok("get", "--json").json["value"]


def test_get_says_where_a_value_comes_from(shell: Shell) -> None:
    name_all(shell)
    said = shell.ok("get", "parameters.epochs")
    assert (said.out, said.err) == ("100\n", "note: parameters.epochs comes from runs/args.yaml\n")
    assert "parameters.nested.a = 1  # from runs/args.yaml" in shell.ok("get").out
    assert shell.ok("get", "parameters", "--json").json["from"]["metrics"] == "runs/results.csv"


def test_numbers_that_are_not_finite_are_left_out_with_a_warning(shell: Shell) -> None:
    name_all(shell)
    shell.write("runs/results.csv", b"epoch,metrics/mAP50(B),val/loss\n1,0.5,nan\n")
    assert "warning: from.metrics: runs/results.csv: 1 value left out (val/loss: nan" in shell.ok("set", BEST).err
    assert "1 value left out" in shell.ok("status").out
    assert "1 value left out" in shell.ok("commit", "-m", "one").err
    assert shown(shell)["metrics"] == {"epoch": 1, "metrics/mAP50(B)": 0.5}


def test_status_goes_on_with_a_file_that_cannot_be_read(shell: Shell) -> None:
    name_all(shell)
    shell.commit("one")
    shell.write("runs/results.csv", RESULTS + b"4,0.8,0.9\n")
    said = shell.ok("status").out
    assert "runs/results.csv: line 5 has 3 cells, and the header 2" in said
    assert "Cannot be committed:" in said
    refused = shell("commit", "-m", "two")
    assert (refused.code, "line 5 has 3 cells" in refused.err) == (2, True)
    shell.ok("set", "metrics.fps=3")


def test_a_secret_in_a_file_is_refused(shell: Shell) -> None:
    name_all(shell)
    shell.write("runs/args.yaml", b"api_key: sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH\n")
    refused = shell("commit", "-m", "one")
    assert (refused.code, "parameters.api_key" in refused.err) == (17, True)


def test_a_file_that_changes_during_the_commit_is_noticed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    name_all(shell)
    store = commits._identify

    def change_first(work: Any, file: Any) -> Any:
        if file.path == "runs/results.csv":
            shell.write("runs/results.csv", RESULTS.replace(b"0.7", b"0.9"))
        return store(work, file)

    monkeypatch.setattr(commits, "_identify", change_first)
    with pytest.raises(errors.FileChanged):
        commits.commit(Model(shell.repository, MODEL), "one", shell.actor)


def test_rm_of_another_role_keeps_the_file(shell: Shell) -> None:
    shell.ok("add", "runs/args.yaml", "--as", "args")
    shell.ok("set", "from.parameters=runs/args.yaml")
    shell.commit("one")
    shell.ok("rm", "args")
    assert (shell.folder / "runs/args.yaml").exists()
    assert shell.ok("get", "parameters.epochs").out == "100\n"


def test_switch_and_restore_bring_the_values_back(shell: Shell) -> None:
    name_all(shell)
    shell.commit("one")
    shell.write("runs/args.yaml", b"epochs: 7\n")
    shell.commit("two")
    shell.ok("switch", "v1")
    assert shell.ok("get", "parameters.epochs").out == "100\n"
    shell.ok("switch", "main")
    shell.ok("restore", "--source", "v1", "runs/args.yaml")
    assert shell.ok("get", "parameters.epochs").out == "100\n"


def test_python_names_files_too(shell: Shell) -> None:
    model = mvc.open(shell.folder).model(MODEL)
    done = model.update(
        from_={"metrics": mvc.ValueFile("runs/results.csv", row="last"), "parameters": Path("runs/args.yaml")},
        parameters={"note": "mine"},
    )
    assert {change.key for change in done.changes} == {"from.metrics", "from.parameters", "parameters.note"}
    model.commit("one")
    version = model["HEAD"]
    assert version.metrics["epoch"] == 3
    assert version.parameters["lr0"] == 0.01
    with pytest.raises(errors.SetInFile):
        model.update(parameters={"lr0": 1})
    model.update(from_={"metrics": None}, metrics={"epoch": 9})
    assert model.get("metrics") == {"epoch": 9}


def test_set_from_copies_values_once(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_bytes(ARGS)
    assert "+ parameters.epochs 100" in shell.ok("set", "--from", f"{tmp_path}/run.yaml").out
    (tmp_path / "run.yaml").unlink()
    shell.ok("set", "--from", "runs/results.csv", "metrics", "--best", "metrics/mAP50(B)", "--select", "metrics/*")
    shell.ok("set", "labelmap.5=x")
    shell.ok("set", "--from", "data.yaml")
    values = shell.ok("get", "--json").json["value"]
    assert values["parameters"]["nested"] == {"a": 1}
    assert values["metrics"] == {"metrics/mAP50(B)": 0.7}
    assert values["labelmap"] == {"0": "helmet", "1": "head"}
    assert "from" not in values
    assert shell("set", "--from", "runs/results.csv").code == 2
    assert "--row last" in shell("set", "--from", "runs/results.csv").err
    assert shell("set", "--from", "absent.csv").code == 2
    assert shell("set", "--from", "runs/args.yaml", "docker").code == 2
    assert shell("set", "--row", "last", "parameters.a=1").code == 2


def test_a_pipe_is_no_file_of_values_or_results(shell: Shell) -> None:
    shell.commit("one")
    reading, writing = os.pipe()
    for verb in (["set", "--from"], ["eval", "add", "HEAD", "--dataset", "n@1", "--file"]):
        said = shell(*verb, f"/dev/fd/{reading}")
        assert (said.code, f"/dev/fd/{reading}" in said.err, "a pipe" in said.err) == (2, True, True), said
    os.close(reading)
    os.close(writing)


def test_record_takes_over_the_values_without_the_file(shell: Shell) -> None:
    name_all(shell)
    shell.commit("one")
    model = mvc.open(shell.folder).model(MODEL)
    done = model.record({"model-latest": shell.folder / "best.pt"}, "trained elsewhere")
    version = model[done.id]
    assert version.parameters["epochs"] == 100
    assert "from" not in shown(shell)
    shell.ok("reset", "--hard", done.id)
    assert shell.ok("get", "parameters.epochs").out == "100\n"


def merged(shell: Shell, ours: dict[str, bytes], theirs: dict[str, bytes]) -> Shell:
    """Two branches that wrote these files since v1."""
    name_all(shell)
    shell.commit("one")
    shell.ok("switch", "-c", "side")
    for path, data in theirs.items():
        shell.write(path, data)
    shell.commit("theirs")
    shell.ok("switch", "main")
    for path, data in ours.items():
        shell.write(path, data)
    shell.commit("ours")
    return shell


def test_files_that_one_side_changed_merge_with_their_values(shell: Shell) -> None:
    merged(shell, {"runs/args.yaml": b"epochs: 5\n"}, {"runs/results.csv": RESULTS + b"4,0.9\n"})
    shell.ok("merge", "side")
    version = shown(shell)
    assert version["parameters"] == {"epochs": 5}
    assert version["metrics"]["metrics/mAP50(B)"] == 0.9
    assert "working tree clean" in shell.ok("status").out


@pytest.mark.parametrize(("side", "expected"), [("ours", 0.8), ("theirs", 0.9)])
def test_a_file_that_both_changed_is_one_conflict_of_its_section(shell: Shell, side: str, expected: float) -> None:
    merged(shell, {"runs/results.csv": RESULTS + b"4,0.8\n"}, {"runs/results.csv": RESULTS + b"4,0.9\n"})
    conflicts = shell("merge", "side", "--json").json["conflicts"]
    assert [conflict["field"] for conflict in conflicts] == ["metrics"]
    shell.ok("merge", "--continue", "--take", f"metrics={side}")
    assert shown(shell)["metrics"]["metrics/mAP50(B)"] == expected
    assert (b"0.9" in (shell.folder / "runs/results.csv").read_bytes()) == (side == "theirs")
    assert "working tree clean" in shell.ok("status").out


def test_a_key_that_one_side_sets_and_the_other_reads_is_a_conflict(shell: Shell) -> None:
    name_all(shell)
    shell.commit("one")
    shell.ok("switch", "-c", "side")
    shell.write("runs/args.yaml", ARGS + b"note: theirs\n")
    shell.commit("theirs")
    shell.ok("switch", "main")
    shell.ok("set", "parameters.note=mine")
    shell.commit("ours")
    assert [each["field"] for each in shell("merge", "side", "--json").json["conflicts"]] == ["parameters"]
    shell.ok("merge", "--continue", "--take", "parameters=theirs")
    assert shown(shell)["parameters"]["note"] == "theirs"
    assert "working tree clean" in shell.ok("status").out


def test_a_moved_file_merges_with_own_values_of_the_other_side(shell: Shell) -> None:
    name_all(shell)
    shell.commit("one")
    shell.ok("switch", "-c", "side")
    shell.set(metrics__fps=30)
    shell.commit("theirs")
    shell.ok("switch", "main")
    shell.write("runs/exp2/results.csv", b"epoch,metrics/mAP50(B)\n1,0.95\n")
    shell.ok("set", "from.metrics.path=runs/exp2/results.csv")
    shell.commit("ours")
    shell.ok("merge", "side")
    assert shown(shell)["metrics"] == {"epoch": 1, "fps": 30, "metrics/mAP50(B)": 0.95}
    assert "working tree clean" in shell.ok("status").out


def test_a_clone_without_weights_has_the_files(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.write("best.pt", os.urandom(40_000))
    shell.write("runs/results.csv", RESULTS + b"".join(b"%d,0.1\n" % number for number in range(4, 9_000)))
    name_all(shell)
    shell.commit("one")
    shell.ok("remote", "add", "origin", f"file://{tmp_path}/origin")
    shell.ok("push")
    shell.ok("clone", "--meta", f"file://{tmp_path}/origin", f"{tmp_path}/c")
    clone = Shell(tmp_path / "c", monkeypatch)
    said = clone.ok("status").out
    assert "1 file," in said
    assert "Changes" not in said
    assert clone.ok("get", 'metrics."metrics/mAP50(B)"').out == "0.7\n"
    clone.ok("set", "parameters.note=mine")
    clone.commit("two")
    assert shown(clone)["parameters"]["note"] == "mine"


def test_add_moves_a_value_file_with_its_entry(shell: Shell) -> None:
    name_all(shell)
    shell.commit("one")
    shell.write("runs/exp2/results.csv", b"epoch,metrics/mAP50(B)\n1,0.9\n")
    shell.write("runs/exp2/bad.csv", b"epoch,acc\n1,0.9\n")
    shell.write("coco.yaml", b"names: [cat]\n")
    assert shell("add", "runs/exp2/bad.csv", "--as", "metrics").code == 2
    shell.ok("add", "runs/exp2/results.csv", "--as", "metrics")
    shell.ok("add", "coco.yaml", "--as", "labelmap")
    assert shell.ok("get", "metrics", "--json").json["value"] == {"epoch": 1, "metrics/mAP50(B)": 0.9}
    assert shell.ok("get", "labelmap.0").out == "cat\n"
    assert "files" not in shell.ok("get", "from").out
    shell.commit("two")
    assert {file["role"] for file in shown(shell)["files"]} == {"model-latest", "labelmap", "parameters", "metrics"}


def edit(shell: Shell, rng: random.Random, side: str) -> None:
    """Change files, entries and values as one side might."""
    number = rng.randrange(100)
    for act in rng.sample(range(7), rng.randint(1, 3)):
        if act == 0:
            shell.write("runs/args.yaml", b"epochs: %d\n" % number + rng.choice([b"", b"note: file\n"]))
        elif act == 1:
            shell.write("runs/results.csv", RESULTS + b"9,0.%d\n" % (number + 800))
        elif act == 2:
            shell("set", f"parameters.{rng.choice(['note', side, 'epochs'])}={number}")
        elif act == 3:
            shell("set", f"metrics.fps={number}")
        elif act == 4:
            shell(*rng.choice([("unset", "from.metrics"), ("set", "from.metrics=runs/results.csv", BEST)]))
        elif act == 5:
            shell.write(f"runs/{side}.csv", b"epoch,metrics/mAP50(B)\n1,0.%d\n" % number)
            shell("set", f"from.metrics=runs/{side}.csv")
        else:
            shell.write("data.yaml", b"names: [helmet, %d]\n" % number)
    if shell("status").code:  # a note of model.toml, and then one of the file
        shell.ok("unset", "parameters.note")


def test_a_merge_has_the_values_of_its_files(shell: Shell, rng: random.Random, deep: bool) -> None:
    shell.ok("add", "runs", "--as", "run")
    name_all(shell)
    shell.commit("base")
    for number in range(60 if deep else 6):
        shell.ok("switch", "-q", "-c", f"ours{number}", "main")
        edit(shell, rng, "ours")
        shell.commit("ours", "--allow-empty")
        shell.ok("switch", "-q", "-c", f"theirs{number}", "main")
        edit(shell, rng, "theirs")
        shell.commit("theirs", "--allow-empty")
        shell.ok("switch", "-q", f"ours{number}")
        shell.ok("merge", f"theirs{number}", rng.choice(["--ours", "--theirs"]))
        status = shell.ok("status", "--json").json
        assert (status["clean"], status["problems"]) == (True, []), status
        kept = shell.ok("get", "--json").json["value"]
        assert all(kept.get(name, {}) == shown(shell)["manifest"].get(name, {}) for name in ("parameters", "metrics"))
    shell.ok("fsck")
