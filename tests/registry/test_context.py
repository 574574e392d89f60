"""Publishing a version that names its experiment gives it a real context, which the plain SDK can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import VersionId
from mvc.registry import marker
from mvc.registry.picsellia import sdk
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.registry.histories import REGISTRY
from tests.servers.picsellia import ORGANIZATION, TOKEN, Fault, Platform, Row
from tests.servers.picsellia_experiments import add_artifact, base_on, set_log
from tests.servers.picsellia_wire import Call

RUN = {"epochs": 100, "lr": 0.5}


class Team:
    """Ana, whose version names the experiment that trained it; the experiment has the same parameters and datasets."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> None:
        self.folder, self.monkeypatch, self.platform = folder, monkeypatch, platform
        self.ana = histories.small(folder / "ana", monkeypatch)
        histories.register(self.ana, platform, monkeypatch)
        dataset = platform.add_dataset_version("traffic", "12")
        self.experiment = platform.add_experiment("exp-88", platform.add_project("hats")["id"], train=dataset)
        set_log(platform, self.experiment, "parameters", RUN)
        self.dataset = dataset["id"]

    def train(self) -> VersionId:
        """Commit weights with the experiment as their source."""
        self.ana.write("weights/best.onnx", b"trained" * 50)
        self.ana.set(source__experiment__id=self.experiment["id"])
        self.ana.ok("set", f'source.datasets=[{{alias = "train", id = "{self.dataset}"}}]')
        return VersionId(self.ana.commit("Trained"))

    def store(self, name: str, data: bytes) -> None:
        """`experiment.store`"""
        self.platform.objects.data[f"runs/{name}"] = data
        fields = {"name": name, "filename": "best.onnx", "object_name": f"runs/{name}", "large": False}
        add_artifact(self.platform, self.experiment, fields)

    def context(self, row: Row) -> Any:
        """The context as the plain SDK reads it."""
        client = sdk.load().Client(TOKEN, organization_name=ORGANIZATION, host=self.platform.host)
        return client.get_model_version_by_id(row["id"]).get_context()

    def row(self, id_: VersionId) -> Row:
        histories.check_complete(self.platform, self.ana.repository, id_)
        (row,) = [row for row in self.platform.versions_of(MODEL) if id_[:12] in row["name"]]
        return row


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]) -> Team:
    return Team(tmp_path, monkeypatch, platform)


def test_a_published_version_has_the_context_of_its_experiment_and_keeps_its_id_elsewhere(team: Team) -> None:
    id_ = team.train()
    team.ana.ok("publish", "--require-context")
    row = team.row(id_)
    context = team.context(row)
    assert str(context.experiment_id) == team.experiment["id"]
    assert [(data.name, str(data.version_id)) for data in context.datasets] == [("train", team.dataset)]
    assert context.parameters == RUN
    Shell(team.folder, team.monkeypatch).ok(
        "clone", "-q", f"picsellia://acme/{MODEL}", "ben", "-o", f"host={team.platform.host}"
    )
    ben = Shell(team.folder / "ben", team.monkeypatch)
    assert ben.ok("log", "--format", "{id}").out.split()[0] == id_
    assert team.ana("drift", REGISTRY).code == 0
    assert team.ana.ok("publish", "--json").json["versions"][0]["flag"] == "="


def test_copies_of_the_base_are_replaced_and_results_of_the_run_are_kept(team: Team) -> None:
    team.ana.ok("publish")
    (base,) = team.platform.versions_of(MODEL)
    base_on(team.platform, team.experiment, base)
    id_ = team.train()
    team.ana.ok("publish", "--require-context")
    assert str(team.context(team.row(id_)).experiment_id) == team.experiment["id"]


def test_an_artifact_with_the_same_bytes_is_not_sent_again(team: Team) -> None:
    id_ = team.train()
    team.store("model-latest", b"trained" * 50)
    team.ana.ok("publish", "--require-context")
    files = {file["name"]: file for file in team.platform.files_of(team.row(id_))}
    assert files["model-latest"]["object_name"] == "runs/model-latest"


@pytest.mark.parametrize(
    ("difference", "named"),
    [
        (
            lambda team: set_log(team.platform, team.experiment, "parameters", {"epochs": 100, "lr": 0.4}),
            "parameters.lr",
        ),
        (lambda team: team.store("model-latest", b"other"), "file model-latest"),
        (lambda team: team.store("notes", b"x"), "file notes"),
        (lambda team: team.platform.attached[team.experiment["id"]].clear(), "dataset train"),
        (lambda team: team.platform.experiments.clear(), "is not on the registry"),
    ],
    ids=["parameter", "file", "another file", "dataset", "gone"],
)
def test_other_values_are_named_and_a_required_context_is_refused(team: Team, difference: Any, named: str) -> None:
    id_ = team.train()
    difference(team)
    before = histories.state(team.platform)
    refused = team.ana("publish", "--require-context")
    assert refused.code == 17
    assert named in refused.err
    dry = team.ana.ok("publish", "-n")
    assert named in dry.err
    assert histories.state(team.platform) == before or not team.platform.versions
    published = team.ana.ok("publish")
    assert named in published.err
    assert team.context(team.row(id_)).experiment_id is None
    assert len(team.platform.versions_of(MODEL)) == 1


def test_without_a_source_a_required_context_is_refused(team: Team) -> None:
    said = team.ana("publish", "--require-context")
    assert said.code == 17
    assert "source.experiment.id" in said.err


class _Nth:
    """A fault of the call `number` among those that change the platform."""

    def __init__(self, number: int, fault: Fault) -> None:
        self.number, self.fault, self.count = number, fault, 0

    def __call__(self, call: Call) -> Fault | None:
        changes = call.method in ("POST", "PATCH", "DELETE") and "presigned" not in call.path
        self.count += changes
        return self.fault if changes and self.count == self.number else None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_each_change_may_fail_and_the_next_publish_completes_one_version(team: Team, after: bool) -> None:
    team.ana.ok("publish")
    (base,) = team.platform.versions_of(MODEL)
    base_on(team.platform, team.experiment, base)
    number, counts = 0, 0
    while number == 0 or counts >= number:
        number += 1
        team.ana.set(model__description=f"attempt {number}")
        id_ = team.train()
        team.platform.faults = nth = _Nth(number, Fault(0, after=after))
        team.ana("publish")
        team.platform.faults, counts = (lambda _: None), nth.count
        team.ana.ok("publish")
        assert str(team.context(team.row(id_)).experiment_id) == team.experiment["id"]
        named = [row["name"] for row in team.platform.versions_of(MODEL)]
        assert len(named) == number + 1, f"call {number}: {named}"
    assert number > 8
    assert all(
        sum(file["name"] == marker.NAME for file in team.platform.files_of(row)) == 1
        for row in team.platform.versions_of(MODEL)
    )
