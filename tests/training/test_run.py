"""`mvc.run`: a training becomes one version; nothing in the working tree changes."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.repository import refnames
from tests.training.conftest import WEIGHTS, Reports

MAIN = "recorded helmets v2"


def _train(reports: Reports, weights: Path, **options: Any) -> mvc.Run:
    with mvc.run("helmets", report=reports, **options) as run:
        run.log(epoch=1, mAP50=0.71)
        run.best(weights, mAP50=0.71)
    return run


def _end(run: mvc.Run, weights: Path, error: BaseException) -> None:
    with run:
        run.best(weights, mAP50=0.71)
        raise error


def test_a_run_becomes_one_version_with_the_best_weights_and_their_metrics(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    before = (model.folder / "model.toml").read_bytes()
    with mvc.run("helmets", parameters={"lr": 0.1}, name="exp1", report=reports) as run:
        for epoch, score in enumerate((0.5, 0.71, 0.6)):
            run.log(epoch=epoch, mAP50=score)
            if score == 0.71:
                run.best(weights, mAP50=score)
    assert run.recorded is not None
    version = model[run.recorded.id]
    assert (version.number, version.parents, version.metrics) == (2, (model["v1"],), {"mAP50": 0.71})
    assert version.files["model-latest"].read() == WEIGHTS[::-1]
    assert version.files["model-latest"].name == "best.pt"  # best.onnx of the parent, in the new format
    assert version.files["training-log"].read() == b"epoch,step,mAP50\n0,,0.5\n1,,0.71\n2,,0.6\n"
    assert (version.parameters, version.labelmap) == ({"lr": 0.1}, {0: "helmet", 1: "head"})
    assert version.message == "Run exp1: mAP50 0.71"
    size = sum(file.size for file in version.files.values()) / 1024
    assert reports.texts == [f"recorded helmets v2 {version.short} on main, {size:.1f} KiB ({size:.1f} KiB stored)"]
    assert '"pytest"' in version.files["environment"].read().decode()
    assert (model.folder / "model.toml").read_bytes() == before
    assert (model.folder / "best.onnx").read_bytes() == WEIGHTS
    assert not list(Path.cwd().rglob("*mvc-run*"))


def test_the_environment_is_left_out_if_it_is_not_wanted(model: mvc.Model, weights: Path, reports: Reports) -> None:
    _train(reports, weights, environment=False)
    assert "environment" not in model["main"].files


def test_names_of_the_version_and_its_branch_are_as_asked(model: mvc.Model, weights: Path, reports: Reports) -> None:
    run = _train(reports, weights, name="a", branch="exp/{name}", alias="best", tag=["t1", "t2"], message="By hand")
    assert run.recorded is not None
    assert {name: model[name].id for name in ("exp/a", "best", "t1", "t2")} == dict.fromkeys(
        ("exp/a", "best", "t1", "t2"), run.recorded.id
    )
    assert model["best"].message == "By hand"
    assert model.branch == "main"
    assert model["main"].number == 1


def test_a_ref_that_cannot_be_set_any_more_leaves_the_version_recorded_once(
    model: mvc.Model, weights: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody created a branch of that name when the version was there already."""
    found = refnames.set_alias

    def late(own: Any, name: str, *args: Any) -> bool:
        model.branches.create(name, "v1")
        return found(own, name, *args)

    monkeypatch.setattr(refnames, "set_alias", late)
    run = _train(reports, weights, alias="best")
    assert run.recorded is not None
    assert [version.number for version in model.log("main")] == [2, 1]
    assert reports.texts[0].startswith(f"helmets v2 {run.recorded.id[:10]} is recorded, but not all of its tags and")
    assert reports.texts[1].startswith(MAIN)
    assert not Path("mvc-runs").exists()


def test_a_failing_training_is_not_recorded(model: mvc.Model, weights: Path, reports: Reports) -> None:
    run = mvc.run("helmets", report=reports)
    with pytest.raises(ZeroDivisionError):
        _end(run, weights, ZeroDivisionError())
    assert run.recorded is None
    assert [version.number for version in model.log()] == [1]
    assert reports.texts[0].startswith("the run is not recorded, since it failed. Record it later: mvc --repo ")


def test_a_failed_run_is_recorded_later_on_its_own_branch_as_failed(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    run = mvc.run("helmets", name="x", alias="best", report=reports)
    with pytest.raises(ZeroDivisionError):
        _end(run, weights, ZeroDivisionError())
    done = model.resume("mvc-runs/x/mvc-record.json")
    assert (done.branch, model["run/x"].message, model["main"].number) == ("run/x", "Run x: mAP50 0.71 (failed)", 1)
    assert not list(model.aliases)
    assert model.resume("mvc-runs/x/mvc-record.json", branch="main").created is False


@pytest.mark.parametrize("ending", ["fails", "is killed"])
def test_weights_that_were_overwritten_are_not_recorded_with_the_metrics_of_a_run_that_broke_off(
    model: mvc.Model, weights: Path, reports: Reports, ending: str
) -> None:
    run = mvc.run("helmets", name="x", report=reports)
    run.best(weights, mAP50=0.9)
    request = Path("mvc-runs/x/mvc-record.json")
    kept = request.read_bytes()
    with weights.open("r+b") as file:  # in the middle of the next save
        file.truncate(0)
        file.write(WEIGHTS[:300])
    if ending == "fails":
        run.finish(failed=True)
        assert "are recorded only with --allow-changed model-latest. Record it later: mvc" in reports.texts[0]
    else:
        assert request.read_bytes() == kept
    with pytest.raises(errors.FileReplaced, match="has changed since") as raised:
        model.resume(request)
    assert (raised.value.exit_code, "--allow-changed model-latest" in raised.value.hint) == (17, True)
    assert set(model.branches) == {"main"}
    with pytest.raises(errors.BadRole):
        model.resume(request, allow_changed=["model"])
    done = model.resume(request, allow_changed=["model-latest"])
    assert model[done.id].files["model-latest"].read() == WEIGHTS[:300]
    weights.write_bytes(b"another training")
    assert model.resume(request).id == done.id  # the version is there: nothing is asked of the file


@pytest.mark.parametrize("ending", ["fails", "is killed"])
def test_other_files_of_a_checkpoint_must_be_those_that_were_given(
    model: mvc.Model, weights: Path, tmp_path: Path, reports: Reports, ending: str
) -> None:
    config, notes = tmp_path / "config.yaml", tmp_path / "notes.txt"
    for path in (config, notes):
        path.write_bytes(b"lr: 1\n")
    run = mvc.run("helmets", name="x", report=reports)
    run.file("notes", notes)
    run.best(weights, mAP50=0.9, files={"config": config})
    run.log(epoch=2, mAP50=0.5)
    notes.write_bytes(b"a line of the training\n")
    config.write_bytes(b"lr: 2\n")
    if ending == "fails":
        run.finish(failed=True)
    with pytest.raises(errors.FileReplaced, match="config"):
        model.resume("mvc-runs/x/mvc-record.json")
    done = model.resume("mvc-runs/x/mvc-record.json", allow_changed="config")
    assert model[done.id].message.endswith("(failed)" if ending == "fails" else "(unfinished)")
    assert model[done.id].files["notes"].read() == b"a line of the training\n"


def test_keep_failed_records_it_on_a_branch_of_its_own(model: mvc.Model, weights: Path, reports: Reports) -> None:
    run = mvc.run("helmets", keep="failed", name="x", report=reports)
    with pytest.raises(KeyboardInterrupt):
        _end(run, weights, KeyboardInterrupt())
    assert run.recorded is not None
    assert (model["run/x"].id, model["main"].number) == (run.recorded.id, 1)


def test_an_exit_with_success_is_an_end(model: mvc.Model, weights: Path, reports: Reports) -> None:
    run = mvc.run("helmets", report=reports)
    with pytest.raises(SystemExit):
        _end(run, weights, SystemExit(0))
    assert run.recorded is not None


def test_a_run_without_weights_is_not_recorded(model: mvc.Model, reports: Reports) -> None:
    with mvc.run("helmets", report=reports) as run:
        run.log(epoch=1, loss=1.0)
    assert run.recorded is None
    assert reports.texts == ["nothing is recorded: the run was given no weights (`run.best(path)`)"]


def test_each_improvement_is_recorded_on_the_runs_branch_with_every_best(
    model: mvc.Model, tmp_path: Path, reports: Reports
) -> None:
    with mvc.run("helmets", every="best", name="x", report=reports) as run:
        for epoch, score in enumerate((0.5, 0.4, 0.7)):
            path = tmp_path / f"{epoch}.pt"
            path.write_bytes(WEIGHTS + bytes([epoch]))
            run.log(epoch=epoch, mAP50=score)
            run.best(path, key="mAP50")
    own = list(model.log("run/x"))
    assert [(version.number, version.metrics) for version in own] == [
        (3, {"mAP50": 0.7}),
        (2, {"mAP50": 0.5}),
        (1, {}),
    ]
    assert (model["main"].number, model["main"].metrics) == (2, {"mAP50": 0.7})
    assert model["main"].files["model-latest"].id == own[0].files["model-latest"].id
    assert own[1].files["training-log"].read() == b"epoch,step,mAP50\n0,,0.5\n"


@pytest.mark.parametrize("first", [0, 1])
def test_every_second_epoch_is_recorded_with_every_2(
    model: mvc.Model, tmp_path: Path, reports: Reports, first: int
) -> None:
    with mvc.run("helmets", every=2, name="x", report=reports) as run:
        for epoch in range(first, first + 5):
            path = tmp_path / f"{epoch}.pt"
            path.write_bytes(WEIGHTS + bytes([epoch]))
            run.log(epoch=epoch, loss=float(epoch))
            run.checkpoint(path)
        run.best(tmp_path / f"{first}.pt", mAP50=0.5)
    assert [version.metrics["loss"] for version in model.log("run/x") if version.number > 1] == [first + 3, first + 1]
    assert model["main"].metrics == {"mAP50": 0.5}


@pytest.mark.parametrize(("mode", "best"), [("max", 0.7), ("min", 0.4)])
def test_the_metric_that_is_named_decides_which_weights_are_best(
    model: mvc.Model, tmp_path: Path, reports: Reports, mode: Any, best: float
) -> None:
    with mvc.run("helmets", report=reports) as run:
        for number, score in enumerate((0.5, 0.4, 0.7, 0.6, float("nan"))):
            path = tmp_path / f"{number}.pt"
            path.write_bytes(WEIGHTS + bytes([number]))
            run.best(path, {"m": score}, key="m", mode=mode)
    assert model["main"].metrics == {"m": best}
    assert model["main"].files["model-latest"].read()[-1] == (0.5, 0.4, 0.7).index(best)


def test_metrics_are_those_logged_last_unless_they_are_given(model: mvc.Model, weights: Path, reports: Reports) -> None:
    with mvc.run("helmets", report=reports) as run:
        run.log(epoch=1, mAP50=0.3)
        run.log({"metrics/mAP50(B)": 0.6}, epoch=2, loss=0.1)
        run.best(weights)
    assert model["main"].metrics == {"metrics/mAP50(B)": 0.6, "loss": 0.1}


def test_weights_that_were_overwritten_never_keep_the_metrics_of_others(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    with mvc.run("helmets", report=reports) as run:
        for number, score in enumerate((0.5, 0.9, 0.2, 0.1)):
            weights.write_bytes(WEIGHTS + bytes([number]))
            run.best(weights, m=score, key="m")
    assert model["main"].metrics == {"m": 0.1}
    assert model["main"].files["model-latest"].read() == WEIGHTS + b"\x03"
    assert reports.texts[0].startswith(
        f"the best weights so far (m 0.9) were in {weights}, which was overwritten: the version gets later weights (m 0.2)"
    )
    assert len(reports.texts) == 2


@pytest.mark.parametrize(("mode", "scores"), [("max", (0.5, 0.6, 0.6, 0.7)), ("min", (0.5, 0.4, 0.4, 0.3))])
def test_better_weights_may_overwrite_those_before(
    model: mvc.Model, weights: Path, reports: Reports, mode: Any, scores: tuple[float, ...]
) -> None:
    with mvc.run("helmets", report=reports) as run:
        for number, score in enumerate(scores):
            weights.write_bytes(WEIGHTS + bytes([number]))
            assert run.best(weights, m=score, key="m", mode=mode)
    assert model["main"].metrics == {"m": scores[-1]}
    assert model["main"].files["model-latest"].read() == WEIGHTS + b"\x03"
    assert len(reports.texts) == 1


def test_a_change_after_the_last_call_is_reported(model: mvc.Model, weights: Path, reports: Reports) -> None:
    with mvc.run("helmets", report=reports) as run:
        run.best(weights, m=0.9)
        weights.write_bytes(WEIGHTS + b"more")
    assert "changed after its metrics were given" in reports.texts[0]
    assert model["main"].files["model-latest"].read() == WEIGHTS + b"more"


def test_the_optimizer_is_recorded_only_if_it_is_asked_for(
    model: mvc.Model, weights: Path, tmp_path: Path, reports: Reports
) -> None:
    for wanted in (False, True):
        other = tmp_path / "optimizer.pt"
        other.write_bytes(b"state" * 100)
        with mvc.run("helmets", optimizer=wanted, report=reports) as run:
            run.file("optimizer", other)
            run.best(weights, m=1, files={"classes": other})
        assert ("optimizer" in model["main"].files) is wanted
        assert "classes" in model["main"].files


def test_a_file_that_is_missing_does_not_keep_the_weights_out(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    with mvc.run("helmets", report=reports) as run:
        run.best(weights, m=1, files={"config": "nowhere.yaml", "/role": weights, "copy": weights})
    assert {*model["main"].files} == {"copy", "environment", "model-latest"}
    assert [text.partition(" is left out")[0] for text in reports.texts[:2]] == ["file config", "file /role"]


def test_the_first_version_of_a_model_has_the_values_of_model_toml(
    tmp_path: Path, weights: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    monkeypatch.chdir(folder)
    model = mvc.init(folder, model="new", type="CLASSIFICATION", framework="PYTORCH").model()
    with mvc.run(report=reports, labelmap={0: "a", 2: "c"}) as run:
        run.best(weights, m=1)
    assert run.recorded is not None
    version = model[run.recorded.id]
    assert (version.number, version.labelmap) == (1, {0: "a", 2: "c"})
    assert (version.about["type"], version.about["framework"]) == ("CLASSIFICATION", "PYTORCH")
    assert version.files["model-latest"].name == "model-latest.pt"
    advanced = model.status().advanced
    assert advanced is not None
    assert advanced.id is None
    model.restore(".")
    assert model.status().clean
    assert model.status().advanced is None


def test_values_by_section_are_set_and_those_that_do_not_fit_are_left_out(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    with mvc.run("helmets", report=reports) as run:
        run.set(about={"type": "CLASSIFICATION"}, docker={"image": "acme/yolo", "tag": 3}, source={"nonsense": 1})
        run.set(unknown={"a": 1})
        run.labelmap(["a", "a"])
        run.best(weights, m=1)
    version = model["main"]
    assert (version.about["type"], version.docker) == ("CLASSIFICATION", {"image": "acme/yolo"})
    assert version.labelmap == {0: "helmet", 1: "head"}
    assert [text.partition(":")[0] for text in reports.texts[:4]] == [
        "docker.tag is left out",
        "source.nonsense is left out",
        "values are left out",
        "labelmap is left out",
    ]


def test_a_branch_that_is_not_possible_is_replaced_by_the_runs_own(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    model.switch("v1", detach=True)
    run = _train(reports, weights, name="x")
    assert run.recorded is not None
    assert "HEAD of helmets is detached" in reports.texts[0]
    assert reports.texts[0].endswith("Until then, the version goes to the branch run/x.")
    assert model["run/x"].id == run.recorded.id
    run = _train(reports, weights, name="y", branch="no..name")
    assert run.recorded is not None
    assert model["run/y"].id == run.recorded.id


def test_a_run_that_was_killed_on_a_detached_head_is_recorded_on_its_own_branch(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    model.switch("v1", detach=True)
    mvc.run("helmets", name="x", output="out", report=reports).best(weights, m=1)
    done = model.resume("out/mvc-record.json")
    assert model["run/x"].id == done.id


def test_names_that_are_refused_do_not_keep_the_version_from_being_recorded(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    model.tags.create("t", "v1")
    model.update(intent={"ready_for": ["deployment"]})
    model.commit("Intended")
    run = _train(reports, weights, tag="t", alias="prod")
    assert run.recorded is not None
    assert (model["t"].number, "prod" in model.aliases) == (1, False)
    assert any(text.startswith("tag t and alias prod not set: ") for text in reports.texts)


def test_the_folder_of_the_training_log_is_kept_if_it_was_named(
    model: mvc.Model, weights: Path, tmp_path: Path, reports: Reports
) -> None:
    for _ in range(2):
        run = _train(reports, weights, output=tmp_path / "out")
        assert run.recorded is not None
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["training-log-2.csv", "training-log.csv"]


def test_threads_may_log_at_once(model: mvc.Model, weights: Path, reports: Reports) -> None:
    with mvc.run("helmets", report=reports) as run:

        def log(number: int) -> None:
            for step in range(50):
                run.log(step=step, **{f"m{number}": step})

        threads = [threading.Thread(target=log, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run.best(weights, m=1)
    rows = model["main"].files["training-log"].read().decode().splitlines()
    assert len(rows) == 201
    assert {row.count(",") for row in rows} == {5}
    assert reports.texts[0].startswith(MAIN)


def test_a_child_that_forked_off_records_nothing(model: mvc.Model, weights: Path, reports: Reports) -> None:
    with mvc.run("helmets", report=reports) as run:
        run.best(weights, m=1)
        child = os.fork()
        if child == 0:
            run.finish()
            os._exit(0)
        os.waitpid(child, 0)
        assert [version.number for version in model.log()] == [1]
    assert [version.number for version in model.log()] == [2, 1]


def test_strict_raises_what_is_else_reported(model: mvc.Model, weights: Path, reports: Reports) -> None:
    with pytest.raises(errors.NoSuchFile):
        mvc.run("helmets", strict=True, report=reports).best("nowhere.pt")
    with pytest.raises(errors.NotRecordable):
        mvc.run("nobody", strict=True, report=reports).begin()
    run = mvc.run("helmets", strict=True, report=reports)
    run.best(weights, m=1)
    weights.unlink()
    with pytest.raises(errors.NoSuchFile):
        run.finish()
    assert run.recorded is None


def test_a_second_end_does_nothing(model: mvc.Model, weights: Path, reports: Reports) -> None:
    run = _train(reports, weights)
    assert run.finish() == run.recorded
    assert [version.number for version in model.log()] == [2, 1]


def test_the_commit_of_the_training_code_is_the_one_at_the_start(
    model: mvc.Model, weights: Path, reports: Reports, tmp_path: Path
) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        return subprocess.run(["git", *identity, *words], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    with mvc.run("helmets", report=reports) as run:
        git("commit", "-q", "--allow-empty", "-m", "two")
        run.best(weights, m=1)
    code = model["main"].code
    assert code is not None
    assert git("rev-parse", "HEAD~1") == code.commit


def test_a_current_folder_that_is_gone_does_not_matter(
    model: mvc.Model, weights: Path, tmp_path: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    with mvc.run("helmets", path=model.folder, report=reports) as run:
        gone.rmdir()
        run.best(weights, m=1)
    assert run.recorded is not None
    os.chdir(model.folder)
    assert model["main"].metrics == {"m": 1}


def test_the_date_of_a_version_is_the_one_that_the_environment_sets(
    model: mvc.Model, weights: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MVC_AUTHOR_DATE", "2026-02-03T10:00:00+01:00")
    _train(reports, weights)
    assert str(model["main"].time).startswith("2026-02-03")
    monkeypatch.setenv("MVC_AUTHOR_DATE", "yesterday or so")
    assert _train(reports, weights).recorded is not None


def test_wrong_options_are_refused_at_once_and_wrong_calls_are_reported(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    for options in ({"every": "epoch"}, {"every": 0}, {"keep": "all"}):
        with pytest.raises(ValueError, match=r"see mvc\.run"):
            mvc.run("helmets", **options)
    with mvc.run("helmets", report=reports) as run:
        run.best(weights, {"m": 1}, key="m", mode="highest")  # type: ignore[arg-type]
        run.best()  # type: ignore[call-arg]
        run.file("/role", weights)
        run.best(weights, m=2)
    assert model["main"].metrics == {"m": 2}
