"""The source of a version: set by hand, or by the training run that commits it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import mvc
from tests.cli.shell import MODEL, Shell, begin
from tests.servers.picsellia import TOKEN, Fault, Platform, Row
from tests.servers.picsellia_experiments import set_log

pytestmark = pytest.mark.usefixtures("naps")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = begin(tmp_path, monkeypatch)
    shell.set(parameters__epochs=1)
    return shell


@pytest.fixture
def experiment(platform: Platform) -> Row:
    """An experiment with two dataset versions."""
    train, val = platform.add_dataset_version("traffic", "12"), platform.add_dataset_version("traffic-val", "3")
    return platform.add_experiment("exp-88", val=val, train=train)


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, platform: Platform, experiment: Row) -> Row:
    """The variables of a training container that runs the experiment."""
    for name, value in {
        "api_token": TOKEN,
        "experiment_id": experiment["id"],
        "host": platform.host,
        "organization_id": platform.organization["id"],
    }.items():
        monkeypatch.setenv(name, value)
    return experiment


def test_a_commit_in_a_training_run_records_its_experiment(shell: Shell, inside: Row) -> None:
    shell.commit("trained")
    result = shell.ok("source", "show", "HEAD", "--json").json["source"]
    assert result["experiment"]["id"] == inside["id"]
    assert result["experiment"]["name"] == "exp-88"
    assert [(row["alias"], row["name"], row["version"]) for row in result["datasets"]] == [
        ("train", "traffic", "12"),
        ("val", "traffic-val", "3"),
    ]
    assert shell.ok("source", "--json").json["source"] == result
    assert "exp-88" in shell.ok("source", "show").out
    assert shell("commit", "-m", "again").code == 1
    assert TOKEN not in "".join(path.read_text(errors="ignore") for path in shell.folder.rglob("*") if path.is_file())


def test_the_next_run_replaces_the_recorded_experiment(
    shell: Shell, inside: Row, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.commit("trained")
    other = platform.add_experiment("exp-89")
    monkeypatch.setenv("experiment_id", other["id"])
    result = shell.ok("commit", "-m", "trained again")
    assert other["id"] in result.err
    assert "datasets" not in shell.ok("source", "show", "HEAD", "--json").json["source"]
    assert shell.ok("source", "show", "v1", "--json").json["source"]["experiment"]["name"] == "exp-88"


@pytest.mark.parametrize("status", [0, 401, 403, 404, 500])
def test_without_a_connection_the_id_is_recorded_and_the_commit_succeeds(
    shell: Shell, inside: Row, platform: Platform, status: int
) -> None:
    platform.faults = lambda _: Fault(status)
    result = shell.ok("commit", "-m", "trained")
    assert "recorded only the id" in result.err
    assert TOKEN not in result.err
    assert shell.ok("source", "show", "HEAD", "--json").json["source"] == {"experiment": {"id": inside["id"]}}


def test_without_a_connection_recorded_names_are_kept(shell: Shell, inside: Row, platform: Platform) -> None:
    shell.commit("trained")
    platform.faults = lambda _: Fault(0)
    shell.set(parameters__epochs=2)
    shell.commit("tuned")
    assert shell.ok("source", "show", "HEAD", "--json").json["source"]["experiment"]["name"] == "exp-88"


def test_a_dry_run_changes_nothing(shell: Shell, inside: Row) -> None:
    before = (shell.folder / "model.toml").read_bytes()
    shell.ok("commit", "--dry-run")
    assert (shell.folder / "model.toml").read_bytes() == before


def test_outside_a_training_run_the_source_is_set_by_hand(shell: Shell) -> None:
    assert "model.toml has no [source]" in shell.ok("source").out
    shell.ok("set", "source.experiment.id=exp-1", "source.experiment.name=mine")
    shell.ok("set", 'source.datasets=[{alias = "train", name = "traffic", version = "3"}]')
    shell.commit("result")
    assert shell.ok("source", "show", "HEAD").out.splitlines() == [
        "experiment  mine  exp-1",
        "dataset     train  traffic  3",
    ]


def test_the_run_s_parameters_are_recorded_and_those_that_differ_are_named(
    shell: Shell, inside: Row, platform: Platform
) -> None:
    run = {
        "epochs": 50,
        "lr": 0.1,
        "model": "yolo",
        "opt": {"name": "it's", "betas": [0.9, 1]},
        "size": "640",
        "seed": None,
        "wandb_api_key": "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    }
    set_log(platform, inside, "parameters", run)
    shell.set(parameters__model="yolo", parameters__mine=2)
    before = (shell.folder / "model.toml").read_text()
    said = shell.ok("commit", "-m", "trained", "--json")
    recorded = shell.ok("source", "show", "HEAD", "--json").json["source"]["experiment"]["parameters"]
    assert recorded == {key: run[key] for key in ("epochs", "lr", "model", "opt", "size")}
    warnings = [(each["key"], each["message"], each["fix"]) for each in said.json["warnings"]]
    assert warnings[0] == ("parameters.epochs", "1, but 50 in the run", "`mvc set parameters.epochs=50`")
    assert warnings[1][:2] == ("parameters.mine", "2, but unset in the run")
    assert (shell.folder / "model.toml").read_text().startswith(before.rstrip())
    for _, _, fix in warnings:
        shell.ok(*shlex.split(fix.strip("`"))[1:])
    amended = shell.ok("commit", "--amend")
    assert "in the run" not in amended.err
    assert "wandb_api_key (it looks like a secret)" in amended.err


def test_many_parameters_that_differ_are_one_warning(shell: Shell, inside: Row, platform: Platform) -> None:
    set_log(platform, inside, "parameters", {f"p{number}": number for number in range(20)})
    done = mvc.open(shell.folder).model(MODEL).commit("trained")
    (warning,) = [each for each in done.warnings if "run" in each.message]
    assert warning.message.startswith("21 keys differ from the run: epochs, p0, p1")


def test_a_version_that_is_recorded_has_the_run_s_parameters(shell: Shell, inside: Row, platform: Platform) -> None:
    set_log(platform, inside, "parameters", {"epochs": 50})
    shell.write("best.onnx", b"trained")
    model = mvc.open(shell.folder).model(MODEL)
    done = model.record({"model-latest": shell.folder / "best.onnx"}, "trained", parameters={"epochs": 50})
    assert model[done.id].source["experiment"]["parameters"] == {"epochs": 50}


def test_a_processing_job_records_no_source(shell: Shell, inside: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("experiment_id")
    monkeypatch.setenv("job_id", "0197a2c4")
    shell.commit("converted")
    assert shell.ok("source", "show", "HEAD", "--json").json["source"] == {}
