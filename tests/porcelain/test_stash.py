"""Stashes: push and pop together change nothing, HEAD may move in between, and nothing that was stashed can be lost."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from mvc import errors
from mvc.porcelain import stash, stash_apply
from mvc.porcelain.fsck import fsck
from mvc.repository.model import Model
from mvc.storage.records import config, operations, stashes
from tests.cli.shell import MODEL, Shell, begin
from tests.porcelain.test_gc import collected

Files = dict[str, tuple[bytes, bool]]
PATHS = ("w.bin", "note.txt", "logs/a.txt", "logs/b.txt")
ROUNDS = 15


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Shell:
    """Two versions with weights, a note, and a folder of logs."""
    shell = begin(tmp_path, monkeypatch)
    for path, data in (("w.bin", rng.randbytes(100_000)), ("note.txt", b"first"), ("logs/a.txt", b"a")):
        shell.write(path, data)
    for path, role in (("w.bin", "weights"), ("note.txt", "note"), ("logs", "logs")):
        shell.ok("add", path, "--as", role)
    shell.commit("one")
    shell.set(parameters__epochs=10)
    shell.commit("two")
    return shell


def _model(shell: Shell) -> Model:
    return Model(shell.repository, MODEL)


def _files(shell: Shell) -> Files:
    paths = (path for path in shell.folder.rglob("*") if path.is_file() and ".mvc" not in path.parts)
    return {
        path.relative_to(shell.folder).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in paths
    }


def _required(shell: Shell) -> bool:
    """Whether the store requires stashes; `mvc undo` may require something, too."""
    return config.STASHES in config.parse((shell.folder / ".mvc/config.toml").read_bytes(), "x")["requires"]


def _edit(shell: Shell, rng: random.Random) -> None:
    """Change, delete, create or move something, or break model.toml."""
    path = shell.folder / rng.choice(PATHS)
    toml = shell.folder / "model.toml"
    match rng.randrange(7):
        case 0 | 1:
            shell.write(path.relative_to(shell.folder).as_posix(), rng.randbytes(rng.choice((0, 5, 70_000))))
        case 2:
            path.unlink(missing_ok=True)
        case 3 if path.exists():
            path.chmod(path.stat().st_mode ^ 0o111)
        case 4:
            toml.write_bytes(toml.read_bytes() + b"# a comment\n")
        case 5:
            toml.write_bytes(toml.read_bytes().replace(b"epochs = 10", f"epochs = {rng.randrange(99)}".encode()))
        case _:
            toml.write_bytes(toml.read_bytes() + rng.choice((b"broken [", b"[labelmap]\n0 = 'x'\n", b"[other]\n")))


def test_push_and_pop_change_nothing(shell: Shell, rng: random.Random, *, deep: bool) -> None:
    shell.write("untracked.bin", b"not tracked")
    clean = _files(shell)
    for _ in range(200 if deep else ROUNDS):
        for _ in range(rng.randint(1, 5)):
            _edit(shell, rng)
        before = _files(shell)
        said = shell.ok("stash")
        assert _files(shell) == clean
        assert fsck(shell.repository, read_data=True).findings == ()
        assert _required(shell) == (before != clean)
        if before != clean:
            shell.ok("stash", "pop")
            assert _files(shell) == before
        else:
            assert said.out == "No local changes to save\n"
        assert not _required(shell)
        shell.write("model.toml", clean["model.toml"][0])
        shell.ok("restore", ".")
        (shell.folder / "logs/b.txt").unlink(missing_ok=True)


def test_a_stash_is_merged_with_what_was_committed_since(shell: Shell) -> None:
    shell.set(parameters__lr=0.5)
    shell.write("note.txt", b"stashed")
    shell.ok("stash", "-m", "try another rate")
    shell.set(parameters__epochs=20)
    shell.write("w.bin", b"retrained" * 5_000)
    shell.commit("three")
    assert shell.ok("stash", "list").lines == ["stash@{0}: On main: try another rate"]
    shell.ok("stash", "pop")
    assert shell.ok("get", "parameters").lines == ["epochs = 20", "lr = 0.5"]
    assert (shell.folder / "note.txt").read_bytes() == b"stashed"
    assert (shell.folder / "w.bin").read_bytes() == b"retrained" * 5_000
    assert shell.ok("stash", "list").out == ""


def test_conflicts_change_nothing_and_can_be_resolved(shell: Shell) -> None:
    shell.set(parameters__epochs=30)
    shell.write("note.txt", b"stashed")
    shell.ok("stash")
    shell.set(parameters__epochs=20)
    shell.commit("three")
    before = _files(shell)
    said = shell("stash", "pop")
    assert said.code == 1
    assert "parameters.epochs" in said.err
    assert _files(shell) == before
    shell.ok("stash", "apply", "--take", "parameters.epochs=ours")
    assert shell.ok("get", "parameters.epochs").out == "20\n"
    assert (shell.folder / "note.txt").read_bytes() == b"stashed"
    shell.ok("restore", ".")
    shell.ok("stash", "pop", "--theirs")
    assert shell.ok("get", "parameters.epochs").out == "30\n"


def test_edits_in_other_files_stay_and_in_the_same_file_are_in_the_way(shell: Shell) -> None:
    shell.write("note.txt", b"stashed")
    shell.ok("stash")
    shell.write("note.txt", b"edited")
    before = _files(shell)
    said = shell("stash", "pop")
    assert (said.code, "note.txt" in said.err) == (16, True)
    assert _files(shell) == before
    shell.write("note.txt", b"first")
    shell.write("logs/a.txt", b"edited")
    shell.set(parameters__lr=1)
    shell.ok("stash", "pop")
    assert (shell.folder / "note.txt").read_bytes() == b"stashed"
    assert (shell.folder / "logs/a.txt").read_bytes() == b"edited"
    assert shell.ok("get", "parameters.lr").out == "1\n"


def test_a_broken_model_toml_is_restored_only_where_it_was_made(shell: Shell) -> None:
    shell.write("model.toml", b"broken [")
    shell.ok("stash")
    assert "could not be parsed" in shell.ok("stash", "show").out
    shell.set(parameters__lr=1)
    shell.commit("three")
    said = shell("stash", "pop")
    assert (said.code, "model.toml" in said.err) == (1, True)
    shell.ok("stash", "branch", "broken")
    assert (shell.folder / "model.toml").read_bytes() == b"broken ["


def test_stashes_are_numbered_from_the_newest_and_dropped_by_number(shell: Shell) -> None:
    for text in ("one", "two", "three"):
        shell.write("note.txt", text.encode())
        shell.ok("stash", "save", "the", text)
    assert [line.rpartition(" ")[2] for line in shell.ok("stash", "list").lines] == ["three", "two", "one"]
    assert shell.ok("cat", "stash@{2}:note").out == "one"
    assert shell.ok("diff", "--name-only", "HEAD", "stash@{1}").out == "note.txt\n"
    assert "stash@{1}" in shell.ok("stash", "drop", "stash@{1}").out
    assert [line.rpartition(" ")[2] for line in shell.ok("stash", "list").lines] == ["three", "one"]
    assert shell("stash", "drop", "2").code == 2
    shell.ok("stash", "apply", "1")
    assert (shell.folder / "note.txt").read_bytes() == b"one"
    assert len(shell.ok("stash", "clear").lines) == 2
    assert not _required(shell)


def test_undo_brings_back_the_stashes_that_garbage_collection_left(shell: Shell, rng: random.Random) -> None:
    shell.write("w.bin", rng.randbytes(80_000))
    shell.ok("stash")
    for path in (shell.folder / ".mvc").rglob("*"):
        os.utime(path, (time.time() - 7_200,) * 2)
    shell.write("note.txt", b"young")
    shell.ok("stash")
    shell.ok("stash", "clear")
    cleared = max(operations.numbers(shell.repository.door))
    assert len(collected(shell, grace=3_600).versions) == 1
    shell.ok("undo", "--op", str(cleared))
    assert len(shell.ok("stash", "list").lines) == 1
    assert shell.ok("cat", "stash@{0}:note").out == "young"


def test_garbage_collection_keeps_a_stash_until_it_is_dropped(shell: Shell, rng: random.Random) -> None:
    data = rng.randbytes(80_000)
    shell.write("w.bin", data)
    shell.ok("stash")
    assert collected(shell).versions == ()
    dropped = stash.drop(_model(shell), shell.actor)
    assert [id_ for id_, _, _ in collected(shell, dry_run=True).versions] == [dropped.id]
    shell.ok("branch", "rescued", dropped.id)
    shell.ok("switch", "rescued")
    assert (shell.folder / "w.bin").read_bytes() == data


def test_a_stash_is_made_on_a_detached_head_and_not_within_a_merge(shell: Shell) -> None:
    shell.ok("switch", "--detach", "v1")
    shell.write("note.txt", b"stashed")
    assert "(no branch)" in shell.ok("stash").out
    shell.ok("switch", "-c", "side")
    shell.write("note.txt", b"of the side")
    shell.commit("side")
    shell.ok("switch", "main")
    shell.write("note.txt", b"of main")
    shell.commit("three")
    assert shell("merge", "side").code == 1
    assert shell("stash").code == shell("stash", "pop").code == 13


def test_before_the_first_commit_there_is_nothing_to_go_back_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = begin(tmp_path, monkeypatch)
    with pytest.raises(errors.NoVersionYet):
        stash.push(_model(shell), shell.actor)
    assert stash.stashes(_model(shell)) == []


def test_a_renamed_model_takes_its_stashes_along(shell: Shell) -> None:
    shell.write("note.txt", b"stashed")
    shell.ok("stash")
    shell.ok("models", "rename", MODEL, "hard hats")
    assert stashes.models(shell.repository.door) == ["hard hats"]
    shell.ok("stash", "pop")
    assert (shell.folder / "note.txt").read_bytes() == b"stashed"
    assert "hard hats" in (shell.folder / "model.toml").read_text()


def test_a_stash_is_never_pushed(shell: Shell) -> None:
    shell.write("note.txt", b"stashed")
    id_ = stash.push(_model(shell), shell.actor).stash
    assert id_ is not None
    shell.ok("remote", "add", "origin", ".mvc-origin")
    shell.ok("push", "--all", "--tags")
    shell.ok("clone", ".mvc-origin", "copy")
    shell.folder = shell.folder / "copy"
    assert not shell.repository.objects.has(id_.id)


def test_damage_of_a_stash_is_found(shell: Shell, rng: random.Random) -> None:
    shell.write("note.txt", b"stashed")
    shell.ok("stash")
    folder = shell.folder / ".mvc/stashes" / MODEL
    entry = folder / "0000000001"
    data = entry.read_bytes()
    entry.chmod(0o644)
    at = rng.randrange(len(data))
    entry.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert {finding.kind for finding in fsck(shell.repository).findings} == {"stash"}
    assert shell("stash", "list").code == 14
    assert shell("gc").code == 14
    entry.write_bytes(data)
    shell.ok("stash", "drop")
    entry.unlink()
    assert {finding.kind for finding in fsck(shell.repository).findings} == {"stash"}


def test_a_missing_file_of_a_stash_is_found(shell: Shell) -> None:
    shell.write("note.txt", b"stashed")
    done = stash.push(_model(shell), shell.actor).stash
    assert done is not None
    repository = shell.repository
    file = repository.objects.tree(repository.objects.version(done.id).tree).by_path["note.txt"].file
    shutil.rmtree(shell.folder / ".mvc/recipes" / file[:2] / file)
    found = fsck(shell.repository)
    assert [(finding.kind, finding.path) for finding in found.findings] == [("missing", "note.txt")]


def test_an_mvc_that_does_not_know_stashes_refuses_the_store(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.write("note.txt", b"stashed")
    shell.ok("stash")
    monkeypatch.setattr(config, "KNOWN_FEATURES", config.KNOWN_FEATURES - {config.STASHES})
    said = shell("--json", "status")
    assert "unknown-feature" in said.err
    assert "stashes" in said.err


def test_a_requirement_that_a_killed_command_left_goes_with_the_next_collection(shell: Shell) -> None:
    repository = shell.repository
    with repository.locked():
        config.set_feature(repository.door, config.STASHES, needed=True)
    assert _required(shell)
    shell.ok("gc")
    assert not _required(shell)


def test_an_undone_stash_is_dropped_and_an_undone_pop_is_there_again(shell: Shell) -> None:
    shell.write("note.txt", b"stashed")
    shell.ok("stash")
    shell.ok("undo")
    assert (shell.folder / "note.txt").read_bytes() == b"stashed"
    assert shell.ok("stash", "list").out == ""
    assert not _required(shell)
    shell.ok("stash")
    shell.ok("stash", "pop")
    shell.ok("undo")
    assert (shell.folder / "note.txt").read_bytes() == b"first"
    assert len(shell.ok("stash", "list").lines) == 1


def test_applying_twice_is_harmless(shell: Shell) -> None:
    """As after a pop that was killed before it dropped the stash."""
    shell.write("note.txt", b"stashed")
    (shell.folder / "logs/a.txt").unlink()
    shell.ok("stash")
    model = _model(shell)
    stash_apply.apply(model, shell.actor)
    before = _files(shell)
    stash_apply.apply(_model(shell), shell.actor, drop=True)
    assert _files(shell) == before


@pytest.mark.parametrize("is_pruned", [False, True])
@pytest.mark.parametrize("command", [("pop",), ("branch", "later")])
def test_a_stash_of_an_edited_model_toml_comes_back_under_the_new_name(
    shell: Shell, command: tuple[str, ...], is_pruned: bool
) -> None:
    """In a repository that lacks files of former versions, too, where those to check out are looked up first."""
    if is_pruned:
        shell.write("w.bin", b"third")
        shell.commit("three")
        shell.ok("prune", "v1", "v2", "--yes")
    shell.set(metrics__acc=0.75)
    shell.ok("stash")
    shell.ok("models", "rename", MODEL, "hard hats")
    shell.ok("stash", *command)
    text = (shell.folder / "model.toml").read_text()
    assert ("hard hats" in text, "acc = 0.75" in text) == (True, True)
    assert not fsck(shell.repository, read_data=True).findings
