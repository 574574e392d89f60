"""The round trip: a version is the base of an experiment, a job trains with the plain SDK, the result is its child."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import VersionId, digest
from mvc.model.manifest import Manifest
from mvc.repository import places
from mvc.repository.model import Model
from tests.cli.shell import MODEL, Shell
from tests.registry import histories, training_job
from tests.registry.training_job import METRICS
from tests.servers.picsellia import Platform, Row
from tests.servers.picsellia_rules import BOTH, Rules

RUN = {"epochs": 100, "lr": 0.5, "seed": 7}
NEW = {"model-latest": b"trained" * 4000, "report": b"of the run"}


class Trip:
    """Ana's published version, an experiment that began with it and trained, and Ben, who has a clone."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> None:
        self.folder, self.monkeypatch, self.platform = folder, monkeypatch, platform
        self.ana = histories.small(folder / "ana", monkeypatch)
        histories.register(self.ana, platform, monkeypatch)
        platform.add_project("hats")
        self.datasets = {
            "train": platform.add_dataset_version("traffic", "12"),
            "val": platform.add_dataset_version("night", "3"),
        }
        self.base = VersionId(self.ana.ok("log", "--format", "{id}").out.strip())
        made = self.ana.ok(
            "experiment", "create", "--project", "hats", "--name", "exp-88",
            "--dataset", "train=traffic@12", "--dataset", "val=night@3", "--json",
        ).json  # fmt: skip
        self.experiment: str = made["id"]
        Shell(folder, monkeypatch).ok("clone", "-q", f"picsellia://acme/{MODEL}", "ben", "-o", f"host={platform.host}")
        self.ben = Shell(folder / "ben", monkeypatch)
        training_job.train(platform, self.experiment, folder, NEW)

    def export(self) -> Row:
        """Export the experiment with the plain SDK."""
        sdk_client = training_job.client(self.platform)
        job = sdk_client.get_experiment_by_id(self.experiment)
        version = job.export_in_existing_model(sdk_client.get_model(MODEL))
        return self.platform.versions[str(version.id)]

    def row(self, id_: VersionId, shell: Shell) -> Row:
        """The registry version of a version."""
        return self.platform.versions[places.places(Model(shell.repository, MODEL), id_)[-1].id]

    def check(self, shell: Shell, id_: VersionId) -> Manifest:
        """Check parent, files, parameters and datasets of a result; return its values."""
        objects = shell.repository.objects
        version = objects.version(id_)
        assert version.parents == (self.base,)
        files = {entry.role: entry.file for entry in objects.tree(version.tree).entries}
        picture = {"picture": digest(b"\x89PNG picture")} if self.platform.rules.copies_base else {}
        assert files == {role: digest(data) for role, data in NEW.items()} | picture
        manifest = objects.manifest(version.manifest)
        assert manifest.parameters == RUN
        assert manifest.labelmap == ((0, "helmet"), (1, "head"))
        assert manifest.docker["image"] == "acme/yolo"
        assert manifest.source["experiment"]["id"] == self.experiment
        attached = {row["alias"]: row["id"] for row in manifest.source["datasets"]}
        assert attached == {alias: row["id"] for alias, row in self.datasets.items()}
        shell.ok("fsck", "--read-data")
        return manifest

    def check_context(self, row: Row) -> None:
        """Check the context as the plain SDK reads it."""
        context = training_job.context(self.platform, row)
        assert str(context.experiment_id) == self.experiment
        assert {data.name: str(data.version_id) for data in context.datasets} == {
            alias: row["id"] for alias, row in self.datasets.items()
        }
        assert context.parameters == RUN


@pytest.fixture
def trip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]) -> Trip:
    return Trip(tmp_path, monkeypatch, platform)


def test_an_exported_run_is_the_child_of_its_base_on_two_machines(trip: Trip) -> None:
    row = trip.export()
    ids = set[VersionId]()
    for shell in (trip.ana, trip.ben):
        done = shell.ok("import", f"picsellia://acme/{MODEL}", "--json").json
        (id_,) = [VersionId(version["id"]) for version in done["versions"] if version["number"] == row["version"]]
        trip.check(shell, id_)
        ids.add(id_)
        assert trip.row(id_, shell) is row
        trip.check_context(row)
        known = shell.ok("import", "--experiment", trip.experiment, "--json").json
        assert (known["created"], known["version"]) == (False, id_)
    assert len(ids) == 1


@pytest.mark.parametrize("rules", [rules() for rules in BOTH], ids=[rules.__name__ for rules in BOTH])
def test_a_run_that_was_not_exported_is_the_next_version_and_gets_its_context_when_published(
    rules: Rules, trip: Trip
) -> None:
    done = trip.ana.ok("import", "--experiment", "exp-88", "--json").json
    id_ = VersionId(done["version"])
    assert (done["created"], done["branch"], done["base"], done["number"]) == (True, "main", trip.base, 2)
    manifest = trip.check(trip.ana, id_)
    assert manifest.metrics == METRICS
    assert manifest.source["experiment"]["project"] == "hats"
    assert [(row["name"], row["version"]) for row in manifest.source["datasets"]] == [("traffic", "12"), ("night", "3")]
    tree = trip.ana.repository.objects.tree(trip.ana.repository.objects.version(id_).tree)
    paths = {entry.role: entry.path for entry in tree.entries}
    assert (paths["model-latest"], paths["report"]) == ("weights/best.onnx", "report.onnx")
    assert "recorded from files elsewhere" in trip.ana.ok("status").out
    trip.ana.ok("restore", ".")
    assert "clean" in trip.ana.ok("status").out
    trip.ana.ok("publish", "--require-context")
    trip.check_context(trip.row(id_, trip.ana))
    other = trip.ben.ok("import", f"picsellia://acme/{MODEL}", "--json").json
    assert id_ in [version["id"] for version in other["versions"]]
    assert trip.check(trip.ben, id_) == manifest
    trip.check_context(trip.row(id_, trip.ben))


def test_two_people_who_import_a_run_get_the_same_contents(trip: Trip) -> None:
    trees: list[Any] = []
    for shell in (trip.ana, trip.ben):
        id_ = VersionId(shell.ok("import", "--experiment", trip.experiment, "--json").json["version"])
        version = shell.repository.objects.version(id_)
        trip.check(shell, id_)
        trees.append((version.tree, version.manifest))
    assert trees[0] == trees[1]


def test_importing_again_adds_nothing_until_the_run_has_another_result(trip: Trip) -> None:
    first = trip.ana.ok("import", "--experiment", trip.experiment, "-q").out
    before = trip.ana.ok("log", "--all", "--json").out
    again = trip.ana.ok("import", "--experiment", trip.experiment, "--json").json
    assert (again["created"], again["version"], again["branch"]) == (False, first.strip(), None)
    assert trip.ana.ok("log", "--all", "--json").out == before
    training_job.train(trip.platform, trip.experiment, trip.folder, {"model-latest": b"longer"})
    later = trip.ana.ok("import", "--experiment", trip.experiment, "--json").json
    assert (later["created"], later["number"]) == (True, 3)
    assert trip.ana.repository.objects.version(VersionId(later["version"])).parents == (first.strip(),)


def test_files_of_the_base_are_not_downloaded(trip: Trip) -> None:
    done = trip.ana.ok("import", "--experiment", trip.experiment, "--json").json
    assert done["bytes_received"] == sum(map(len, NEW.values()))
