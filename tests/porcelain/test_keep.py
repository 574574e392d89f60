"""Uncommitted changes kept as a version: exactly the bytes that were there, without a ref, and durable before it is named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Version
from mvc.repository.model import Model
from mvc.repository.stash import keep
from mvc.repository.worktree import checkout
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
    id_ = keep.store(model, shell.actor, "kept", record=named.append)
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
    refs = {ref.text: model.repository.refs.numbers(ref) for ref in model.refs()}
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
    assert refs == {ref.text: model.repository.refs.numbers(ref) for ref in model.refs()}


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
        keep.store(model, shell.actor, "kept", record=lambda _: pytest.fail("named"))
    assert model.repository.objects.loose() == loose


def test_files_are_kept_and_restored(model: Model, shell: Shell, rng: random.Random) -> None:
    """As a command does that discards edits: keep what it overwrites, move, and move back."""
    before = {path: (shell.folder / path).read_bytes() for path in (WEIGHTS, "note.txt", "model.toml")}
    edits = {WEIGHTS: rng.randbytes(180_000), "note.txt": b"second", "model.toml": b"broken ["}
    for path, data in edits.items():
        shell.write(path, data)
    (shell.folder / WEIGHTS).chmod(0o755)
    base = checkout.files_of(model, model.current)
    paths = checkout.overwritten(model, base=base, wanted=base)
    assert {(file.path, file.size) for file in keep.unsaved(model, paths)} == {
        (path, len(data)) for path, data in edits.items()
    }
    id_ = keep.keep(model, shell.actor, paths, "reset", record=lambda _: None)
    assert keep.unsaved(model, paths) == ()
    edited = keep.overlaid(base, keep.kept(model, id_))
    with model.repository.writing():
        checkout.move(model, "reset", base=edited, wanted=base)
    assert {path: (shell.folder / path).read_bytes() for path in before} == before
    with model.repository.writing():
        checkout.move(model, "undo", base=base, wanted=edited)
    assert {path: (shell.folder / path).read_bytes() for path in edits} == edits
    assert (shell.folder / WEIGHTS).stat().st_mode & 0o100


def test_an_edit_after_the_copy_is_in_the_way(model: Model, shell: Shell) -> None:
    shell.write("note.txt", b"second")
    base = checkout.files_of(model, model.current)
    id_ = keep.keep(model, shell.actor, ["note.txt"], "reset", record=lambda _: None)
    shell.write("note.txt", b"third!")
    with pytest.raises(errors.InTheWay), model.repository.writing():
        checkout.move(model, "reset", base=keep.overlaid(base, keep.kept(model, id_)), wanted=base)
    assert (shell.folder / "note.txt").read_bytes() == b"third!"


def test_untracked_files_are_kept_before_the_first_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = begin(tmp_path, monkeypatch)
    shell.write("a.bin", b"a" * 50_000)
    model = Model(shell.repository, MODEL)
    id_ = keep.keep(model, shell.actor, ["a.bin", "absent"], "switch", record=lambda _: None)
    assert [entry.path for entry in keep.kept(model, id_).entries] == ["a.bin"]
    with pytest.raises(errors.NoVersionYet):
        keep.store(model, shell.actor, "kept", record=lambda _: None)


def test_a_feature_is_required_only_while_it_is_needed(model: Model) -> None:
    door = model.repository.door
    before = door.read(config.NAME)
    with model.repository.locked():
        config.set_feature(door, "planes", needed=True)
        assert "planes" in config.parse(door.read(config.NAME), "x")["requires"]
        config.set_feature(door, "planes", needed=True)
        config.set_feature(door, "planes", needed=False)
    assert door.read(config.NAME) == before
