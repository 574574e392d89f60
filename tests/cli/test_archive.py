"""`mvc archive`: one file with the files of a version, which readers of zip and tar open, and which is always the same."""

from __future__ import annotations

import gzip
import io
import os
import random
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc.cli import archive as cli
from tests.cli.shell import Shell, begin

WEIGHTS = random.Random(3).randbytes(90_000)
LONG = "/".join(["folder" * 10] * 3) + "/notes.txt"
FORMATS = ("x.zip", "x.tar", "x.tar.gz")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "ana"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        shell = begin(folder, patch)
        for path, data in (("weights/best.onnx", WEIGHTS), ("run.sh", b"#!/bin/sh\n"), (LONG, b"n")):
            shell.write(path, data)
        (folder / "run.sh").chmod(0o755)
        for path, role in (("weights/best.onnx", "onnx-best"), ("run.sh", "run"), (LONG, "notes")):
            shell.ok("add", path, "--as", role)
        shell.commit("one")
    return folder


@pytest.fixture
def shell(made: Path, tmp_path: Path, monkeypatch: Any) -> Shell:
    shutil.copytree(made, tmp_path / "ana")
    return Shell(tmp_path / "ana", monkeypatch)


def _read(path: Path) -> dict[str, tuple[bytes, bool]]:
    """The files of an archive, by the readers of the standard library."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            assert packed.testzip() is None
            return {
                each.filename: (packed.read(each), bool(each.external_attr >> 16 & 0o100)) for each in packed.infolist()
            }
    with tarfile.open(path) as packed:
        return {
            each.name: (file.read(), bool(each.mode & 0o100))
            for each in packed
            if (file := packed.extractfile(each)) is not None
        }


@pytest.mark.parametrize("name", FORMATS)
def test_it_has_the_files_of_the_version(shell: Shell, name: str) -> None:
    shell.write("run.sh", b"edited since")
    shell.ok("archive", "v1", "-o", name)
    shell.ok("export", "v1", "../out")
    out = shell.folder.parent / "out"
    exported = {
        path.relative_to(out).as_posix(): (path.read_bytes(), os.access(path, os.X_OK))
        for path in out.rglob("*") if path.is_file()
    }  # fmt: skip
    assert _read(shell.folder / name) == exported
    assert exported.keys() == {"model.toml", "run.sh", "weights/best.onnx", LONG}


@pytest.mark.parametrize("name", FORMATS)
def test_equal_versions_give_equal_bytes(shell: Shell, name: str) -> None:
    shell.ok("archive", "HEAD", "-o", f"../{name}")
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push")
    first = (shell.folder.parent / name).read_bytes()
    shell.folder = shell.folder.parent
    shell.tick()
    shell.ok("clone", "--meta", "origin", "ben")
    shell.folder /= "ben"
    _, out, _ = shell.raw("archive", "v1", "--format", name.partition(".")[2])
    assert out == first


def test_some_files_below_a_prefix(shell: Shell) -> None:
    shell.ok("archive", "v1", "onnx*", "run.sh", "-o", "x.tar", "--prefix", "helmets-v1/")
    assert _read(shell.folder / "x.tar").keys() == {"helmets-v1/weights/best.onnx", "helmets-v1/run.sh"}
    assert shell("archive", "v1", "nosuch", "-o", "y.tar").code == 2
    assert shell("archive", "v1", "-o", "y.tar", "--prefix", "../").code == 17
    assert not (shell.folder / "y.tar").exists()


def test_the_form_of_a_format_without_a_file(shell: Shell) -> None:
    _, out, _ = shell.raw("archive", "HEAD")
    with tarfile.open(fileobj=io.BytesIO(out)) as packed:
        assert {each.mtime for each in packed} == {shell.repository.objects.version(_tip(shell)).time.seconds}
    _, zipped, _ = shell.raw("archive", "HEAD", "--format=tgz")
    assert gzip.decompress(zipped) == out


def _tip(shell: Shell) -> Any:
    return shell.repository.current("helmets")


def test_a_terminal_gets_none(shell: Shell, monkeypatch: Any) -> None:
    class Terminal:
        @staticmethod
        def isatty() -> bool:
            return True

    monkeypatch.setattr(cli, "sys", type("sys", (), {"stdout": Terminal}))
    said = shell("archive", "HEAD")
    assert (said.code, "-o FILE" in said.err) == (2, True), said


@pytest.mark.parametrize("name", FORMATS)
def test_damage_leaves_the_old_file(shell: Shell, name: str) -> None:
    shell.write(name, b"old")
    for pack in (shell.folder / ".mvc" / "packs").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 0xFF
        pack.chmod(0o644)
        pack.write_bytes(data)
    assert shell("archive", "v1", "-o", name).code == 14
    assert (shell.folder / name).read_bytes() == b"old"


def test_from_python(shell: Shell) -> None:
    done = mvc.open(shell.folder).model()["v1"].archive(shell.folder / "x.tgz", files="run")
    assert (done.format, done.files) == ("tar.gz", 1)
    assert _read(shell.folder / "x.tgz") == {"run.sh": (b"#!/bin/sh\n", True)}
