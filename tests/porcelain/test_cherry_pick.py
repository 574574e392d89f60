"""Reverts and cherry-picks: merges whose base is chosen, so what they make is what `mvc merge` would, on one parent."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.merge.merge import merge
from mvc.model.version import Version
from mvc.porcelain.cherry_pick import Options, Picked, cherry_pick, revert
from mvc.porcelain.fsck import fsck
from mvc.porcelain.merge import CONFLICTS, Choice
from mvc.repository import history, merge_state, revisions
from mvc.repository.model import Model
from mvc.storage.records import merges
from tests.cli.shell import MODEL, Shell, begin

ROUNDS = 25
PATHS = ("w.bin", "note.txt", "extra.txt")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Shell:
    """v1 ─ v2 ─ v3 (main), each with another rate, the second with other weights; v1 ─ v2' (side) with a class."""
    shell = begin(tmp_path, monkeypatch)
    shell.write("w.bin", rng.randbytes(80_000))
    shell.ok("add", "w.bin", "--as", "weights")
    shell.set(parameters__lr=1)
    shell.commit("one")
    shell.write("w.bin", rng.randbytes(80_000))
    shell.set(parameters__epochs=10)
    shell.commit("two")
    shell.set(parameters__lr=3)
    shell.commit("three")
    shell.ok("switch", "-c", "side", "v1")
    shell.set(labelmap__0="car")
    shell.commit("class", "--author", "Ben <ben@example.org>")
    shell.ok("switch", "main")
    return shell


def _model(shell: Shell) -> Model:
    return Model(shell.repository, MODEL)


def _version(shell: Shell, text: str) -> Version:
    return shell.repository.objects.version(revisions.resolve(_model(shell), text))


def _content(version: Version) -> tuple[str, str, str]:
    return version.manifest, version.tree, version.model_toml


def _id(shell: Shell, text: str) -> VersionId:
    return revisions.resolve(_model(shell), text)


def test_a_revert_of_head_gives_the_content_of_its_parent(shell: Shell) -> None:
    said = shell.ok("revert", "HEAD")
    assert said.lines[0].endswith('Revert "three"')
    made = _version(shell, "HEAD")
    assert _content(made) == _content(_version(shell, "v2"))
    assert made.parents == (_id(shell, "v3"),)
    assert made.ext == {"mvc": {"reverts": _id(shell, "v3")}}
    assert made.message == f'Revert "three"\n\nThis reverts version {_id(shell, "v3")}.'
    assert shell.ok("status", "-s").out == ""
    shell.ok("revert", "HEAD")
    assert _content(_version(shell, "HEAD")) == _content(_version(shell, "v3"))


def test_comments_are_reverted_and_picked_too(shell: Shell) -> None:
    toml = shell.folder / "model.toml"
    before = toml.read_bytes()
    toml.write_bytes(b"# tried at night\n" + before.replace(b"lr = 3", b"lr = 4 # warm"))
    shell.commit("four")
    commented = toml.read_bytes()
    shell.ok("revert", "HEAD")
    assert toml.read_bytes() == before
    shell.ok("cherry-pick", "v4")
    assert toml.read_bytes() == commented


def test_an_older_version_is_reverted_and_what_came_later_stays(shell: Shell) -> None:
    shell.ok("revert", "v2")
    assert shell.ok("get", "parameters").lines == ["lr = 3"]
    assert (shell.folder / "w.bin").read_bytes() == shell.raw("cat", "v1:weights")[1]


def test_a_cherry_pick_keeps_the_author_and_names_its_origin(shell: Shell) -> None:
    shell.ok("cherry-pick", "-x", "side", "--date", "2026-05-05")
    made, side = _version(shell, "HEAD"), _version(shell, "side")
    assert (made.author, made.time.utc()) == (side.author, "2026-05-05T00:00:00Z")
    assert made.message == f"class\n\n(cherry picked from version {_id(shell, 'side')})"
    assert made.ext == {"mvc": {"picked-from": _id(shell, "side")}}
    assert shell.ok("get", "labelmap.0").out == "car\n"
    assert shell.ok("get", "parameters.lr").out == "3\n"


def test_a_cherry_pick_onto_the_parent_has_the_same_content(shell: Shell) -> None:
    shell.ok("switch", "-c", "again", "v1")
    shell.ok("cherry-pick", "v1..main")
    for text, old in (("HEAD~1", "main~1"), ("HEAD", "main")):
        assert _content(_version(shell, text)) == _content(_version(shell, old))
        assert _version(shell, text).message == _version(shell, old).message


def test_what_changes_nothing_is_said_and_skipped(shell: Shell) -> None:
    said = shell("cherry-pick", "v2")
    assert (said.code, "Nothing to cherry-pick" in said.err) == (1, True)
    said = shell.ok("cherry-pick", "v2", "side")
    assert "Skipped" in said.out
    assert _version(shell, "HEAD").message == "class"


def test_conflicts_are_resolved_as_those_of_a_merge(shell: Shell) -> None:
    shell.set(parameters__lr=4)
    shell.commit("four")
    said = shell("revert", "v3", "v2")
    assert said.code == 1
    assert "parameters.lr" in said.out
    assert f"mvc revert {_id(shell, 'v2')[:10]}" in said.out
    status = shell.ok("status").out
    assert f"Revert of {_id(shell, 'v3')[:10]} in progress" in status
    assert "mvc revert --continue" in status
    assert (shell("cherry-pick", "side").code, shell("commit", "-m", "x").code) == (13, 13)
    assert shell("revert", "--continue").code == 1
    shell.ok("revert", "--continue", "--take", "parameters.lr=theirs")
    made = _version(shell, "HEAD")
    assert made.parents == (_id(shell, "v4"),)
    assert made.ext == {"mvc": {"reverts": _id(shell, "v3")}}
    assert shell.ok("get", "parameters.lr").out == "1\n"
    assert fsck(shell.repository).findings == ()


def test_an_aborted_pick_leaves_nothing(shell: Shell) -> None:
    shell.ok("switch", "side")
    shell.set(parameters__lr=2)
    shell.commit("two")
    before = (shell.folder / "model.toml").read_bytes()
    assert shell("cherry-pick", "main").code == 1
    shell.ok("cherry-pick", "--abort")
    assert (shell.folder / "model.toml").read_bytes() == before
    assert merges.models(shell.repository.door) == []
    assert shell("cherry-pick", "--abort").code == 2


def test_a_pick_that_is_concluded_keeps_the_author(shell: Shell) -> None:
    shell.set(labelmap__0="bus")
    shell.commit("bus")
    assert shell("cherry-pick", "side").code == 1
    shell.ok("cherry-pick", "--continue", "--theirs")
    made = _version(shell, "HEAD")
    assert (made.author.name, made.message, len(made.parents)) == ("Ben", "class", 1)
    assert shell.ok("reflog").lines[0].endswith("cherry-pick: class")


def test_without_commit_only_the_working_tree_changes(shell: Shell) -> None:
    tip = _id(shell, "HEAD")
    shell.write("notes.md", b"untracked")
    shell.ok("revert", "-n", "v3", "v2")
    assert _id(shell, "HEAD") == tip
    assert shell.ok("get", "parameters").lines == ["lr = 1"]
    assert (shell.folder / "w.bin").read_bytes() == shell.raw("cat", "v1:weights")[1]
    assert shell("revert", "-n", "v3").code == 16
    shell.ok("restore", ".")
    shell.set(parameters__lr=4)
    shell.commit("four")
    said = shell("revert", "-n", "v3")
    assert (said.code, "parameters.lr" in said.err) == (1, True)
    assert shell.ok("status", "-s").out == ""


def test_a_merge_is_compared_with_the_parent_that_is_named(shell: Shell) -> None:
    shell.ok("merge", "side")
    said = shell("revert", "HEAD")
    assert (said.code, "-m 1" in said.err) == (2, True)
    assert shell("revert", "-m", "3", "HEAD").code == 2
    shell.ok("revert", "-m", "1", "HEAD")
    assert _version(shell, "HEAD").tree == _version(shell, "v3").tree
    assert _version(shell, "HEAD").manifest == _version(shell, "v3").manifest
    assert "back to its parent 1" in _version(shell, "HEAD").message


def test_the_first_version_cannot_be_reverted(shell: Shell) -> None:
    for verb in (revert, cherry_pick):
        with pytest.raises(errors.NoParentToPick):
            verb(_model(shell), [_id(shell, "v1")], shell.actor)


def test_edits_are_in_the_way(shell: Shell) -> None:
    shell.set(parameters__lr=9)
    said = shell("revert", "v2")
    assert (said.code, "mvc stash" in said.err) == (16, True)
    shell.ok("switch", "--detach", "v1", "--force")
    assert shell("revert", "main").code == 13


def _random_history(shell: Shell, rng: random.Random) -> list[VersionId]:
    ids = []
    for number in range(8):
        for _ in range(rng.randint(1, 3)):
            match rng.randrange(4):
                case 0:
                    shell.set(**{f"parameters__{rng.choice('abc')}": rng.randrange(3)})
                case 1:
                    index = rng.randrange(2)
                    shell.set(**{f"labelmap__{index}": f"{rng.choice(('car', 'bus'))} {index}"})
                case 2:
                    shell.write("w.bin", bytes([rng.randrange(3)]) * 20_000)
                case _:
                    shell.write("note.txt", bytes([rng.randrange(3)]) * 3)
                    shell.ok("add", "note.txt", "--as", "note")
        ids.append(VersionId(shell.commit(str(number), "--allow-empty")))
    return ids


def test_picks_are_the_merges_that_they_are_said_to_be(shell: Shell, rng: random.Random, *, deep: bool) -> None:
    """On random histories: the same values, files and conflicts as a three-way merge with the base of the verb."""
    shell.write("note.txt", b"0")
    shell.ok("add", "note.txt", "--as", "note")
    ids = _random_history(shell, rng)
    seen = set()
    for _ in range(300 if deep else ROUNDS):
        id_, verb = rng.choice(ids[1:]), rng.choice((revert, cherry_pick))
        side = rng.choice((None, "ours", "theirs"))
        model = _model(shell)
        repository, tip = model.repository, model.current
        parent = repository.objects.version(id_).parents[0]
        old, new = (id_, parent) if verb is revert else (parent, id_)
        base, ours, theirs = (history.snapshot(repository, each, MODEL) for each in (old, tip, new))
        assert base is not None
        assert ours is not None
        assert theirs is not None
        merged = merge(base, ours, theirs)
        taken = Choice({}, side).of(merged)
        expected = merge(base, ours, theirs, taken)
        outcome = _picked(verb, model, id_, Options(choice=Choice({}, side)), shell)
        seen.add(outcome.outcome if outcome is not None else None)
        if outcome is None:
            assert (expected.snapshot, expected.conflicts) == (ours, ())
        elif outcome.outcome == CONFLICTS:
            assert {conflict.field for conflict in outcome.conflicts} == {each.field for each in expected.conflicts}
            assert merge_state.in_progress(_model(shell)) is not None
            shell.ok("merge", "--abort")
        else:
            assert not expected.conflicts
            assert history.snapshot(shell.repository, outcome.id, MODEL) == expected.snapshot
        assert shell.ok("status", "-s").out == ""
    assert seen >= {"picked", CONFLICTS} or not deep


def _picked(verb: object, model: Model, id_: VersionId, options: Options, shell: Shell) -> Picked | None:
    try:
        return (revert if verb is revert else cherry_pick)(model, [id_], shell.actor, options=options)
    except errors.NothingToPick:
        return None


def test_conflicts_of_a_revert_name_its_command_and_an_undo_says_what_is_in_progress(shell: Shell) -> None:
    for number in (1, 2, 3):
        shell.set(parameters__lr=number / 10, parameters__wd=number / 100)
        shell.commit(f"rate {number}")
    said = shell("revert", "HEAD~1")
    assert said.code == 1
    assert "`mvc revert --continue --take parameters.lr=ours`" in said.out
    assert "`mvc revert --continue --take FIELD=SIDE --take FIELD=SIDE …`" in said.out
    assert "mvc merge" not in said.out + shell.ok("status").out
    shell.ok("revert", "--continue", "--take", "parameters.lr=theirs", "--take", "parameters.wd=ours")
    undone = shell.ok("undo").out
    assert "The revert is in progress again: `mvc revert --continue`, or --abort to end it" in undone
    assert "in progress" not in shell.ok("undo").out
    assert "in progress" not in shell.ok("status").out
