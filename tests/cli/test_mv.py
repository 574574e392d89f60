"""`mvc mv`: files and folders get other names, and model.toml with them; what cannot be moved stays as it was."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc.storage.disk.treedoor import TreeDoor
from tests.cli import built
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Shell:
    """A literal path, a pattern in a folder, a tracked folder, a file with a bracket, and an untracked file."""
    return built.copy(_one, tmp_path / "ana", monkeypatch)


def _one(shell: Shell) -> None:
    for path in (
        "weights/best.pt",
        "weights/a.onnx",
        "weights/b.onnx",
        "data/x/1.csv",
        "odd[1].txt",
        "weights/notes.txt",
    ):
        shell.write(path, path.encode() * 4_000)
    shell.ok("add", "weights/best.pt", "--as", "model-latest")
    shell.ok("add", "weights/*.onnx", "--as", "onnx")
    shell.ok("add", "data", "--as", "data")
    shell.ok("add", "odd[1].txt", "--as", "odd")
    shell.commit("one")


def _files(shell: Shell) -> dict[str, str]:
    values = tomllib.loads((shell.folder / "model.toml").read_text())
    return dict(values["files"])


def _picture(shell: Shell) -> dict[str, bytes]:
    return {
        path.relative_to(shell.folder).as_posix(): path.read_bytes()
        for path in shell.folder.rglob("*")
        if path.is_file() and ".mvc" not in path.parts
    }


def test_a_file_by_path_or_role_and_back(shell: Shell) -> None:
    before, inode = _picture(shell), (shell.folder / "weights/best.pt").stat().st_ino
    assert shell.ok("mv", "weights/best.pt", "best v2.pt").out == "Moved weights/best.pt -> best v2.pt (model-latest)\n"
    assert _files(shell)["model-latest"] == "best v2.pt"
    assert (shell.folder / "best v2.pt").stat().st_ino == inode
    shell.ok("mv", "model-latest", "weights/")
    shell.ok("mv", "weights/best v2.pt", "weights/best.pt")
    assert _picture(shell) == before
    assert "working tree clean" in shell.ok("status").out


def test_an_edit_moves_with_its_file_and_is_stored_nowhere(shell: Shell) -> None:
    shell.write("weights/best.pt", os.urandom(50_000))
    packs = sorted((shell.folder / ".mvc" / "packs").rglob("*"))
    shell.ok("mv", "weights/best.pt", "new/best.pt")
    assert sorted((shell.folder / ".mvc" / "packs").rglob("*")) == packs
    assert (shell.folder / "new/best.pt").stat().st_size == 50_000
    shell.commit("moved and edited")


def test_a_folder_takes_its_patterns_and_untracked_files_with_it(shell: Shell) -> None:
    assert "(3 tracked files)" in shell.ok("mv", "weights", "nets/v2").out
    assert _files(shell) == {
        "model-latest": "nets/v2/best.pt", "onnx": "nets/v2/*.onnx", "data": "data/**", "odd": "odd[[]1].txt",
    }  # fmt: skip
    assert (shell.folder / "nets/v2/notes.txt").exists()
    assert not (shell.folder / "weights").exists()
    shell.ok("mv", "data", "odd[1].txt", "nets")
    assert _files(shell)["data"] == "nets/data/**"
    assert _files(shell)["odd"] == "nets/odd[[]1].txt"
    shell.commit("moved")
    assert shell.ok("status").out.count("working tree clean") == 1


def test_a_file_of_a_pattern_within_it_and_out_of_it(shell: Shell) -> None:
    shell.ok("mv", "weights/a.onnx", "weights/c.onnx")
    assert _files(shell)["onnx"] == "weights/*.onnx"
    before = _picture(shell)
    said = shell("mv", "weights/c.onnx", "c.onnx")
    assert (said.code, "onnx/c.onnx" in said.err) == (2, True), said
    assert _picture(shell) == before


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("weights/best.pt", "weights/notes.txt"), 16, "already exists"),
        (("weights", "data/x/1.csv"), 16, "already exists"),
        (("weights/best.pt", "odd[1].txt/x"), 16, "already exists"),
        (("weights/best.pt", "../best.pt"), 17, "outside the model's folder"),
        (("weights/best.pt", "/tmp/best.pt"), 17, "outside the model's folder"),
        (("weights/best.pt", ".mvc/best.pt"), 17, "reserved"),
        (("weights/best.pt", ".git/hooks/x"), 17, "reserved"),
        (("weights/best.pt", "con"), 17, "device"),
        (("weights/best.pt", "WEIGHTS/a.onnx"), 17, "cannot coexist"),
        (("weights", "weights/deeper"), 2, "into itself"),
        (("weights/notes.txt", "x"), 2, "is not tracked"),
        (("nosuch", "x"), 2, "is not tracked"),
        (("model.toml", "x"), 2, "is not tracked"),
        (("weights/best.pt", "weights/a.onnx", "new"), 2, "not one"),
    ],
)
def test_what_is_refused_changes_nothing(shell: Shell, words: tuple[str, ...], code: int, text: str) -> None:
    before = _picture(shell)
    said = shell("mv", *words)
    assert (said.code, text in said.err) == (code, True), said
    assert _picture(shell) == before
    assert not (shell.folder / ".mvc" / "journal").exists()


def test_a_link_in_the_way_is_not_followed(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (shell.folder / "link").symlink_to(tmp_path / "away")
    assert shell("mv", "weights/best.pt", "link/best.pt").code == 17
    assert not list((tmp_path / "away").iterdir())


def test_a_missing_file_and_one_that_is_not_checked_out(shell: Shell) -> None:
    (shell.folder / "weights/best.pt").unlink()
    assert "`mvc restore weights/best.pt`" in shell("mv", "weights", "nets").err
    shell.ok("restore", ".")
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push")
    shell.folder = shell.folder.parent
    shell.ok("clone", "--only", "model-latest", "origin", "ben")
    shell.folder /= "ben"
    shell.ok("mv", "model-latest", "best.pt")
    said = shell("mv", "data", "more")
    assert (said.code, "`mvc restore data/x/1.csv`" in said.err) == (2, True), said


def test_another_model_stays(shell: Shell) -> None:
    shell.ok("init", "weights/inner", "--model", "inner")
    said = shell("--model", "helmets", "mv", "weights", "nets")
    assert (said.code, "inner" in said.err) == (17, True), said


def test_from_a_folder_below_and_a_dry_run(shell: Shell) -> None:
    top = shell.folder
    shell.folder = top / "weights"
    before = _picture(shell)
    said = shell.ok("--json", "mv", "-n", "best.pt", "../best.pt").json
    assert (said["moved"], said["dry_run"]) == ([{"old": "weights/best.pt", "new": "best.pt"}], True)
    assert _picture(shell) == before
    shell.ok("mv", "best.pt", "..")
    assert (top / "best.pt").exists()


def test_the_labelmap_follows(shell: Shell) -> None:
    shell.write("labels/names.txt", b"car\nbus\n")
    shell.ok("set", "labelmap.path=labels/names.txt")
    shell.ok("mv", "labels", "classes")
    assert tomllib.loads((shell.folder / "model.toml").read_text())["labelmap"]["path"] == "classes/names.txt"
    assert "bus" in shell.ok("get", "labelmap").out


def test_the_value_files_follow(shell: Shell) -> None:
    shell.write("runs/exp3/args.yaml", b"epochs: 100\n")
    shell.write("runs/exp3/results.csv", b"epoch,mAP\n1,0.5\n2,0.7\n")
    shell.ok("set", "from.parameters=runs/exp3/args.yaml")
    shell.ok("set", "from.metrics=runs/exp3/results.csv", "from.metrics.best=mAP")
    shell.ok("mv", "runs/exp3", "runs/best")
    values = tomllib.loads((shell.folder / "model.toml").read_text())["from"]
    assert values == {
        "parameters": "runs/best/args.yaml", "metrics": {"path": "runs/best/results.csv", "best": "mAP"},
    }  # fmt: skip
    assert shell.ok("get", "parameters.epochs").out.strip() == "100"
    shell.commit("moved")


def test_what_was_put_in_the_way_of_an_interrupted_move_stays(shell: Shell, monkeypatch: Any) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TreeDoor, "rename", killed)
        assert shell("mv", "weights/best.pt", "best.pt").code == 130
    assert (shell.folder / ".mvc" / "journal").exists()
    shell.write("best.pt", b"mine")
    said = shell.ok("set", "parameters.lr=1")
    assert "completed the interrupted `mvc mv`; kept files modified since: weights/best.pt" in said.err
    assert (shell.folder / "best.pt").read_bytes() == b"mine"
    assert (shell.folder / "weights/best.pt").exists()


def test_an_interrupted_move_is_completed(shell: Shell, monkeypatch: Any) -> None:
    inner = TreeDoor.rename

    def killed_after(self: TreeDoor, old: str, new: str) -> None:
        inner(self, old, new)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TreeDoor, "rename", killed_after)
        assert shell("mv", "weights", "nets").code == 130
    assert _files(shell)["onnx"] == "weights/*.onnx"
    said = shell.ok("set", "parameters.lr=1")
    assert ("completed the interrupted `mvc mv`" in said.err, "kept" in said.err) == (True, False)
    assert _files(shell)["onnx"] == "nets/*.onnx"


# --- undo


def test_a_move_is_undone_and_redone_with_its_edits_and_untracked_files(shell: Shell) -> None:
    shell.write("weights/best.pt", os.urandom(50_000))
    before = _picture(shell)
    shell.ok("mv", "weights", "nets")
    after = _picture(shell)
    shell.ok("undo")
    assert _picture(shell) == before
    shell.ok("redo")
    assert _picture(shell) == after
    shell.ok("undo")
    assert _picture(shell) == before


def test_moves_and_changes_between_them_are_reversed_at_once(shell: Shell) -> None:
    pictures: dict[int, dict[str, bytes]] = {}

    def do(*words: str) -> None:
        shell.ok(*words)
        pictures[int(shell.ok("op", "log").out.split()[0])] = _picture(shell)

    do("set", "parameters.lr=1")
    do("mv", "weights", "nets")
    do("mv", "nets/best.pt", "best.pt")
    do("commit", "-m", "moved")
    shell.write("nets/b.onnx", b"edited")  # by hand, which no operation reverses
    for picture in pictures.values():
        picture.update({path: b"edited" for path in picture if path.endswith("b.onnx")})
    do("restore", "nets/b.onnx")
    do("mv", "nets/b.onnx", "nets/c.onnx")
    do("set", "parameters.lr=2")
    do("mv", "nets", "last")
    do("mv", "best.pt", "last/deep/best.pt")
    for number in sorted(pictures, reverse=True)[1::3]:
        shell.ok("op", "restore", str(number))
        assert _picture(shell) == pictures[number], number
        shell.ok("undo")
        assert _picture(shell) == pictures[max(pictures)], number


def test_an_undo_never_overwrites_what_is_in_the_way(shell: Shell) -> None:
    shell.ok("mv", "weights", "nets")
    shell.write("weights/mine.txt", b"mine")
    before = _picture(shell)
    assert shell("undo").code == 16
    assert _picture(shell) == before


def test_from_python(shell: Shell) -> None:
    done = mvc.open(shell.folder).model().move("weights/best.pt", "x.pt")
    assert [(file.old, file.new, file.role) for file in done.files] == [("weights/best.pt", "x.pt", "model-latest")]
