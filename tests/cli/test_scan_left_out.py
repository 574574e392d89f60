"""`mvc scan` of folders and working trees: no file is skipped without a word, whatever its name or kind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import mvc
from tests.cli.shell import Shell, begin
from tests.formats.pickles import STOP
from tests.scan import containers
from tests.scan.structures import RUN

HOSTILE = RUN + STOP


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder without a repository."""
    (tmp_path / "here").mkdir()
    return Shell(tmp_path / "here", monkeypatch)


def _rows(shell: Shell, *words: str) -> dict[str, str | None]:
    return {file["path"]: file["verdict"] or file["absent"] for file in shell("scan", "--json", *words).json["files"]}


def _too_deep(folder: Path) -> None:
    """Make a folder whose path is too long to be listed, also by root."""
    top = os.open(folder, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("n" * 200, dir_fd=top)
        below = os.open("n" * 200, os.O_RDONLY, dir_fd=top)
        os.close(top)
        top = below
    os.close(top)


def test_a_file_with_a_name_of_any_bytes_is_scanned(plain: Shell) -> None:
    for name in (b"bad\xff.pkl", b"folder\xfe/a.pkl", b"git~1"):
        plain.write(os.fsdecode(name), HOSTILE)
    plain.write("bad\\xff.pkl", b"N.")  # as the other is shown: neither hides the other
    said = plain("scan", ".")
    assert (said.code, said.lines[-1]) == (1, "4 files: 3 hostile, 1 plain")
    assert _rows(plain, ".").keys() == {"bad\\xff.pkl", "folder\\xfe/a.pkl", "git~1"}
    assert mvc.scan_files(plain.folder).verdict == "hostile"


def test_what_is_left_out_is_named(plain: Shell) -> None:
    for name in (".git/a.pkl", "deep/.mvc/a.pkl"):
        plain.write(name, HOSTILE)
    os.mkfifo(plain.folder / "pipe")
    for name, target in (("zero", "/dev/zero"), ("folder", "deep"), ("nothing", "gone")):
        (plain.folder / name).symlink_to(target)
    expected = {
        ".git": "a folder of version control",
        "deep/.mvc": "a folder of version control",
        "folder": "a link to a folder",
        "nothing": "a link to nothing",
        "pipe": "a pipe",
        "zero": "a link to a device",
    }
    said = plain("scan")
    assert (said.code, said.out) == (0, "0 files\n")
    assert said.err.splitlines() == [f"warning: left out {path}: {reason}" for path, reason in expected.items()]
    said = plain("scan", "--format", "json", ".")
    assert ({each["path"]: each["reason"] for each in said.json["left_out"]}, said.err) == (expected, "")
    assert dict(mvc.scan_files(plain.folder / "deep").left_out) == {f"{plain.folder}/deep/.mvc": expected["deep/.mvc"]}


def test_what_cannot_be_read_is_named_and_the_rest_is_scanned(plain: Shell) -> None:
    (plain.folder / "loop").symlink_to("loop")
    _too_deep(plain.folder)
    said = plain("scan")
    assert (said.code, said.lines[-1]) == (15, "2 files: 2 not scanned")
    assert "loop  cannot be read (Too many levels of symbolic links)" in said.out
    assert "nnn  cannot be read (File name too long)" in said.out
    plain.write("hostile.pkl", HOSTILE)
    assert plain("scan").code == 1
    assert _rows(plain, "loop", "hostile.pkl") == {"loop": "unreadable", "hostile.pkl": "hostile"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_files_and_folders_without_permission_are_named(plain: Shell) -> None:
    plain.write("hostile.pkl", HOSTILE)
    plain.write("secret.pkl", b"N.")
    plain.write("closed/a.pkl", b"N.")
    for name in ("secret.pkl", "closed"):
        (plain.folder / name).chmod(0)
    rows = _rows(plain)
    (plain.folder / "closed").chmod(0o700)
    assert rows == {"hostile.pkl": "hostile", "secret.pkl": "unreadable", "closed": "unreadable"}


def test_a_tracked_file_that_is_gone_or_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = begin(tmp_path / "ana", monkeypatch)
    for name in ("best.pt", "gone.pt", "pipe.pt", "zero.pt"):
        shell.write(name, containers.PLAIN)
        shell.ok("add", name, "--as", name.removesuffix(".pt"))
    shell.ok("commit", "-m", "one")
    for name in ("gone.pt", "pipe.pt", "zero.pt"):
        (shell.folder / name).unlink()
    os.mkfifo(shell.folder / "pipe.pt")
    (shell.folder / "zero.pt").symlink_to("/dev/zero")
    said = shell("scan")
    assert (said.code, said.lines[-1]) == (15, "4 files: 1 plain, 3 not scanned")
    rows = {"gone.pt": "missing", "pipe.pt": "unreadable", "zero.pt": "unreadable"}
    assert _rows(shell) == {"best.pt": "plain", **rows}
    assert _rows(shell, "gone") == {"gone.pt": "missing"}
    assert {file.path: file.absent for file in mvc.open(shell.folder).model(None).scan().files if file.absent} == rows
    assert ".mvc" not in shell("scan", ".").err  # the repository's own


def test_plain_files_need_no_repository_that_can_be_opened(plain: Shell) -> None:
    (plain.folder / ".mvc").mkdir()
    plain.write("best.pt", HOSTILE)
    for words in ((".",), ("best.pt",), ("--", "best.pt")):
        assert _rows(plain, *words) == {"best.pt": "hostile"}
    assert plain("scan").code == 10
    assert plain("scan", "best.pt", "v1").code == 10
    assert json.loads(plain("scan", ".", "--json").out)["left_out"] == []
