"""Files that were added to a published version, imported as a child: whatever their names are, and equally for everybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc.model.ids import VersionId
from mvc.porcelain.init import make_repository
from mvc.repository import places
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.servers.picsellia import Platform, Row

pytestmark = pytest.mark.usefixtures("naps")
URL = f"picsellia://acme/{MODEL}"
ADDED = (("picture.png", b"1"), ("picture.png", b"2"), ("notes", b"3"), ("a b", b"4"), ("toml", b"5"), ("up", b"6"))
FILENAMES = ("best.onnx", "picture.png", "Picture.PNG", "x.bin", "model.toml", "../../up.bin")
"""File names of the added ones; some are those of tracked files, or of mvc's own."""


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Shell:
    """Ana has published a version with a folder of notes; then a job added files."""
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    shell.write("notes/a.txt", b"a")
    shell.ok("add", "notes", "--as", "notes")
    shell.set(metrics__mAP=0.5)
    shell.commit("With notes")
    shell.ok("publish")
    [row] = platform.versions_of(MODEL)
    for (name, data), filename in zip(ADDED, FILENAMES, strict=True):
        platform.add_file(row, name, data)["filename"] = filename
    return shell


def _child(shell: Shell, *, of: str) -> VersionId:
    """Import the added files; return the child."""
    done = shell.ok("import", URL, "--import-additions", "--json").json["versions"][0]
    assert done["how"] == "with additions"
    id_ = VersionId(done["id"])
    assert shell.repository.objects.version(id_).parents == (of,)
    return id_


def _row(platform: Platform) -> Row:
    (row,) = platform.versions_of(MODEL)
    return row


def test_the_child_has_the_added_files_and_everything_else_of_its_parent(ana: Shell, platform: Platform) -> None:
    parent = ana.repository.current(MODEL)
    assert parent is not None
    child = _child(ana, of=parent)
    changes = ana.ok("diff", parent, child, "--json").json["changes"]
    files = changes.pop("files")
    assert {file["kind"] for file in files} == {"A"}
    assert {row["old"] for row in changes.pop("tracked")} == {None}
    assert not any(changes.values())
    assert sorted(ana.raw("cat", f"{child}:./{file['new']['path']}")[1] for file in files) == [row[1] for row in ADDED]
    version = ana.repository.objects.version(child)
    assert places.is_by_hand(version)
    assert version.number == 3
    assert "made on Picsellia" in version.message
    assert ana.ok("show", child, "--json").json["manifest"]["metrics"] == {"mAP": 0.5}
    ana.ok("fsck", "--read-data")
    ana.ok("switch", "-q", child)
    assert "clean" in ana.ok("status").out
    assert not (ana.folder.parent / "up.bin").exists()


def test_everybody_gets_the_same_child_also_after_an_earlier_one(
    ana: Shell, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = ana.repository.current(MODEL)
    assert parent is not None
    _child(ana, of=parent)
    platform.add_file(_row(platform), "later", b"later")
    assert "1 file added: later" in ana("drift").out
    assert "1 file was added on the registry: later" in ana.ok("publish").err
    (tmp_path / "ben").mkdir()
    make_repository(tmp_path / "ben")
    ben = Shell(tmp_path / "ben", monkeypatch)
    histories.register(ben, platform, monkeypatch)
    assert _child(ana, of=parent) == _child(ben, of=parent)
    for shell in (ana, ben):
        assert "already imported" in shell.ok("import", URL, "--import-additions").out
        assert shell("drift").code == 0
    [file] = [file for file in platform.files_of(_row(platform)) if file["name"] == "later"]
    del platform.files[file["id"]]
    assert ana("drift").code == 0, "what was published is there, and an earlier child has the rest"


def test_added_files_of_an_edited_version_come_with_its_state(ana: Shell, platform: Platform) -> None:
    _row(platform)["description"] = "edited"
    done = ana.ok("import", URL, "--import-additions", "--json").json["versions"][0]
    assert done["how"] == "changed"
    files = ana.ok("ls", done["id"], "--json").json["files"]
    assert len(files) == len(("model-latest", "picture", "notes/a.txt")) + len(ADDED)
