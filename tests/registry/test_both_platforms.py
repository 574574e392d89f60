"""What counts holds on two platforms that differ in every rule that nobody outside Picsellia knows.

numbers from 0 or 1, pages of 100 or 7, absent fields or nulls, unique names or duplicates, what an export copies: `Rules`
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import VersionId
from mvc.porcelain.init import make_repository
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.registry.histories import REGISTRY
from tests.servers.picsellia import Fault, Platform, Row
from tests.servers.picsellia_experiments import add_artifact, base_on, export, set_log
from tests.servers.picsellia_rules import BOTH, Rules, other, usual
from tests.servers.picsellia_wire import Call

both_platforms = pytest.mark.parametrize("rules", BOTH, ids=lambda made: made.__name__, indirect=True)
ADDRESS = f"picsellia://acme/{MODEL}"


class Team:
    """Ana, who has one version; the people who import from the platform."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> None:
        self.folder, self.monkeypatch, self.platform = folder, monkeypatch, platform
        self.ana = histories.small(folder / "ana", monkeypatch)
        histories.register(self.ana, platform, monkeypatch)
        self.first = platform.rules.first_number

    def somebody(self, name: str) -> Shell:
        """A person with an empty repository, after an import."""
        (self.folder / name).mkdir()
        make_repository(self.folder / name)
        shell = Shell(self.folder / name, self.monkeypatch)
        histories.register(shell, self.platform, self.monkeypatch)
        self.bring(shell)
        return shell

    def bring(self, shell: Shell) -> list[dict[str, Any]]:
        """The versions after an import."""
        done = shell.ok("import", ADDRESS, "--json").json
        versions: list[dict[str, Any]] = done["versions"]
        return versions

    def head(self) -> VersionId:
        return VersionId(self.ana.ok("log", "-n", "1", "--format", "{id}").out.strip())

    def experiment(self) -> Row:
        """An experiment with the parameters of Ana's version, and a dataset version."""
        dataset = self.platform.add_dataset_version("traffic", "12")
        experiment = self.platform.add_experiment("exp-88", self.platform.add_project("hats")["id"], train=dataset)
        set_log(self.platform, experiment, "parameters", {"epochs": 100, "lr": 0.5})
        return experiment


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]) -> Team:
    return Team(tmp_path, monkeypatch, platform)


def test_the_platforms_differ_in_every_rule() -> None:
    one, two = dataclasses.asdict(usual()), dataclasses.asdict(other())
    assert [key for key in one if one[key] == two[key]] == ["connector"]  # without it nobody can publish


@both_platforms
def test_what_is_published_has_its_ids_elsewhere_and_no_drift(team: Team) -> None:
    team.ana.write("weights/best.onnx", b"more weights" * 50)
    for number in range(8):
        team.ana.write(f"notes/to do/{number}.txt", b"%d" % number)
    team.ana.ok("add", "notes", "--as", "notes")
    team.ana.commit("Longer, with notes")
    team.ana.ok("publish", "--all")
    before = histories.state(team.platform)
    assert [row["version"] for row in team.platform.versions_of(MODEL)] == [team.first, team.first + 1]
    ben = team.somebody("ben")
    for line in ("{id}", "{registry}"):
        assert ben.ok("log", "--format", line).out == team.ana.ok("log", "--format", line).out
    assert {version["how"] for version in team.bring(ben)} == {"known"}
    assert [each["flag"] for each in team.ana.ok("publish", "--all", "--json").json["versions"]] == ["=", "="]
    for shell in (team.ana, ben):
        assert shell("drift", REGISTRY).code == 0
    assert histories.state(team.platform) == before


@both_platforms
def test_drift_names_what_was_edited_and_an_import_takes_it(team: Team) -> None:
    team.ana.ok("publish")
    [row] = team.platform.versions_of(MODEL)
    row["labels"]["0"], row["docker_tag"] = "hat", None
    old = next(file for file in team.platform.files_of(row) if file["name"] == "picture")
    del team.platform.files[old["id"]]
    team.platform.add_file(row, "picture", b"another", "picture.png")
    [drifted] = team.ana("drift", REGISTRY, "--json").json["versions"]
    assert {field["key"] for field in drifted["fields"]} == {"labels.0", "docker_tag"}
    assert [(file["role"], file["what"]) for file in drifted["files"]] == [("picture", "replaced")]
    [imported] = team.bring(team.ana)
    assert imported["how"] == "changed"
    shown = team.ana.ok("show", imported["id"], "--json").json
    assert (shown["parents"], shown["labelmap"][0]) == ([team.head()], [0, "hat"])


@both_platforms
def test_versions_made_by_hand_are_the_same_for_everybody(team: Team, rules: Rules) -> None:
    model = team.platform.add_model(MODEL)
    labels = {str(number): f"class {number}" for number in range(12)}
    for number in range(9):
        fields = {rules.parameters_key: {"epochs": number}, rules.docker_key: "acme/yolo", "labels": dict(labels)}
        row = team.platform.add_version(model, **(fields if number else {}))
        team.platform.add_file(row, "model-latest", b"by hand %d" % number, "best.onnx")
    ben, eve = team.somebody("ben"), team.somebody("eve")
    ids = ben.ok("log", "--format", "{id}").lines
    assert (len(ids), ids) == (9, eve.ok("log", "--format", "{id}").lines)
    shown = ben.ok("show", "--json").json
    assert [name for _, name in shown["labelmap"]] == list(labels.values())
    assert shown["manifest"]["parameters"] == {"epochs": 8}
    assert shown["manifest"]["docker"] == {"image": "acme/yolo"}
    assert ben.ok("show", ids[-1], "--json").json["manifest"].keys() == {"model", "files"}
    assert ben("drift", REGISTRY).code == 0


@both_platforms
def test_a_version_has_the_context_of_its_experiment(team: Team) -> None:
    team.ana.ok("publish")
    experiment = team.experiment()
    base_on(team.platform, experiment, team.platform.versions_of(MODEL)[0])
    team.ana.write("weights/best.onnx", b"trained" * 50)
    team.ana.set(source__experiment__id=experiment["id"])
    id_ = VersionId(team.ana.commit("Trained"))
    team.ana.ok("publish", "--require-context")
    histories.check_complete(team.platform, team.ana.repository, id_)
    row = team.platform.versions_of(MODEL)[-1]
    assert team.platform.contexts[row["id"]]["experiment_id"] == experiment["id"]
    assert team.somebody("ben").ok("log", "-n", "1", "--format", "{id}").out.strip() == id_
    assert team.ana("drift", REGISTRY).code == 0


@both_platforms
def test_an_export_is_the_child_of_its_base(team: Team) -> None:
    team.ana.ok("publish")
    experiment, (base,) = team.experiment(), team.platform.versions_of(MODEL)
    base_on(team.platform, experiment, base)
    team.platform.objects.data["runs/best.onnx"] = b"trained" * 50
    fields = {"name": "trained", "filename": "best.onnx", "object_name": "runs/best.onnx", "large": False}
    add_artifact(team.platform, experiment, fields)
    export(team.platform, experiment, next(iter(team.platform.models.values())))
    team.bring(team.ana)
    found = team.ana.ok("show", f"picsellia:{MODEL}@{team.first + 1}", "--json").json
    assert found["parents"] == [team.head()]
    assert found["manifest"]["source"]["experiment"]["id"] == experiment["id"]
    team.somebody("ben").ok("show", found["id"])


@both_platforms
@pytest.mark.parametrize("after", [False, True], ids=["refused", "answer lost"])
def test_an_interrupted_publish_resumes(team: Team, after: bool) -> None:
    seen = 0

    def third(call: Call) -> Fault | None:
        nonlocal seen
        seen += call.method == "POST" and call.path.endswith(("/versions", "/modelfiles"))
        return Fault(0, after=after) if seen == 3 else None

    team.platform.faults = third
    team.ana("publish")
    team.platform.faults = lambda _: None
    team.ana.ok("publish")
    histories.check_complete(team.platform, team.ana.repository, team.head())
    assert team.somebody("ben").ok("log", "--format", "{id}").out.strip() == team.head()


@both_platforms
def test_a_deleted_version_is_published_again(team: Team) -> None:
    team.ana.ok("publish")
    [row] = team.platform.versions_of(MODEL)
    for file in team.platform.files_of(row):
        del team.platform.files[file["id"]]
    del team.platform.versions[row["id"]]
    assert team.ana("drift", REGISTRY).code == 1
    team.ana.ok("publish")
    histories.check_complete(team.platform, team.ana.repository, team.head())
    assert team.somebody("ben").ok("log", "--format", "{id}").out.strip() == team.head()
