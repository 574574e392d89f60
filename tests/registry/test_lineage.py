"""Lineage: a version that was exported from an experiment is the child of its base, with its run and its datasets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import VersionId
from mvc.porcelain import source
from mvc.porcelain.import_ import Imported, import_model
from mvc.porcelain.init import make_repository
from mvc.registry.picsellia.adapter import PicselliaRegistry
from mvc.repository.model import Model
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.registry.stock import stock
from tests.servers.picsellia import Fault, Platform, Row
from tests.servers.picsellia_experiments import add_artifact, base_on, export, set_log
from tests.servers.picsellia_wire import Call

RUN = {"lr": 0.05, "epochs": 3, "augment": {"flip": True}}


class Team:
    """Ana's two versions on a platform, an experiment that trains from the first of them, and people who import."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, registry: PicselliaRegistry
    ) -> None:
        self.folder, self.monkeypatch, self.platform, self.registry = folder, monkeypatch, platform, registry
        self.ana = histories.small(folder / "ana", monkeypatch)
        self.first = VersionId(self.ana.ok("log", "--format", "{id}").out.strip())
        self.ana.set(parameters__epochs=200)
        self.second = VersionId(self.ana.commit("Longer"))
        self.base = stock(platform, self.ana.repository, self.first)
        stock(platform, self.ana.repository, self.second)
        train, val = platform.add_dataset_version("traffic", "12"), platform.add_dataset_version("traffic-val", "3")
        self.experiment = platform.add_experiment("exp-88", platform.add_project("hats")["id"], train=train, val=val)

    def train(self, base: Row | None) -> None:
        """Run the experiment with real bytes."""
        if base is not None:
            base_on(self.platform, self.experiment, base)
        set_log(self.platform, self.experiment, "parameters", RUN)
        self.platform.objects.data["runs/best.onnx"] = b"trained" * 50
        fields = {"name": "trained", "filename": "best.onnx", "object_name": "runs/best.onnx", "large": False}
        add_artifact(self.platform, self.experiment, fields)

    def export(self, model: str = MODEL) -> Row:
        named = [row for row in self.platform.models.values() if row["name"] == model]
        return export(self.platform, self.experiment, named[0] if named else self.platform.add_model(model))

    def somebody(self, name: str) -> Shell:
        (self.folder / name).mkdir()
        make_repository(self.folder / name)
        return Shell(self.folder / name, self.monkeypatch)

    def bring(self, shell: Shell, model: str = MODEL, version: str | None = None) -> Imported:
        return import_model(shell.repository, self.registry, model, shell.actor, version=version)

    def parents(self, shell: Shell, id_: VersionId | None) -> tuple[VersionId, ...]:
        assert id_ is not None
        return shell.repository.objects.version(id_).parents


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, registry: PicselliaRegistry) -> Team:
    return Team(tmp_path, monkeypatch, platform, registry)


def of(done: Imported, number: int) -> VersionId | None:
    (id_,) = [version.id for version in done.versions if version.number == number]
    return id_


def test_an_exported_version_is_the_child_of_its_base_on_every_machine(team: Team) -> None:
    team.train(team.base)
    team.export()
    ben = team.somebody("ben")
    done, again = team.bring(team.ana), team.bring(ben)
    assert team.parents(team.ana, of(done, 2)) == (team.first,)
    assert of(again, 2) == of(done, 2)
    assert team.ana.repository.objects.version(of(done, 2) or team.first).number == 2
    assert {update.branch for update in done.branches} == {"main", "picsellia-2"} or done.branches[0].old is None
    ben.ok("fsck", "--read-data")


def test_a_selected_version_brings_its_base(team: Team) -> None:
    team.train(team.base)
    team.export()
    ben = team.somebody("ben")
    done = team.bring(ben, version="2")
    assert [version.id for version in done.versions] == [team.first, of(done, 2)]
    assert team.parents(ben, of(done, 2)) == (team.first,)


def test_run_datasets_and_names_are_recorded(team: Team) -> None:
    team.train(team.base)
    team.export()
    id_ = of(team.bring(team.ana), 2)
    assert id_ is not None
    shown = source.show(Model(team.ana.repository, MODEL), id_)
    experiment = team.experiment["id"]
    assert shown["experiment"] == {
        "id": experiment, "name": "exp-88", "project": "hats", "parameters": RUN,
        "url": f"{team.platform.host}/experiment/{experiment}",
    }  # fmt: skip
    assert [(row["alias"], row["name"], row["version"]) for row in shown["datasets"]] == [
        ("train", "traffic", "12"),
        ("val", "traffic-val", "3"),
    ]
    text = team.ana.ok("source", "show", id_).out
    assert "exp-88  hats" in text
    assert "lr = 0.05" in text
    assert "traffic-val" in text


def test_names_are_no_part_of_the_identity(team: Team) -> None:
    team.train(team.base)
    team.export()
    done = team.bring(team.ana)
    team.experiment["name"] = "renamed"
    again = team.bring(team.somebody("ben"))
    assert of(again, 2) == of(done, 2)


def _denied(part: str) -> Callable[[Call], Fault | None]:
    return lambda call: Fault(403) if part in call.path else None


def test_an_experiment_that_may_not_be_read_is_a_warning(team: Team) -> None:
    team.train(team.base)
    team.export()
    team.platform.faults = _denied("/api/experiment/")
    done = team.bring(team.ana)
    (version,) = [version for version in done.versions if version.number == 2]
    assert any("cannot be read" in note for note in version.notes)
    assert team.parents(team.ana, version.id) == ()


@pytest.mark.parametrize("part", ["/projects/find", "/api/dataset/version/"])
def test_names_that_may_not_be_read_are_left_out(team: Team, part: str) -> None:
    team.train(team.base)
    team.export()
    expected = of(team.bring(team.somebody("ben")), 2)
    team.platform.faults = _denied(part)
    assert of(team.bring(team.ana), 2) == expected


def test_a_base_in_another_model_is_the_parent_where_it_is_known(team: Team, tmp_path: Path) -> None:
    team.bring(team.ana)
    team.train(team.base)
    team.export("Tuned hats")
    done = team.bring(team.ana, "Tuned hats")
    (version,) = done.versions
    assert team.parents(team.ana, version.id) == (team.first,)
    team.ana.ok("fsck", "--read-data")
    team.ana.ok("remote", "add", "origin", str(tmp_path / "shared"))
    team.ana.ok("push", "origin", "main", "--model", done.model or "")
    other = team.bring(team.somebody("ben"), "Tuned hats")
    assert team.parents(Shell(team.folder / "ben", team.monkeypatch), other.versions[0].id) == ()


def test_versions_made_by_hand_follow_one_another_and_not_an_export(team: Team) -> None:
    team.train(team.base)
    (model,) = team.platform.models.values()
    made: list[Any] = [team.platform.add_version(model, name="one"), team.export()]
    team.bring(team.ana)
    made.append(team.platform.add_version(model, name="two"))
    later, at_once = team.bring(team.ana), team.bring(team.somebody("ben"))
    numbers = [row["version"] for row in made]
    assert [of(later, number) for number in numbers] == [of(at_once, number) for number in numbers]
    assert team.parents(team.ana, of(later, numbers[2])) == (of(later, numbers[0]),)


def test_an_experiment_without_a_base_follows_the_version_before(team: Team) -> None:
    team.train(None)
    (model,) = team.platform.models.values()
    team.platform.add_version(model, name="one")
    team.export()
    done = team.bring(team.ana)
    assert team.parents(team.ana, of(done, 3)) == (of(done, 2),)
