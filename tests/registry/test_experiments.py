"""`mvc experiment` and `mvc import --experiment`: what is created, what is refused, and what a repeated command does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import mvc
from mvc.model.ids import VersionId
from tests.cli.shell import MODEL, Said, Shell
from tests.formats.pickles import STOP
from tests.registry import histories, training_job
from tests.registry.histories import REGISTRY
from tests.scan.structures import RUN
from tests.servers.picsellia import Fault, Platform, Row
from tests.servers.picsellia_experiments import add_artifact, base_on, set_log
from tests.servers.picsellia_rules import Rules
from tests.servers.picsellia_wire import Call

TRAIN = ("--dataset", "train=traffic@12")


class Lab:
    """A repository with one version, and a platform with a project and a dataset of two versions."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> None:
        self.folder, self.platform = folder, platform
        self.shell = histories.small(folder / "ana", monkeypatch)
        histories.register(self.shell, platform, monkeypatch)
        self.project = platform.add_project("hats")
        self.dataset = platform.add_dataset_version("traffic", "12")
        self.other = platform.add_dataset_version("traffic", "13")
        self.head = VersionId(self.shell.ok("log", "--format", "{id}").out.strip())

    def create(self, *more: str) -> Said:
        return self.shell("experiment", "create", "--project", "hats", "--name", "exp-88", *more)

    def made(self, *more: str) -> Row:
        """Create the experiment; its row on the platform."""
        assert self.create(*more).code == 0
        (row,) = self.platform.experiments.values()
        return row

    def attached(self, experiment: Row) -> dict[str, str]:
        return {row["name"]: row["dataset_version"]["id"] for row in self.platform.attached[experiment["id"]]}

    def state(self) -> str:
        platform = self.platform
        return histories.state(platform) + repr((platform.experiments, platform.attached, platform.jobs, platform.logs))

    def result(self, experiment: Row, name: str = "model-latest", data: bytes = b"trained") -> None:
        """Store an artifact in place of the one of that name."""
        for id_ in [id_ for id_, row in self.platform.artifacts.items() if row["name"] == name]:
            del self.platform.artifacts[id_]
        self.platform.objects.data[f"runs/{name}"] = data
        fields = {"name": name, "filename": "best.onnx", "object_name": f"runs/{name}", "large": False}
        add_artifact(self.platform, experiment, fields)

    def bring(self, *more: str) -> Said:
        return self.shell("import", "--experiment", "exp-88", *more)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]) -> Lab:
    return Lab(tmp_path, monkeypatch, platform)


# --- create


def test_the_version_is_published_and_is_the_base_with_its_parameters_and_datasets(lab: Lab) -> None:
    printed = lab.create(*TRAIN)
    (row,) = lab.platform.experiments.values()
    histories.check_complete(lab.platform, lab.shell.repository, lab.head)
    (version,) = lab.platform.versions_of(MODEL)
    assert (row["name"], row["project_id"], row["base_model_version_id"]) == (
        "exp-88",
        lab.project["id"],
        version["id"],
    )
    assert lab.attached(row) == {"train": lab.dataset["id"]}
    job = training_job.client(lab.platform).get_experiment_by_id(row["id"])
    assert job.get_log("parameters").data == {"epochs": 100, "lr": 0.5}
    assert job.get_dataset("train").version == "12"
    assert str(job.get_base_model_version().id) == version["id"]
    assert row["id"] in printed.out
    assert f"{lab.platform.host}/experiment/{row['id']}" in printed.out


def test_creating_again_changes_nothing_and_attaches_what_is_missing(lab: Lab) -> None:
    row = lab.made()
    before = lab.state()
    again = lab.create("--json").json
    assert (again["created"], again["id"]) == (False, row["id"])
    assert lab.state() == before
    lab.made(*TRAIN)
    assert lab.attached(row) == {"train": lab.dataset["id"]}


def test_the_name_is_by_default_that_of_the_version(lab: Lab) -> None:
    lab.shell.ok("experiment", "create", "v1", "--project", "hats")
    (row,) = lab.platform.experiments.values()
    assert row["name"] == f"v1-{lab.head[:12]}"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--project", "caps"), "project 'caps' (known: hats)"),
        ((*TRAIN, "--dataset", "val=night@3"), "dataset 'night' (known: traffic)"),
        (("--dataset", "train=traffic@14"), "version '14' of dataset 'traffic' (known: 12, 13)"),
        (("--dataset", "traffic@12"), "no alias"),
        (("--dataset", "train=traffic"), "'train=traffic' is not a dataset version"),
        ((*TRAIN, "--dataset", "train=traffic@13"), "used twice"),
        (("--launch", "--gpu-type", "T1000"), "GPU type 'T1000' (known: A100"),
        (("--gpus", "2"), "need --launch"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_before_anything_is_created(lab: Lab, arguments: tuple[str, ...], named: str) -> None:
    refused = lab.create(*arguments)
    assert refused.code == 2
    assert named in refused.err
    assert not lab.platform.versions
    assert not lab.platform.experiments


def test_an_experiment_with_another_base_or_dataset_is_refused(lab: Lab) -> None:
    row = lab.made(*TRAIN)
    before = lab.state()
    conflict = lab.create("--dataset", "train=traffic@13")
    assert conflict.code == 13
    assert "train is traffic@12 in it" in conflict.err
    lab.shell.set(parameters__epochs=200)
    lab.shell.commit("Longer")
    conflict = lab.create()
    assert conflict.code == 13
    assert "another version" in conflict.err
    assert f"/experiment/{row['id']}" in conflict.err
    assert lab.state() == before


def test_a_colleague_without_the_record_finds_the_base_by_its_name(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.shell.ok("remote", "add", "origin", str(tmp_path / "shared"))
    lab.shell.ok("push", "origin")
    row = lab.made()
    Shell(tmp_path, monkeypatch).ok("clone", "-q", str(tmp_path / "shared"), "ben")
    ben = Shell(tmp_path / "ben", monkeypatch)
    histories.register(ben, lab.platform, monkeypatch)
    again = ben.ok("experiment", "create", "--project", "hats", "--name", "exp-88", "--json").json
    assert (again["created"], again["id"], again["version"]) == (False, row["id"], lab.head)


class _Nth:
    """A fault of the POST `number` among those that create experiments, attach, or launch."""

    def __init__(self, number: int, fault: Fault) -> None:
        self.number, self.fault, self.count = number, fault, 0

    def __call__(self, call: Call) -> Fault | None:
        creates = call.method == "POST" and ("/experiments" in call.path or "/api/experiment/" in call.path)
        self.count += creates
        return self.fault if creates and self.count == self.number else None


@pytest.mark.parametrize(
    ("number", "after", "unique"), [(1, False, True), (1, True, False), (2, False, False), (2, True, True)]
)
def test_a_create_whose_answer_is_lost_is_not_repeated(lab: Lab, number: int, after: bool, unique: bool) -> None:
    lab.platform.rules.unique = unique
    lab.platform.faults = _Nth(number, Fault(0, after=after))
    row = lab.made(*TRAIN)
    assert lab.attached(row) == {"train": lab.dataset["id"]}
    assert [each["name"] for each in lab.platform.attached[row["id"]]] == ["train"]


# --- launch


def test_a_job_is_launched_once(lab: Lab) -> None:
    row = lab.made()
    done = lab.create("--launch", "--gpus", "2", "--gpu-type", "T4", "--json").json
    (job,) = lab.platform.jobs
    assert done["job"] == job["id"]
    assert (job["experiment"], job["gpus"], job["gpu_type"], job["compute_connector_id"]) == (row["id"], 2, "T4", None)
    assert lab.create("--launch", "--json").json["job"] == job["id"]
    assert len(lab.platform.jobs) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_launch_whose_answer_is_lost_is_left_to_the_user(lab: Lab, after: bool) -> None:
    lab.platform.faults = _Nth(2, Fault(0, after=after))
    lost = lab.create("--launch")
    assert lost.code == 15
    again = lab.create("--launch")
    assert again.code == 15
    assert "interrupted" in again.err
    (row,) = lab.platform.experiments.values()
    assert f"/experiment/{row['id']}" in again.err
    assert len(lab.platform.jobs) == after
    assert lab.create().code == 0


def test_a_refused_launch_may_be_repeated(lab: Lab) -> None:
    lab.platform.faults = _Nth(2, Fault(402))
    assert lab.create("--launch").code == 12
    assert not lab.platform.jobs
    assert lab.create("--launch").code == 0
    assert len(lab.platform.jobs) == 1


def test_an_experiment_of_somebody_else_is_not_launched(lab: Lab) -> None:
    lab.shell.ok("publish")
    (version,) = lab.platform.versions_of(MODEL)
    base_on(lab.platform, lab.platform.add_experiment("exp-88", lab.project["id"]), version)
    refused = lab.create("--launch")
    assert refused.code == 17
    assert not lab.platform.jobs


@pytest.mark.parametrize("launched", [True, False])
def test_an_experiment_that_somebody_creates_meanwhile_is_theirs(lab: Lab, launched: bool) -> None:
    def meanwhile(call: Call) -> None:
        if call.method == "POST" and call.path.endswith("/experiments") and not lab.platform.experiments:
            base_on(
                lab.platform,
                lab.platform.add_experiment("exp-88", lab.project["id"]),
                lab.platform.versions_of(MODEL)[0],
            )

    lab.platform.faults = meanwhile
    done = lab.create(*(("--launch",) if launched else ()))
    assert done.code == (17 if launched else 0)
    assert "exists" in done.out or launched
    assert (len(lab.platform.experiments), len(lab.platform.jobs)) == (1, 0)


@pytest.mark.parametrize("path", ["/launch", "/experiments"])
def test_two_commands_at_once_start_one_job(lab: Lab, path: str) -> None:
    if path == "/launch":
        lab.made()
    codes: list[int] = []

    def meanwhile(call: Call) -> None:
        if call.method == "POST" and call.path.endswith(path) and not codes:
            codes.append(-1)  # the second command runs while the platform has not answered the first
            codes.append(lab.create("--launch").code)

    lab.platform.faults = meanwhile
    codes.append(lab.create("--launch").code)
    assert len(lab.platform.experiments) == len(lab.platform.jobs) == 1
    assert sorted(codes[1:]) == ([0, 15] if path == "/launch" else [0, 0])


# --- list, show


def test_list_and_show(lab: Lab) -> None:
    row = lab.made(*TRAIN)
    lab.platform.add_experiment("unrelated", lab.project["id"])
    lab.platform.add_experiment("exp-88", lab.platform.add_project("caps")["id"])
    listed = lab.shell.ok("experiment", "--json").json["experiments"]
    assert [(one["name"], one["project"], one["version"]) for one in listed] == [("exp-88", "hats", lab.head)]
    of_project = lab.shell.ok("experiment", "list", "--project", "hats").out
    assert "unrelated" in of_project
    ambiguous = lab.shell("experiment", "show", "exp-88")
    assert ambiguous.code == 2
    assert row["id"] in ambiguous.err
    shown = lab.shell.ok("experiment", "show", "exp-88", "--project", "hats").out
    for text in (row["id"], "train = traffic@12", "epochs = 100", f"v1 {lab.head[:10]}", "artifact   model-latest"):
        assert text in shown
    assert "exp-89" in lab.shell("experiment", "show", "exp-89").err


# --- import --experiment


def test_a_run_on_a_branch_that_has_other_versions_goes_to_a_branch_of_its_own(lab: Lab) -> None:
    lab.result(lab.made())
    lab.shell.set(model__description="Better")
    lab.shell.commit("Meanwhile")
    refused = lab.bring()
    assert refused.code == 13
    assert "--experiment exp-88 --branch NAME" in refused.err
    done = lab.bring("--branch", "run/88", "-m", "Night run", "--json").json
    assert (done["branch"], done["number"]) == ("run/88", 2)
    shown = lab.shell.ok("show", "run/88", "--json").json
    assert (shown["parents"], shown["message"]) == ([lab.head], "Night run")
    lab.shell.ok("merge", "run/88")


def _no_artifacts(lab: Lab, row: Row) -> None:
    lab.platform.artifacts.clear()


def _unknown_base(lab: Lab, row: Row) -> None:
    model = lab.platform.models[next(iter(lab.platform.models))]
    row["base_model_version_id"] = lab.platform.add_version(model, name="night")["id"]


def _deleted_base(lab: Lab, row: Row) -> None:
    row["base_model_version_id"] = row["id"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda lab, row: None, "its artifacts are those of the version that it began with"),
        (_no_artifacts, "no artifacts"),
        (_unknown_base, "mvc import picsellia://acme/helmets@1"),
        (_deleted_base, "deleted"),
    ],
    ids=["copies", "none", "unknown base", "deleted base"],
)
def test_what_cannot_be_imported_is_named(lab: Lab, change: Callable[[Lab, Row], None], named: str) -> None:
    change(lab, lab.made())
    refused = lab.bring()
    assert refused.code == 17
    assert named in refused.err
    assert lab.shell.ok("log", "--format", "{id}").out.split() == [lab.head]


def test_a_base_of_another_model_is_named(lab: Lab) -> None:
    lab.result(lab.made())
    (lab.shell.folder / "hats").mkdir()
    lab.shell.ok("init", "hats", "--model", "hats")
    refused = lab.bring("--model", "hats")
    assert refused.code == 17
    assert "--model helmets" in refused.err


def test_an_experiment_without_a_base_follows_the_tip_with_a_note(lab: Lab) -> None:
    lab.result(lab.platform.add_experiment("exp-88", lab.project["id"]))
    done = lab.bring()
    assert done.code == 0
    assert "began with no version" in done.err
    assert lab.shell.ok("show", "--json").json["parents"] == [lab.head]


def test_values_that_model_toml_cannot_hold_are_left_out_with_a_warning(lab: Lab) -> None:
    row = lab.made()
    lab.result(row)
    lab.result(row, "weights: last?", b"x")
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    set_log(lab.platform, row, "parameters", {"lr": 0.1, "none": None, "aws_key": secret})
    set_log(lab.platform, row, "labelmap", {"0": "hat", "2": "head"}, "LABELMAP")
    set_log(lab.platform, row, "comment", "good", "VALUE")
    set_log(lab.platform, row, "mAP", [0.5], "VALUE")
    done = lab.bring()
    assert done.code == 0
    assert "metric comment: not a number" in done.err
    assert "parameter aws_key left out" in done.err
    assert secret not in done.err
    assert "imported as weights_ last?" in done.err
    model = mvc.open(lab.shell.folder).model()
    version = model["main"]
    assert version.parameters == {"lr": 0.1}
    assert version.metrics == {"mAP": 0.5}
    assert version.labelmap == {0: "hat", 2: "head"}
    assert sorted(version.files) == ["model-latest", "picture", "weights_ last?"]


@pytest.mark.parametrize("fault", [Fault(0), Fault(cut=200_000)], ids=["lost", "truncated"])
def test_a_download_that_fails_changes_nothing(lab: Lab, fault: Fault) -> None:
    row = lab.made()
    lab.result(row, "config", b"first")
    lab.result(row, data=b"x" * 300_000)
    lab.platform.faults = lambda call: (
        fault if call.method == "GET" and call.path.endswith("runs/model-latest") else None
    )
    assert lab.bring().code == 15
    assert lab.shell.ok("log", "--format", "{id}").out.split() == [lab.head]
    assert not list((lab.shell.folder / ".mvc/tmp").iterdir())
    lab.platform.faults = lambda _: None
    assert lab.bring().code == 0
    lab.shell.ok("fsck", "--read-data")


def test_a_hostile_result_is_refused_by_its_name_there(lab: Lab) -> None:
    lab.result(lab.made(), data=RUN + STOP)
    before = lab.shell.ok("log", "--json").out
    said = lab.bring()
    assert (said.code, "ended at experiment exp-88" in said.err, " is hostile" in said.err) == (17, True, True)
    assert "mvc scan" not in said.err, "the download is gone"
    assert lab.shell.ok("log", "--json").out == before
    assert lab.bring("--allow-unsafe").code == 0


def test_roles_of_folders_come_back_from_their_names_on_the_registry(lab: Lab) -> None:
    lab.shell.write("notes/a.txt", b"a")
    lab.shell.write("notes/b.txt", b"b")
    lab.shell.ok("add", "notes", "--as", "notes")
    lab.shell.commit("Notes")
    row = lab.made()
    lab.result(row)
    (name,) = [file["name"] for file in lab.platform.artifacts.values() if file["filename"] == "b.txt"]
    lab.result(row, name, b"another note")
    assert lab.bring("--json").json["notes"] == []
    version = mvc.open(lab.shell.folder).model()["main"]
    assert {role: file.name for role, file in version.files.items() if role.startswith("notes")} == {
        "notes/a.txt": "notes/a.txt", "notes/b.txt": "notes/b.txt",
    }  # fmt: skip
    assert version.files["notes/b.txt"].read() == b"another note"


def test_a_partial_clone_does_not_fetch_files_that_the_run_left_as_they_are(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.shell.write("picture.png", b"p" * 100_000)
    lab.shell.commit("Larger")
    lab.result(lab.made())
    lab.shell.ok("remote", "add", "origin", str(tmp_path / "shared"))
    lab.shell.ok("push", "origin")
    Shell(tmp_path, monkeypatch).ok("clone", "-q", "--meta", str(tmp_path / "shared"), "ben")
    ben = Shell(tmp_path / "ben", monkeypatch)
    histories.register(ben, lab.platform, monkeypatch)
    assert ben.ok("import", "--experiment", "exp-88", "--json").json["bytes_received"] == len(b"trained")
    assert "promised  picture.png" in ben.ok("ls", "-l").out
    ben.ok("push", "origin")


def test_from_python(lab: Lab) -> None:
    model = mvc.open(lab.shell.folder).model()
    made = model.experiments.create("v1", project="hats", name="exp-88", datasets={"train": "traffic@12"})
    (row,) = lab.platform.experiments.values()
    lab.result(row)
    done = model.experiments.import_result(made.experiment.id, message="Trained", registry=REGISTRY)
    assert model[done.version].parents == (model["v1"],)
    assert [one.results for one in model.experiments.all()] == [(done.version,)]
    assert model.experiments.show("exp-88").datasets[0].version == "12"
    with pytest.raises(mvc.errors.NotOnRegistry):
        model.experiments.create(project="caps")


@pytest.mark.parametrize("rules", [Rules(page=1)])
def test_listings_are_read_to_their_end(rules: Rules, lab: Lab) -> None:
    for number in range(3):
        lab.platform.add_experiment(f"exp-{number}", lab.project["id"])
    listed = lab.shell.ok("experiment", "list", "--project", "hats", "--json").json["experiments"]
    assert [one["name"] for one in listed] == ["exp-0", "exp-1", "exp-2"]
