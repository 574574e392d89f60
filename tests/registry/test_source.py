"""The source of a version: set by hand, or by the training run that commits it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc.registry import training_run
from mvc.registry.training_run import TrainingRun
from tests.cli.shell import Shell, begin
from tests.servers.picsellia import TOKEN, Fault, Platform, Row

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


def test_only_both_variables_make_a_run() -> None:
    assert training_run.from_environment({"experiment_id": "1"}) is None
    assert training_run.from_environment({"api_token": "t"}) is None
    assert training_run.from_environment({"api_token": "t", "experiment_id": " "}) is None
    run = training_run.from_environment(
        {"api_token": "secret-value", "experiment_id": "1", "organization_name": "acme"}
    )
    assert run == TrainingRun("1", "acme", None, "secret-value")
    assert "secret-value" not in repr(run)
