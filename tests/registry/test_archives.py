"""A SavedModel is a folder here and one archive on the registry, where the platform's job expects it; an import brings it back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.model.ids import VersionId, digest
from mvc.porcelain.init import make_repository
from mvc.registry import marker
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.registry.histories import REGISTRY
from tests.registry.stock import stock
from tests.servers.picsellia import Fault, Platform, Row
from tests.servers.picsellia_experiments import add_artifact, base_on
from tests.servers.picsellia_wire import Call

FILES = {
    "saved_model.pb": b"graph" * 100,
    "assets/empty.txt": b"",
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00001": bytes(range(256)) * 300,
}


class Team:
    """Ana, whose second version is a SavedModel, and what the platform has of it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> None:
        self.folder, self.monkeypatch, self.platform = folder, monkeypatch, platform
        self.ana = histories.small(folder / "ana", monkeypatch)
        histories.register(self.ana, platform, monkeypatch)
        self.ana.ok("rm", "model-latest")
        self.ana.set(model__framework="TENSORFLOW")
        for path, data in FILES.items():
            self.ana.write(f"exported/{path}", data)
        self.ana.ok("add", "exported", "--as", "model-latest")
        self.id = VersionId(self.ana.commit("A SavedModel"))

    @property
    def row(self) -> Row:
        """The platform's version."""
        (row,) = [row for row in self.platform.versions_of(MODEL) if self.id[:12] in row["name"]]
        return row

    def files(self) -> dict[str, Row]:
        return {file["name"]: file for file in self.platform.files_of(self.row)}

    def archive(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(io.BytesIO(self.platform.bytes_of(self.files()["model-latest"])))

    def replace(self, data: bytes) -> None:
        del self.platform.files[self.files()["model-latest"]["id"]]
        self.platform.add_file(self.row, "model-latest", data, "exported.zip")

    def ben(self) -> Shell:
        """Somebody with an empty repository, after an import."""
        (self.folder / "ben").mkdir()
        make_repository(self.folder / "ben")
        ben = Shell(self.folder / "ben", self.monkeypatch)
        histories.register(ben, self.platform, self.monkeypatch)
        ben.ok("import", f"picsellia://acme/{MODEL}")
        return ben

    def check_elsewhere(self) -> None:
        """Ben has the version with its id, and the folder with its bytes."""
        ben = self.ben()
        assert ben.ok("log", "-n", "1", "--format", "{id}").out.strip() == self.id
        assert {path: (ben.folder / "exported" / path).read_bytes() for path in FILES} == FILES
        assert not (ben.folder / "exported.zip").exists()
        ben.ok("fsck", "--read-data")
        for shell in (self.ana, ben):
            assert shell("drift", REGISTRY).code == 0
            assert shell("drift", REGISTRY, "--read-data").code == 0


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]) -> Team:
    return Team(tmp_path, monkeypatch, platform)


def test_a_saved_model_is_published_as_one_archive_and_imported_as_a_folder(team: Team) -> None:
    dry = team.ana.ok("publish", "-n")
    said = team.ana.ok("publish")
    assert ("one by one" in said.err, "one by one" in dry.err) == (False, False)
    assert sorted(team.files()) == ["model-latest", marker.NAME, "picture"]
    assert team.files()["model-latest"]["filename"] == "exported.zip"
    with team.archive() as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == FILES
    before = histories.state(team.platform)
    assert " = v2" in team.ana.ok("publish").out
    assert histories.state(team.platform) == before
    team.check_elsewhere()


def test_an_archive_that_was_replaced_is_drift_and_imported_as_what_it_is(team: Team) -> None:
    team.ana.ok("publish")
    team.replace(team.platform.bytes_of(team.files()["model-latest"]).replace(b"index", b"INDEX"))
    [drifted] = team.ana("drift", REGISTRY, "--json").json["versions"]
    assert [(file["role"], file["what"]) for file in drifted["files"]] == [("model-latest", "replaced")]
    assert team.ana("publish").code == 13
    ben = team.ben()
    shown = ben.ok("show", f"picsellia:{MODEL}@{team.row['version']}", "--json").json
    assert [file["path"] for file in shown["files"] if file["role"] == "model-latest"] == ["exported.zip"]


@pytest.mark.parametrize("with_journal", [True, False], ids=["journal", "no journal"])
def test_an_interrupted_publish_does_not_send_the_archive_again(team: Team, with_journal: bool) -> None:
    team.platform.faults = _refused(
        lambda call: call.path.endswith("/modelfiles") and marker.NAME in call.body.decode()
    )
    assert team.ana("publish").code != 0
    team.platform.faults = lambda _: None
    sent = team.files()["model-latest"]["id"]
    if not with_journal:
        for path in (team.ana.folder / ".mvc" / "publishing").rglob("*"):
            path.unlink()
    assert " + v2" in team.ana.ok("publish").out
    assert team.files()["model-latest"]["id"] == sent
    team.check_elsewhere()


def _refused(matches: Callable[[Call], bool]) -> Callable[[Call], Fault | None]:
    return lambda call: Fault(422) if call.method == "POST" and matches(call) else None


def test_another_archive_of_that_role_is_not_taken_for_ours(team: Team) -> None:
    team.platform.faults = _refused(
        lambda call: call.path.endswith("/modelfiles") and marker.NAME in call.body.decode()
    )
    team.ana("publish")
    team.platform.faults = lambda _: None
    team.replace(b"another archive")
    said = team.ana("publish")
    assert said.code == 13
    assert "another file as model-latest" in said.err


def test_what_was_published_file_by_file_stays_so(team: Team) -> None:
    stock(team.platform, team.ana.repository, team.id, MODEL)
    before = histories.state(team.platform)
    assert " = v2" in team.ana.ok("publish").out
    assert histories.state(team.platform) == before
    team.check_elsewhere()


def test_what_was_begun_file_by_file_is_completed_so(team: Team) -> None:
    row = stock(team.platform, team.ana.repository, team.id, MODEL)
    for file in team.platform.files_of(row):
        if file["name"] == marker.NAME or "variables" in file["name"]:
            del team.platform.files[file["id"]]
    assert " + v2" in team.ana.ok("publish").out
    assert "model-latest" not in team.files()
    assert len(team.files()) == len(FILES) + 2
    team.check_elsewhere()


def test_a_file_with_a_role_of_its_own_is_in_the_archive_too(team: Team) -> None:
    team.ana.ok("add", "exported/variables/variables.index", "--as", "index")
    team.id = VersionId(team.ana.commit("A role for a part"))
    team.ana.ok("publish")
    assert sorted(team.files()) == ["index", "model-latest", marker.NAME, "picture"]
    with team.archive() as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == FILES
    team.check_elsewhere()


def test_an_archive_whose_parts_are_not_those_of_the_version_is_not_the_version(team: Team) -> None:
    """Its hash is that of a forged marker; the parts still have to hash to the ids of the tree."""
    team.ana.ok("publish")
    files = team.files()
    forged = team.platform.bytes_of(files["model-latest"]).replace(b"graph", b"GRAPH")
    old, new = digest(team.platform.bytes_of(files["model-latest"])), digest(forged)
    text = team.platform.bytes_of(files[marker.NAME])
    assert old.encode() in text
    team.platform.objects.data[files[marker.NAME]["object_name"]] = text.replace(old.encode(), new.encode())
    team.platform.objects.data[files["model-latest"]["object_name"]] = forged
    ben = team.ben()
    assert ben.ok("log", "--all", "--format", "{id}").out.count(team.id) == 0


def test_an_experiment_with_a_copy_of_the_archive_has_the_folder_as_its_result(team: Team) -> None:
    team.ana.ok("publish")
    experiment = team.platform.add_experiment("tuned", team.platform.add_project("hats")["id"])
    base_on(team.platform, experiment, team.row)
    team.platform.objects.data["runs/report"] = b"of the run"
    fields = {"name": "report", "filename": "report.txt", "object_name": "runs/report", "large": False}
    add_artifact(team.platform, experiment, fields)
    done = team.ana.ok("import", "--experiment", experiment["id"], "--json").json
    assert done["bytes_received"] == len(b"of the run")
    shown = team.ana.ok("show", done["version"], "--json").json
    paths = {file["path"] for file in shown["files"]}
    assert {f"exported/{path}" for path in FILES} <= paths
    assert "report.txt" in paths
    team.ana.ok("publish", "--require-context", done["version"])
    again = team.ana.ok("import", "--experiment", experiment["id"], "--json").json
    assert (again["created"], again["version"]) == (False, done["version"])
