"""`mvc://`: files of versions through fsspec, and remotes that are read without a clone."""

from __future__ import annotations

import gc
import json
import pickle
import random
import struct
from pathlib import Path
from typing import Any

import fsspec
import pytest

import mvc
from mvc import errors
from mvc.filesystem import MvcFileSystem
from tests.cli.shell import MODEL, Shell
from tests.remotes.clones import WEIGHTS, ana, clone


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any, rng: random.Random) -> Shell:
    """Two versions of weights, which the folder origin has; the second also has a file in a folder."""
    shell, weights = ana(tmp_path, monkeypatch, rng, versions=1)
    weights.train()
    shell.write("notes/readme.txt", b"hello")
    shell.ok("add", "notes/readme.txt", "--as", "readme")
    shell.commit("two")
    shell.ok("branch", "night/shift")
    shell.ok("push", "origin", "main", "night/shift")
    return shell


def _filesystem(shell: Shell) -> MvcFileSystem:
    fsspec.register_implementation(
        "mvc", MvcFileSystem, clobber=True
    )  # as the entry point does for one who installs it
    return MvcFileSystem(repo=shell.folder)


@pytest.mark.parametrize(
    "name",
    [
        f"{MODEL}@HEAD/weights", f"{MODEL}@v2/./{WEIGHTS}", f"{MODEL}/{WEIGHTS}", f"{MODEL}@main/weights",
        f"{MODEL}@night%2Fshift/weights",
    ],
)  # fmt: skip
def test_a_file_is_found_by_role_and_by_path(shell: Shell, name: str) -> None:
    _filesystem(shell)
    with fsspec.open(f"mvc://{name}", repo=str(shell.folder)) as file:
        assert file.read() == (shell.folder / WEIGHTS).read_bytes()


def test_it_streams_and_seeks(shell: Shell, rng: random.Random) -> None:
    data = (shell.folder / WEIGHTS).read_bytes()
    with _filesystem(shell).open(f"{MODEL}@main/weights", block_size=10_000) as file:
        for _ in range(30):
            offset = rng.randrange(len(data))
            size = rng.randrange(100_000)
            file.seek(offset)
            assert file.read(size) == data[offset : offset + size]


def test_versions_are_folders(shell: Shell) -> None:
    filesystem = _filesystem(shell)
    assert filesystem.ls("", detail=False) == [MODEL]
    assert sorted(filesystem.find(f"{MODEL}@v2")) == [f"{MODEL}@v2/notes/readme.txt", f"{MODEL}@v2/{WEIGHTS}"]
    assert filesystem.ls(f"{MODEL}@v2", detail=False) == [f"{MODEL}@v2/{WEIGHTS}", f"{MODEL}@v2/notes"]
    assert filesystem.info(f"{MODEL}@v2/readme")["size"] == 5
    assert filesystem.isdir(f"{MODEL}@v2/notes")
    assert filesystem.cat_file(f"{MODEL}@v2/notes/readme.txt", 1, -1) == b"ell"
    assert not filesystem.exists(f"{MODEL}@v1/readme")


@pytest.mark.parametrize("name", ["nobody@v1/x", f"{MODEL}@v9/weights", f"{MODEL}@v1/none", f"{MODEL}@none/weights"])
def test_what_is_not_there_is_not_found(shell: Shell, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        _filesystem(shell).open(name)


def test_nothing_is_written(shell: Shell) -> None:
    with pytest.raises(OSError, match="never change"):
        _filesystem(shell).open(f"{MODEL}@v1/weights", "wb")


def test_only_the_chunks_that_are_touched_come(shell: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    few = clone(tmp_path, monkeypatch, "few", "--meta")
    data = (shell.folder / WEIGHTS).read_bytes()
    with _filesystem(few).open(f"{MODEL}@v2/weights", cache_type="none") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        assert "embedding.weight" in header
        came = sum(path.stat().st_size for path in (few.folder / ".mvc" / "packs").rglob("*.pack"))
        assert came < len(data) / 5
        file.seek(len(data) - 10)
        assert file.read() == data[-10:]
    assert few("fsck").code == 0


def test_a_remote_is_read_without_a_clone(shell: Shell, tmp_path: Path) -> None:
    repository = mvc.open(f"file://{tmp_path / 'origin'}")
    folder = repository.root
    model = repository.model(MODEL)
    assert [version.subject for version in model.log()] == ["two", "one"]
    file = model["v1"].files["weights"]
    assert len(file.read()) == file.size
    del repository, model, file
    gc.collect()
    assert not folder.exists()


def test_one_model_of_a_remote_is_read_and_cloned_by_its_address(
    shell: Shell, tmp_path: Path, monkeypatch: Any
) -> None:
    shell.ok("init", "caps", "--model", "caps")
    shell.ok("--model", "caps", "commit", "--allow-empty", "-m", "first cap")
    shell.ok("--model", "caps", "push", "origin", "main")
    url = f"file://{tmp_path / 'origin'}"
    assert {model.name for model in mvc.open(url)} == {MODEL, "caps"}
    opened = mvc.open(f"{url}#caps", offline=True)
    assert [model.name for model in opened] == ["caps"]
    assert [version.subject for version in opened.model().log()] == ["first cap"]
    assert [each["name"] for each in MvcFileSystem(repo=f"{url}#{MODEL}").ls("")] == [MODEL]
    with pytest.raises(errors.NotThere, match="hats"):
        mvc.open(f"{url}#hats")
    there = Shell(tmp_path, monkeypatch)
    there.ok("clone", "origin#caps", "one")
    there.ok("clone", f"{url}#caps", "two")
    assert there("--model", "hats", "clone", "origin#caps", "three").code == 2
    mvc.clone(f"{url}#caps", tmp_path / "four")
    for folder in ("one", "two", "four"):
        assert [model.name for model in mvc.open(tmp_path / folder)] == ["caps"]
    (tmp_path / "a#b").mkdir()
    assert "a#b has no versions yet" in there("clone", "a#b", "five").err  # a folder of that whole name


def test_a_remote_that_is_none_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(errors.NoRemoteYet):
        mvc.open(f"file://{tmp_path / 'nowhere'}")
    assert list(tmp_path.iterdir()) == []


def test_the_filesystem_reads_a_remote(shell: Shell, tmp_path: Path) -> None:
    filesystem = MvcFileSystem(repo=f"file://{tmp_path / 'origin'}")
    assert filesystem.cat_file(f"{MODEL}@v1/weights") == shell.raw("cat", "v1:weights")[1]


def test_a_pickled_filesystem_finds_its_repository_from_another_folder(
    shell: Shell, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(shell.folder)
    pickled = pickle.dumps(MvcFileSystem(repo="."))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(pickled).cat_file(f"{MODEL}@v2/readme") == b"hello"


def test_a_pickled_file_stays_at_its_version(shell: Shell) -> None:
    data = (shell.folder / WEIGHTS).read_bytes()
    with _filesystem(shell).open(f"{MODEL}@main/weights", block_size=10_000, cache_type="none") as file:
        file.seek(7)
        pickled = pickle.dumps(file)
    shell.write(WEIGHTS, data[::-1])
    shell.commit("three")
    with pickle.loads(pickled) as file:
        assert (file.tell(), file.blocksize, file.read()) == (7, 10_000, data[7:])
        assert pickle.loads(pickle.dumps(file)).size == len(data)
