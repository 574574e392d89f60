"""Uncommitted changes stored as a version: exactly the bytes that were there, without a ref, and durable before it is named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Version
from mvc.repository.model import Model
from mvc.repository.stash import stashed
from mvc.storage.records import config
from tests.cli.shell import MODEL, Shell, begin

WEIGHTS = "w.bin"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Shell:
    """One version with weights, a note, and a folder of logs."""
    shell = begin(tmp_path, monkeypatch)
    for path, data in ((WEIGHTS, rng.randbytes(200_000)), ("note.txt", b"first"), ("logs/a.txt", b"a")):
        shell.write(path, data)
    shell.ok("add", WEIGHTS, "--as", "weights")
    shell.ok("add", "note.txt", "--as", "note")
    shell.ok("add", "logs", "--as", "logs")
    shell.commit("one")
    return shell


@pytest.fixture
def model(shell: Shell) -> Model:
    return Model(shell.repository, MODEL)


def _stored(model: Model, shell: Shell) -> Version:
    named: list[VersionId] = []
    id_ = stashed.store(model, shell.actor, "put aside", record=named.append)
    assert named == [id_]
    return shell.repository.objects.version(named[0])


def _files(model: Model, version: Version) -> dict[str, bytes]:
    repository = model.repository
    entries = repository.objects.tree(version.tree).entries
    found = {entry.path: b"".join(map(bytes, repository.extract.stream(entry.file))) for entry in entries}
    return {**found, "model.toml": repository.extract.small(version.model_toml)}


def test_the_working_tree_is_stored_as_it_is_and_no_ref_moves(model: Model, shell: Shell, rng: random.Random) -> None:
    data = rng.randbytes(200_000)
    shell.write(WEIGHTS, data)
    shell.set(parameters__lr=0.5)
    shell.write("logs/b.txt", b"b")
    (shell.folder / "logs/b.txt").chmod(0o755)
    refs = {ref.text: model.repository.refs.numbers(ref) for ref in model.targets()}
    version = _stored(model, shell)
    assert version.parents == (model.current,)
    assert _files(model, version) == {
        WEIGHTS: data,
        "note.txt": b"first",
        "logs/a.txt": b"a",
        "logs/b.txt": b"b",
        "model.toml": (shell.folder / "model.toml").read_bytes(),
    }
    assert model.repository.objects.tree(version.tree).by_path["logs/b.txt"].exec
    assert model.repository.objects.manifest(version.manifest).parameters == {"lr": 0.5}
    assert refs == {ref.text: model.repository.refs.numbers(ref) for ref in model.targets()}


def test_what_commit_refuses_is_stored_all_the_same(model: Model, shell: Shell) -> None:
    (shell.folder / "note.txt").unlink()
    toml = shell.folder / "model.toml"
    toml.write_text(toml.read_text() + '[parameters]\ntoken = "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH"\n')
    version = _stored(model, shell)
    assert set(_files(model, version)) == {WEIGHTS, "logs/a.txt", "model.toml"}


@pytest.mark.parametrize("edit", [b"[model\nname =", b"[model]\nname = 'other'\n", b"\xff\xfe", b"[unknown]\nx = 1\n"])
def test_a_model_toml_that_cannot_be_read_keeps_its_bytes(model: Model, shell: Shell, edit: bytes) -> None:
    shell.write("model.toml", edit)
    shell.write("logs/b.txt", b"b")
    version = _stored(model, shell)
    assert version.ext == {"mvc": {"unparsed": True}}
    assert _files(model, version)["model.toml"] == edit
    assert _files(model, version)["logs/b.txt"] == b"b"


def test_a_file_that_cannot_be_stored_is_an_error_and_leaves_nothing(model: Model, shell: Shell) -> None:
    (shell.folder / "note.txt").unlink()
    (shell.folder / "note.txt").mkdir()
    loose = model.repository.objects.loose()
    with pytest.raises(errors.NotRegularFile):
        stashed.store(model, shell.actor, "put aside", record=lambda _: pytest.fail("named"))
    assert model.repository.objects.loose() == loose


def test_without_a_version_there_is_no_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = begin(tmp_path, monkeypatch)
    with pytest.raises(errors.NoVersionYet):
        stashed.store(Model(shell.repository, MODEL), shell.actor, "put aside", record=lambda _: None)


def test_a_feature_is_required_only_while_it_is_needed(model: Model) -> None:
    door = model.repository.door
    before = door.read(config.NAME)
    with model.repository.locked():
        config.set_feature(door, "planes", needed=True)
        assert "planes" in config.parse(door.read(config.NAME), "x")["requires"]
        config.set_feature(door, "planes", needed=True)
        config.set_feature(door, "planes", needed=False)
    assert door.read(config.NAME) == before
