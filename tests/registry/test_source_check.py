"""`mvc source check`: what a version records of its training, compared with the platform by the real SDK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mvc
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.registry.histories import REGISTRY
from tests.servers.picsellia import Fault, Platform
from tests.servers.picsellia_wire import Call

pytestmark = pytest.mark.usefixtures("naps")
EARLY, LATE = "2026-01-02T03:04:05Z", "2026-03-02T03:04:05.123456Z"
UUID_EARLY, UUID_LATE = "01894a7f-d4b6-7bd7-be36-13398579329f", "01936421-2de9-7259-8a28-c059512eb2fb"


class Trained:
    """A published version that names an experiment and a dataset version whose labels are those of the labelmap."""

    def __init__(self, shell: Shell, platform: Platform) -> None:
        self.shell, self.platform = shell, platform
        self.dataset = platform.add_dataset_version("traffic", "12", "helmet", "head")
        project = platform.add_project("hats")
        self.experiment = platform.add_experiment("exp-88", project["id"], train=self.dataset)
        self.record(f'{{id = "{self.experiment["id"]}", name = "exp-88", project = "hats"}}', id=self.dataset["id"],
                    name="traffic", version="12")  # fmt: skip

    def record(self, experiment: str | None = None, **dataset: str) -> None:
        rows = ", ".join(f'{key} = "{value}"' for key, value in {"alias": "train", **dataset}.items())
        self.shell.ok(
            "set", f"source.datasets=[{{{rows}}}]", *([f"source.experiment={experiment}"] if experiment else [])
        )
        self.shell.commit("Trained")

    def verdicts(self, *arguments: str) -> dict[str, str]:
        said = self.shell("source", "check", "--json", *arguments)
        assert said.code == int(not said.json["holds"])
        return {row["kind"]: row["verdict"] for row in said.json["rows"]}


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Trained:
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    return Trained(shell, platform)


def test_a_source_that_is_as_recorded_holds(trained: Trained) -> None:
    said = trained.shell.ok("source", "check")
    assert [line.split() for line in said.lines[1:]] == [
        ["ok", "experiment", "exp-88"],
        ["ok", "dataset", "train", "traffic@12"],
        ["ok", "newest", "train", "traffic@12"],
        ["ok", "labels", "train", "traffic@12"],
    ]
    checked = mvc.open(trained.shell.folder).model(MODEL)["HEAD"].check_source(registry=REGISTRY)
    assert (checked.holds, checked.organization, len(checked.rows)) == (True, "acme", 4)
    assert "as recorded" in repr(checked)
    assert trained.shell.ok("source", "check", "v1").lines[1:] == ["The version records no source."]


def newer(**fields: Any) -> Callable[[Trained], object]:
    return lambda trained: trained.platform.add_dataset_version("traffic", **{"version": "night", **fields})


def both_dated(trained: Trained) -> None:
    trained.dataset["created_at"] = EARLY
    newer(created_at=LATE)(trained)


def older(trained: Trained) -> None:
    trained.dataset["created_at"] = LATE
    newer(created_at=EARLY)(trained)


def same_label_elsewhere(trained: Trained) -> None:
    trained.platform.labels[trained.dataset["id"]][1]["name"] = "vest"


@pytest.mark.parametrize(
    ("change", "kind", "verdict", "detail"),
    [
        (lambda each: each.platform.experiments.clear(), "experiment", "missing", ""),
        (lambda each: each.experiment.update(name="exp-89"), "experiment", "differs", "renamed to exp-89"),
        (lambda each: each.platform.dataset_versions.clear(), "dataset", "missing", ""),
        (lambda each: each.dataset.update(version="12b"), "dataset", "differs", "renamed to traffic@12b"),
        (both_dated, "newest", "newer", "newer: night"),
        (older, "newest", "ok", ""),
        (newer(version="13"), "newest", "newer", "newer: 13"),
        (newer(version="11"), "newest", "ok", ""),
        (newer(), "newest", "unknown", "does not say whether these are newer: night"),
        (same_label_elsewhere, "labels", "differs", "only in the labelmap: head; only in the dataset: vest"),
    ],
)
def test_a_change_on_the_platform_is_a_row(
    trained: Trained, change: Callable[[Trained], object], kind: str, verdict: str, detail: str
) -> None:
    change(trained)
    said = trained.shell("source", "check", "--json")
    (row,) = [row for row in said.json["rows"] if row["kind"] == kind]
    assert (row["verdict"], detail in row["detail"]) == (verdict, True), row
    assert said.code == (0 if verdict in ("ok", "unknown") else 1)
    assert {each["verdict"] for each in said.json["rows"] if each["kind"] != kind} <= {"ok"}


def test_ids_of_version_7_tell_which_version_is_newer(trained: Trained, platform: Platform) -> None:
    for name, id_ in (("a", UUID_EARLY), ("b", UUID_LATE)):
        row = platform.add_dataset_version("night", name, "helmet", "head", id=id_)
        platform.labels[id_] = platform.labels[row["id"]]
    trained.record(id=UUID_EARLY)
    assert trained.verdicts()["newest"] == "newer"
    trained.record(id=UUID_LATE)
    assert trained.verdicts()["newest"] == "ok"


def test_a_dataset_that_is_named_by_hand_is_found_by_its_name(trained: Trained) -> None:
    trained.record(name="traffic", version="12")
    assert set(trained.verdicts().values()) == {"ok"}
    trained.record(name="traffic", version="14")
    assert trained.verdicts() == {"experiment": "ok", "dataset": "missing"}
    trained.record(name="elsewhere", version="1")
    assert trained.verdicts()["dataset"] == "missing"
    trained.record(name="traffic")
    assert trained.verdicts() == {"experiment": "ok", "dataset": "unknown"}


def test_an_imported_version_is_compared_by_its_ids_and_the_noted_names(trained: Trained, platform: Platform) -> None:
    row = platform.add_version(platform.add_model("by-hand"), labels={"0": "helmet", "1": "head"})
    platform.trained_by(row, trained.experiment, {"epochs": 5})
    trained.shell.ok("import", "picsellia://acme/by-hand")
    check = ("source", "check", "picsellia:by-hand@0", "--json")
    assert [(each["verdict"], each["name"]) for each in trained.shell.ok(*check).json["rows"]] == [
        ("ok", "exp-88"), ("ok", "traffic@12"), ("ok", "traffic@12"), ("ok", "traffic@12"),
    ]  # fmt: skip
    trained.experiment["name"] = "renamed"
    trained.dataset["origin_name"] = "streets"
    assert [each["verdict"] for each in trained.shell(*check).json["rows"]] == ["differs", "differs", "ok", "ok"]


def test_what_is_denied_is_a_row_and_the_rest_is_compared(trained: Trained, platform: Platform) -> None:
    def faults(call: Call) -> Fault | None:
        return Fault(403) if call.path.endswith(("/labels", f"/experiment/{trained.experiment['id']}")) else None

    platform.faults = faults
    assert trained.verdicts() == {"experiment": "denied", "dataset": "ok", "newest": "ok", "labels": "denied"}


def test_without_a_token_or_a_connection_nothing_is_compared(
    trained: Trained, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trained.shell("--offline", "source", "check").code == 15
    platform.faults = lambda _: Fault(401)
    assert trained.shell("source", "check").code == 12
    platform.faults = lambda _: Fault(0)
    assert trained.shell("source", "check").code == 15
    monkeypatch.delenv("PICSELLIA_TOKEN")
    assert trained.shell("source", "check").code == 12
    trained.shell.ok("remote", "rm", REGISTRY)
    assert "No registry selected" in trained.shell("source", "check").err


def test_nothing_changes_on_the_platform_or_here(trained: Trained, platform: Platform) -> None:
    before = histories.state(platform), sorted(trained.shell.folder.rglob("*"))
    platform.calls.clear()
    trained.shell.ok("source", "check")
    assert {call.method for call in platform.calls} == {"GET"}
    assert (histories.state(platform), sorted(trained.shell.folder.rglob("*"))) == before
