"""Push, fetch, pull and clone between two people who share a folder."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.porcelain.push import push as push_verb
from mvc.remotes.backends.local import LocalBackend
from mvc.repository.model import Model
from mvc.storage.records.reflog import ALIASES, HEADS, RefLogs, RefName
from mvc.transport.refspec import RefUpdate
from tests.cli.shell import MODEL, Shell
from tests.remotes.clones import WEIGHTS, Weights, ana, clone, folder, push_main, remote_on
from tests.remotes.faults import Faulty

BEST = RefName(MODEL, ALIASES, "best")


class Pair:
    """Ana, who has pushed two versions, and Ben, who has cloned them."""

    def __init__(self, tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
        self.ana, self.weights = ana(tmp_path, monkeypatch, rng)
        self.ana.ok("push")
        self.ben = clone(tmp_path, monkeypatch, "ben")
        self.where = tmp_path / "origin"
        self.patch = monkeypatch


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Pair:
    return Pair(tmp_path, monkeypatch, rng)


def _tip(shell: Shell, revision: str = "HEAD") -> str:
    return str(shell.ok("log", "--format", "{id}", "-n", "1", revision).out.strip())


def test_what_was_pushed_is_the_same_in_a_clone_byte_for_byte(pair: Pair) -> None:
    assert (pair.ben.folder / WEIGHTS).read_bytes() == (pair.ana.folder / WEIGHTS).read_bytes()
    assert _tip(pair.ben) == _tip(pair.ana)
    pair.ben.ok("switch", "v1")
    pair.ana.ok("switch", "v1")
    assert (pair.ben.folder / WEIGHTS).read_bytes() == (pair.ana.folder / WEIGHTS).read_bytes()
    assert pair.ben("fsck", "--read-data").code == 0


def test_a_second_push_sends_nothing(pair: Pair) -> None:
    backend = Faulty(LocalBackend(pair.where))
    done = push_main(pair.ana, remote_on(backend))
    assert [ref.flag for ref in done.refs] == ["="]
    assert not [call for call in backend.calls if call.startswith("put")]


def test_a_fine_tune_sends_a_part_of_the_file(pair: Pair) -> None:
    pair.weights.train()
    pair.ana.commit("tuned")
    done = push_main(pair.ana, folder(pair.where))
    assert 0 < done.sent < 0.7 * (pair.ana.folder / WEIGHTS).stat().st_size


def test_who_is_beaten_is_told_by_whom_and_nothing_moves(pair: Pair) -> None:
    pair.ana.set(parameters__lr=1)
    first = pair.ana.commit("hers")
    pair.ana.ok("push")
    pair.ben.set(parameters__lr=2)
    pair.ben.commit("his")
    said = pair.ben("push")
    assert said.code == 13
    assert "Ana" in said.err
    assert first[:10] in said.err
    pair.ana.ok("fetch")
    assert _tip(pair.ana, "origin/main") == first


def test_who_has_seen_theirs_and_is_not_after_it_is_refused_too(pair: Pair) -> None:
    pair.ana.set(parameters__lr=1)
    hers = pair.ana.commit("hers")
    pair.ana.ok("push")
    pair.ben.set(parameters__lr=2)
    pair.ben.commit("his")
    pair.ben.ok("fetch")
    assert pair.ben("push").code == 13
    pair.ana.ok("fetch")
    assert _tip(pair.ana, "origin/main") == hers


def test_a_pull_where_both_moved_on_is_refused_and_changes_nothing(pair: Pair) -> None:
    pair.ana.set(parameters__lr=1)
    pair.ana.commit("hers")
    pair.ana.ok("push")
    pair.ben.set(parameters__lr=2)
    mine = pair.ben.commit("his")
    said = pair.ben("pull")
    assert said.code == 13
    assert "--rebase" in said.err
    assert _tip(pair.ben) == mine


def test_a_pull_does_not_write_over_edits(pair: Pair) -> None:
    pair.weights.train()
    pair.ana.commit("tuned")
    pair.ana.ok("push")
    before = _tip(pair.ben)
    pair.ben.write(WEIGHTS, b"edited")
    assert pair.ben("pull").code == 16
    assert (pair.ben.folder / WEIGHTS).read_bytes() == b"edited"
    assert _tip(pair.ben) == before


def test_force_with_lease_replaces_only_what_was_seen(pair: Pair) -> None:
    pair.ben.ok("reset", "--hard", "v1")
    pair.ben.set(parameters__lr=3)
    pair.ben.commit("instead")
    pair.ana.set(parameters__lr=1)
    hers = pair.ana.commit("hers")
    pair.ana.ok("push")
    assert pair.ben("push", "--force-with-lease").code == 13
    pair.ana.ok("fetch")
    assert _tip(pair.ana, "origin/main") == hers
    pair.ben.ok("fetch")
    pair.ben.ok("push", "--force-with-lease")
    pair.ana.ok("fetch")
    assert _tip(pair.ana, "origin/main") == _tip(pair.ben)


def test_a_clone_has_the_messages_of_tags_and_aliases(pair: Pair, tmp_path: Path) -> None:
    pair.ana.ok("tag", "2026.1", "v1", "-m", "what we shipped")
    pair.ana.ok("tag", "plain", "v1")
    pair.ana.ok("alias", "set", "prod", "v1", "-m", "QA passed")
    pair.ana.ok("push", "origin", "2026.1", "plain", "prod")
    pair.ben.ok("fetch")
    for ben in (pair.ben, clone(tmp_path, pair.patch, "new")):
        tags = ben.ok("tag", "--json").json["tags"]
        assert [(tag["name"], tag["message"], tag["by"]) for tag in tags] == [
            ("2026.1", "what we shipped", "Ana <ana@example.org>"),
            ("plain", "", "Ana <ana@example.org>"),
        ]
        assert "tag 2026.1: what we shipped" in ben.ok("show", "v1").out
        assert "QA passed" in ben.ok("alias", "log", "prod").out


def test_tags_never_move_and_aliases_move_if_nobody_else_moved_them(pair: Pair) -> None:
    pair.ana.ok("tag", "best", "v1")
    pair.ana.ok("alias", "set", "prod", "v1")
    pair.ana.ok("push", "origin", "--tags")
    pair.ben.ok("fetch")
    assert _tip(pair.ben, "best") == _tip(pair.ben, "v1")
    pair.ben.ok("alias", "set", "prod", "v2")
    pair.ben.ok("push", "origin", "prod")
    pair.ana.ok("fetch")
    assert _tip(pair.ana, "prod") == _tip(pair.ana, "v2")
    pair.ana.ok("alias", "set", "prod", "v1")
    pair.ben.ok("alias", "set", "prod", "v1")
    pair.ben.ok("push", "origin", "prod")
    pair.ben.ok("alias", "set", "prod", "v2")
    pair.ben.ok("push", "origin", "prod")
    assert pair.ana("push", "origin", "prod").code == 13
    pair.ben.ok("tag", "-d", "best")


def test_who_moved_an_alias_and_why_travels(pair: Pair) -> None:
    pair.ana.ok("alias", "set", "prod", "v1", "-m", "approved")
    pair.ana.ok("push", "origin", "--tags")
    pair.patch.setenv("MVC_AUTHOR_NAME", "Ben")
    pair.ben.tick()
    pair.ben.ok("fetch")
    pair.patch.setenv("MVC_AUTHOR_NAME", "Ana")
    pair.ana.ok("alias", "set", "prod", "v2", "-m", "faster")
    pair.patch.setenv("MVC_AUTHOR_NAME", "CI")
    pair.ana.ok("push", "origin", "--tags")
    pair.patch.setenv("MVC_AUTHOR_NAME", "Ben")
    pair.ben.ok("fetch")
    moves = pair.ben.ok("alias", "log", "prod", "--json").json["moves"]
    assert [(move["by"], move["message"]) for move in moves] == [
        ("Ana <ana@example.org>", "faster"),
        ("Ana <ana@example.org>", "approved"),
    ]
    assert "by Ana  faster" in pair.ben.ok("alias").out


def test_a_rejected_alias_names_the_way_to_theirs(pair: Pair) -> None:
    pair.ana.ok("alias", "set", "prod", "v1")
    pair.ana.ok("push", "origin", "prod")
    pair.ben.ok("alias", "set", "prod", "v2")
    said = pair.ben("push", "origin", "prod")
    assert said.code == 13
    theirs = _tip(pair.ana, "v1")[:10]
    assert f"`mvc alias set prod {theirs}`" in said.err
    pair.ben.ok("fetch")
    pair.ben.ok("show", theirs)
    pair.ben.ok("alias", "set", "prod", theirs)
    assert _tip(pair.ben, "prod") == _tip(pair.ana, "v1")


def test_a_removed_name_is_gone_for_others_after_a_pruning_fetch(pair: Pair) -> None:
    pair.ana.ok("branch", "night")
    pair.ana.ok("push", "origin", "night")
    pair.ben.ok("fetch")
    assert pair.ben("log", "origin/night").code == 0
    pair.ana.ok("push", "origin", "--delete", "night")
    pair.ben.ok("fetch")
    assert pair.ben("log", "origin/night").code == 0
    pair.ben.ok("fetch", "--prune")
    assert pair.ben("log", "origin/night").code == 2


def test_several_names_are_told_one_by_one(pair: Pair) -> None:
    pair.ana.set(parameters__lr=1)
    pair.ana.commit("hers")
    pair.ana.ok("push")
    pair.ben.set(parameters__lr=2)
    pair.ben.commit("his")
    pair.ben.ok("branch", "night")
    said = pair.ben("push", "origin", "--all", "--json")
    assert said.code == 13
    flags = {ref["ref"]: ref["flag"] for ref in said.json["refs"]}
    assert flags == {"heads/main": "!", "heads/night": "*"}


def test_a_dry_run_sends_nothing_and_says_what_would_go(pair: Pair) -> None:
    pair.weights.train()
    pair.ana.commit("tuned")
    before = sorted(path for path in pair.where.rglob("*") if path.is_file())
    said = pair.ana.ok("push", "-n", "--json").json
    assert said["versions"] == 1
    assert said["bytes_sent"] > 0
    assert not said["done"]
    assert sorted(path for path in pair.where.rglob("*") if path.is_file()) == before


def test_a_branch_may_have_another_name_there(pair: Pair) -> None:
    pair.ana.ok("push", "origin", "main:release/1")
    pair.ben.ok("fetch")
    assert _tip(pair.ben, "origin/release/1") == _tip(pair.ana)
    pair.ben.ok("switch", "release/1")
    assert "release/1" in pair.ben.ok("status").out


def test_only_a_role_moves_that_file_and_its_bases_and_little_more(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.ana.write("notes.bin", random.Random(1).randbytes(3_000_000))
    pair.ana.ok("add", "notes.bin", "--as", "notes")
    pair.ana.commit("with notes")
    pair.ana.ok("push")
    some = clone(tmp_path, monkeypatch, "some", "--only", "weights", "--json")
    repository = some.repository
    needed = {
        place.location.entry.offset: place.location.entry.end - place.location.entry.offset
        for file in [repository.objects.tree(repository.objects.version(_id(some)).tree).by_role["weights"].file]
        for chunk, _ in (repository.recipes.best(file) or pytest.fail("it did not come")).chunks
        for top in repository.reader.locate(chunk)
        for place in (top, *top.bases, *(deep for base in top.bases for deep in base.bases))
    }
    packs = sum(path.stat().st_size for path in (some.folder / ".mvc" / "packs").rglob("*.pack"))
    assert packs <= 1.05 * sum(needed.values())
    assert not (some.folder / "notes.bin").exists()
    assert some.ok("status", "--json").json["clean"]


def _id(shell: Shell) -> Any:
    return json.loads(shell.ok("log", "-n", "1", "--json").out)["versions"][0]["id"]


def test_a_file_that_never_came_stays_in_the_next_version(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = clone(tmp_path, monkeypatch, "some", "--meta")
    assert not (some.folder / WEIGHTS).exists()
    some.set(parameters__lr=5)
    some.commit("without looking at the weights")
    some.ok("push")
    pair.ana.ok("pull")
    assert (pair.ana.folder / WEIGHTS).exists()
    assert "weights" in pair.ana.ok("ls").out
    some.ok("restore", "weights")
    assert (some.folder / WEIGHTS).read_bytes() == (pair.ana.folder / WEIGHTS).read_bytes()


def test_a_fine_tune_of_what_never_came_is_stored(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = clone(tmp_path, monkeypatch, "some", "--meta")
    pair.weights.train()
    some.write(WEIGHTS, (pair.ana.folder / WEIGHTS).read_bytes())
    some.commit("tuned elsewhere")
    some.ok("push")
    pair.ana.ok("restore", ".")
    pair.ana.ok("pull")
    assert (pair.ana.folder / WEIGHTS).read_bytes() == (some.folder / WEIGHTS).read_bytes()
    assert pair.ana("fsck", "--read-data").code == 0
    assert pair.ana("fsck", "--remote", "origin", "--read-data").code == 0


def test_metadata_alone_answers_log_diff_and_show(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = clone(tmp_path, monkeypatch, "some", "--meta")
    (pair.where / "packs").rename(tmp_path / "packs")
    assert len(some.ok("log", "--oneline").lines) == 2
    assert "changed" in some.ok("diff", "--tensors", "v1", "v2").out
    some.ok("show")
    said = some("cat", "HEAD:weights")
    assert said.code in (14, 15)
    (tmp_path / "packs").rename(pair.where / "packs")
    assert some.raw("cat", "HEAD:weights")[1] == (pair.ana.folder / WEIGHTS).read_bytes()


def test_of_several_models_none_is_checked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    top = Shell(tmp_path, monkeypatch)
    (tmp_path / "two").mkdir()
    shell = Shell(tmp_path / "two", monkeypatch)
    shell.ok("init")
    for name in ("cars", "dogs"):
        shell.ok("init", name, "--model", name)
        shell.write(f"{name}/w.bin", rng.randbytes(50_000))
        shell.ok("-C", name, "add", "w.bin", "--as", "weights")
        shell.ok("-C", name, "commit", "-m", name)
    shell.repository.config.set_remote("origin", {"url": str(tmp_path / "origin")})
    for name in ("cars", "dogs"):
        shell.ok("--model", name, "push")
    said = top.ok("clone", "origin", "all")
    assert "mvc switch --model cars" in said.out
    every = Shell(tmp_path / "all", monkeypatch)
    every.ok("switch", "--model", "cars", "main")
    assert (tmp_path / "all" / "cars" / "w.bin").read_bytes() == (tmp_path / "two" / "cars" / "w.bin").read_bytes()
    assert not (tmp_path / "all" / "dogs" / "w.bin").exists()
    assert every("fsck").code == 0
    top.ok("clone", "--model", "dogs", "origin", "one")
    assert (tmp_path / "one" / "w.bin").exists()


def test_a_remote_that_went_back_is_noticed(pair: Pair) -> None:
    pair.ana.set(parameters__lr=1)
    pair.ana.commit("hers")
    pair.ana.ok("push")
    (pair.where / RefName(MODEL, HEADS, "main").path(2)).unlink()
    for verb in ("push", "fetch", "pull"):
        said = pair.ana(verb)
        assert said.code == 14, said
        assert "history" in said.err


def test_a_folder_of_other_things_is_no_remote(pair: Pair, tmp_path: Path) -> None:
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.jpg").write_bytes(b"meow")
    pair.ana.repository.config.set_remote("photos", {"url": str(other)})
    assert pair.ana("push", "photos").code == 17
    assert [path.name for path in other.iterdir()] == ["cat.jpg"]
    empty = tmp_path / "empty"
    empty.mkdir()
    pair.ana.repository.config.set_remote("empty", {"url": str(empty)})
    assert pair.ana("fetch", "empty").code == 2


def test_a_clone_that_cannot_be_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(tmp_path, monkeypatch)
    assert shell("clone", "nowhere", "here").code == 2
    assert shell("clone", "http://example.org/x", "here").code == 2
    assert not (tmp_path / "here").exists()


def test_bytes_that_are_neither_here_nor_there_stop_a_push(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = clone(tmp_path, monkeypatch, "some", "--meta")
    elsewhere = replace(folder(tmp_path / "elsewhere"), name="elsewhere")
    pair.where.rename(tmp_path / "unplugged")
    with pytest.raises(errors.FetchFailed, match=rf"{WEIGHTS}.* from origin"):
        push_main(some, elsewhere)
    assert not list((tmp_path / "elsewhere").rglob("refs/**/000*"))
    (tmp_path / "unplugged").rename(pair.where)
    push_main(some, elsewhere)
    whole = clone(tmp_path, monkeypatch, "whole", place=(str(tmp_path / "elsewhere"), {}))
    assert (whole.folder / WEIGHTS).read_bytes() == (pair.ana.folder / WEIGHTS).read_bytes()
    assert not (some.folder / WEIGHTS).exists()


def test_bytes_that_nobody_promised_stop_a_push(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(pair.ana.folder / ".mvc" / "packs")
    elsewhere = replace(folder(tmp_path / "elsewhere"), name="elsewhere")
    with pytest.raises(errors.FilesElsewhere):
        push_main(pair.ana, elsewhere)
    assert not list((tmp_path / "elsewhere").rglob("refs/**/000*"))


def test_of_two_that_begin_the_same_branch_the_second_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shell, weights = ana(tmp_path, monkeypatch, rng, versions=1)
    assert isinstance(weights, Weights)
    remote = folder(tmp_path / "origin")
    push_main(shell, remote)
    stranger = Shell(tmp_path, monkeypatch)
    stranger.ok("init", "other", "--model", MODEL)
    stranger.folder = tmp_path / "other"
    stranger.write("x.bin", b"x" * 100)
    stranger.ok("add", "x.bin", "--as", "weights")
    stranger.commit("unrelated")
    ref = RefName(MODEL, HEADS, "main")
    tip = stranger.repository.refs.target(ref)
    for tries, error in ((0, errors.PushRejected), (3, errors.Unrelated)):
        with pytest.raises(error):
            push_verb(
                Model(stranger.repository, MODEL), remote, [RefUpdate(ref, tip, "main")], stranger.actor, tries=tries
            )
    with pytest.raises(errors.PushRejected, match="unrelated history"):
        push_verb(Model(stranger.repository, MODEL), remote, [RefUpdate(ref, tip, "main")], stranger.actor)
    assert stranger.repository.refs.target(ref) == tip


def test_a_pack_that_was_cut_short_there_does_not_count_and_is_sent_again(pair: Pair) -> None:
    for pack in (pair.where / "packs").rglob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:-100])
    assert pair.ana("fsck", "--remote", "origin").code == 14
    pair.ana.set(parameters__lr=1)
    pair.ana.commit("the same weights")
    pair.ana.ok("push")
    fresh = clone(pair.where.parent, pair.patch, "fresh")
    assert (fresh.folder / WEIGHTS).read_bytes() == (pair.ana.folder / WEIGHTS).read_bytes()


def test_status_and_branches_say_who_is_ahead(pair: Pair) -> None:
    pair.ana.set(parameters__lr=1)
    pair.ana.commit("hers")
    assert "Ahead of origin/main by 1 version" in pair.ana.ok("status").out
    assert "[origin/main: ahead 1]" in pair.ana.ok("branch", "-v").out
    pair.ana.ok("push")
    assert pair.ana.ok("status", "--json").json["upstream"] == {
        "remote": "origin", "name": "main", "ahead": 0, "behind": 0,
    }  # fmt: skip
    pair.ben.ok("fetch")
    assert "Behind origin/main by 1 version" in pair.ben.ok("status").out
    pair.ben.set(parameters__lr=2)
    pair.ben.commit("his")
    assert "diverged: 1 ahead, 1 behind" in pair.ben.ok("status").out
    assert len(pair.ben.ok("log", "--oneline", "main..origin/main").lines) == 1
    assert len(pair.ben.ok("log", "--oneline", "origin/main..main").lines) == 1


def test_what_a_remote_has_is_not_amended(pair: Pair) -> None:
    pair.ana.set(parameters__lr=1)
    pair.ana.commit("one more")
    pair.ana.ok("push")
    assert pair.ana("commit", "--amend", "-m", "better").code == 13
    pair.ana.ok("reset", "HEAD~1")
    assert pair.ana("commit", "--amend", "-m", "better").code == 13


def test_a_push_u_is_followed(pair: Pair) -> None:
    pair.ana.ok("remote", "add", "team", "../team")
    pair.ana.ok("switch", "-c", "night")
    pair.ana.ok("push", "-u", "team")
    pair.ana.set(parameters__lr=1)
    pair.ana.commit("more")
    assert "Ahead of team/night by 1 version" in pair.ana.ok("status").out
    assert "To team" in pair.ana.ok("push").out


def test_a_fetch_that_was_killed_is_repeated_until_its_refs_are_durable(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one named the entry of the alias, perhaps without an fsync, and came no further."""
    pair.ana.ok("alias", "set", "best")
    pair.ana.ok("push", "origin", "best")
    with monkeypatch.context() as patch:
        patch.setattr("mvc.transport.tracking.record", _killed)
        assert pair.ben("fetch").code == 130
    assert pair.ben.repository.refs.target(BEST) == pair.ana.repository.refs.target(BEST)
    durable: list[RefName] = []
    monkeypatch.setattr(RefLogs, "settle", lambda _, ref: durable.append(ref))
    pair.ben.ok("fetch")
    assert BEST in durable


def _killed(*_: object) -> bool:
    raise KeyboardInterrupt


def test_a_push_of_nothing_skips_nothing(pair: Pair) -> None:
    done = push_main(pair.ana, folder(pair.where))
    assert (done.sent, done.skipped) == (0, 0)
