"""What a name of a ref means: a name in full, or one of a remote's, is never a ref that somebody else chose to call so."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.porcelain.push import push as push_verb
from mvc.repository import refnames, revisions
from mvc.repository.model import Model
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefEntry, RefName
from mvc.transport.refspec import RefUpdate
from tests.cli.shell import MODEL, Said, Shell
from tests.remotes.clones import ana as made
from tests.remotes.clones import clone, folder

RESERVED = ("refs/x", "heads/x", "tags/x", "aliases/prod", "remotes/x", "origin/prod", "team/prod")
FREE = ("release/2", "feature/x", "prod", "origin", "head/x", "originals/x")


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Shell:
    """Two versions of main, pushed to origin, where the alias prod is at v1; a second remote is called team."""
    shell, _ = made(tmp_path, monkeypatch, rng)
    shell.ok("alias", "set", "prod", "v1")
    shell.ok("push", "origin", "main", "prod")
    shell.ok("remote", "add", "team", str(tmp_path / "team"))
    return shell


@pytest.fixture
def ben(ana: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return clone(tmp_path, monkeypatch, "ben")


def _put(shell: Shell, kind: str, name: str, revision: str) -> None:
    """Create a ref as an mvc did that reserved no names."""
    ref, version = RefName(MODEL, kind, name), revisions.resolve(Model(shell.repository, MODEL), revision)
    shell.repository.refs.create(ref, RefEntry.after(ref, None, version, shell.actor.move("of before")))


def _put_there(shell: Shell, tmp_path: Path, kind: str, name: str, revision: str) -> None:
    """Create a ref on origin by another program, which asks for nothing."""
    ref, version = RefName(MODEL, kind, name), revisions.resolve(Model(shell.repository, MODEL), revision)
    folder(tmp_path / "origin").refs.move(ref, None, version, shell.actor.move("by another program"))


def _id(shell: Shell, revision: str) -> str:
    return shell.ok("rev-parse", revision).out.strip()


def _refused(said: Said, code: int, *words: str) -> None:
    assert said.code == code, said
    assert all(word in said.err for word in words), said
    assert "Traceback" not in said.err


def test_a_name_that_means_another_ref_is_refused_by_each_verb_that_creates_one(ana: Shell) -> None:
    before = {path for path in ana.folder.rglob(".mvc/refs/**/*") if path.is_file()}
    verbs = [["alias", "set"], ["tag"], ["branch"], ["switch", "-c"], ["branch", "-m", "main"]]
    for name in RESERVED:
        for verb in verbs:
            _refused(ana(*verb, name), 2, "Invalid ref name", f"{name.split('/')[0]}/")
    ana.set(parameters__lr=0.5)
    for option in ("--tag", "--alias"):
        _refused(ana("commit", "-m", "more", option, "origin/prod"), 2, "the refs of the remote origin")
    _refused(ana("push", "origin", "main:origin/prod"), 2, "the refs of the remote origin")
    _refused(ana("push", "origin", "main:refs/heads/tags/x"), 2, "names that begin with tags/")
    assert {path for path in ana.folder.rglob(".mvc/refs/**/*") if path.is_file()} == before


def test_other_names_stay_free(ana: Shell) -> None:
    for name in FREE:
        ana.ok("branch", name, "main") if name != "prod" else ana.ok("alias", "set", name, "main")
    ana.ok("push", "origin", "main:release/3", "main:refs/heads/release/4", "v1:refs/tags/1.0")
    assert _id(ana, "origin/release/4") == _id(ana, "main")
    assert _id(ana, "remotes/origin/tags/1.0") == _id(ana, "v1")


@pytest.mark.parametrize("kind", [HEADS, TAGS, ALIASES])
def test_the_name_of_a_remote_means_its_refs_of_every_kind_and_no_local_one(ben: Shell, kind: str) -> None:
    assert _id(ben, "origin/prod") == _id(ben, "v1")
    _put(ben, kind, "origin/prod", "v2")
    _put(ben, kind, "origin/none", "v2")
    for text in ("origin/prod", "origin/aliases/prod", "remotes/origin/prod", "refs/remotes/origin/aliases/prod"):
        assert _id(ben, text) == _id(ben, "v1"), text
    _refused(ben("rev-parse", "origin/none"), 2, "no version origin/none", f"Did you mean {kind}/origin/none?")
    assert "switch -c" not in ben("switch", "origin/none").err
    assert _id(ben, f"{kind}/origin/prod") == _id(ben, "v2")  # a name of before is read in full
    lines = ben.ok("log", "--oneline").lines
    assert f"{kind}/origin/prod" in lines[0]
    assert f"{kind}/" not in lines[1]
    assert "origin/prod" in lines[1]
    ben.ok("switch", "--detach", "origin/prod")
    assert _id(ben, "HEAD") == _id(ben, "v1")


def test_a_switch_to_a_remotes_ref_is_not_to_a_branch_of_that_name(ben: Shell) -> None:
    _put(ben, HEADS, "origin/prod", "v2")
    ben.ok("switch", "origin/prod")
    assert (_id(ben, "HEAD"), Model(ben.repository, MODEL).head.branch) == (_id(ben, "v1"), None)
    ben.ok("switch", "heads/origin/prod")
    assert (_id(ben, "HEAD"), Model(ben.repository, MODEL).head.branch) == (_id(ben, "v2"), "origin/prod")


def test_two_kinds_of_one_name_are_said_and_each_name_in_full_is_one_ref(ben: Shell, tmp_path: Path) -> None:
    _put_there(ben, tmp_path, HEADS, "prod", "v2")
    _put_there(ben, tmp_path, HEADS, "aliases/prod", "v2")
    ben.ok("fetch")
    _refused(ben("show", "origin/prod"), 2, "remotes/origin/heads/prod", "remotes/origin/aliases/prod")
    assert _id(ben, "remotes/origin/heads/prod") == _id(ben, "v2")
    assert _id(ben, "remotes/origin/aliases/prod") == _id(ben, "v1")
    source = f"{tmp_path / 'origin'}#{MODEL}@"
    _refused(ben("download", f"{source}prod", "../a"), 2, "heads/prod", "aliases/prod")
    for number, name in enumerate(("aliases/prod", "refs/aliases/prod")):
        said = ben.ok("download", f"{source}{name}", f"../b{number}", "--json").json
        assert said["id"] == _id(ben, "v1")
    ben.ok("push", "origin", ":heads/prod")
    assert ben.ok("download", f"{source}prod", "../c", "--json").json["id"] == _id(ben, "v1")


def test_a_branch_of_a_remote_is_found_beside_other_kinds_of_its_name(ben: Shell, tmp_path: Path) -> None:
    _put_there(ben, tmp_path, HEADS, "fix", "v1")
    _put_there(ben, tmp_path, ALIASES, "fix", "v2")
    _put_there(ben, tmp_path, ALIASES, "origin/fix", "v2")
    _put_there(ben, tmp_path, TAGS, "origin/fixed", "v2")
    ben.ok("fetch")
    assert Model(ben.repository, MODEL).names(TAGS) == []  # such a tag is tracked, and not taken over
    ben.ok("switch", "fix")  # the alias, which the fetch took over
    assert (_id(ben, "HEAD"), Model(ben.repository, MODEL).head.branch) == (_id(ben, "v2"), None)
    ben.ok("alias", "rm", "fix")
    ben.ok("switch", "fix")
    assert (_id(ben, "HEAD"), Model(ben.repository, MODEL).head.branch) == (_id(ben, "v1"), "fix")


def test_a_name_in_full_is_switched_to_and_cloned_beside_a_branch_of_that_name(
    ben: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("aliases/prod", "origin/prod", "prod"):
        _put_there(ben, tmp_path, HEADS, name, "v2")
    ben.ok("fetch")
    for text in ("aliases/prod", "prod", "origin/aliases/prod"):
        ben.ok("switch", "main")
        ben.ok("switch", text)
        assert (_id(ben, "HEAD"), Model(ben.repository, MODEL).head.branch) == (_id(ben, "v1"), None), text
    shell = Shell(tmp_path, monkeypatch)
    _refused(shell("clone", "origin", "c0", "-b", "prod"), 2, "heads/prod", "aliases/prod")
    for number, (text, at, branch) in enumerate(
        (("aliases/prod", "v1", None), ("heads/prod", "v2", "prod"), ("heads/aliases/prod", "v2", "aliases/prod")), 1
    ):
        shell.ok("clone", "origin", f"c{number}", "-b", text)
        clone_ = Shell(tmp_path / f"c{number}", monkeypatch)
        assert (_id(clone_, "HEAD"), Model(clone_.repository, MODEL).head.branch) == (_id(ben, at), branch)


def test_a_push_makes_no_name_in_a_second_kind(ben: Shell, tmp_path: Path) -> None:
    ben.ok("branch", "tmp")
    before = sorted((tmp_path / "origin").rglob("refs/**/*"))
    assert "the alias prod is there" in ben("push", "--dry-run", "origin", "tmp:prod").out
    said = ben("push", "origin", "tmp:prod")
    _refused(said, 13, "the alias prod is there", "mvc push origin :aliases/prod")
    _refused(ben("push", "origin", "tmp:night", "tmp:tags/night"), 13, "night is taken")
    assert sorted((tmp_path / "origin").rglob("refs/**/*")) == before
    ben.ok("push", "origin", ":aliases/prod")
    ben.ok("push", "origin", "tmp:prod")
    assert _id(ben, "origin/prod") == _id(ben, "tmp")


def test_a_remote_is_not_named_as_local_refs_begin(ana: Shell, tmp_path: Path) -> None:
    ana.ok("branch", "release/2")
    _refused(ana("remote", "add", "release", str(tmp_path / "x")), 13, "branch release/2", "heads/release/2")
    _refused(ana("remote", "rename", "team", "release"), 13, "branch release/2")
    for name in ("refs", "remotes", "heads"):
        _refused(ana("remote", "add", name, str(tmp_path / "x")), 2, "Invalid ref name")
    ana.ok("branch", "-m", "release/2", "releases/2")
    ana.ok("remote", "add", "release", str(tmp_path / "x"))


def test_the_settings_of_a_remote_name_it_under_the_same_rule(ana: Shell, tmp_path: Path) -> None:
    ana.ok("branch", "release/2")
    for key in ("remote.release.url", "remote.release.endpoint"):
        for more in ([], ["--global"]):
            _refused(ana("config", *more, key, "https://x.example"), 13, "branch release/2", "heads/release/2")
        for user in (False, True):
            with pytest.raises(errors.RemoteHidesRef, match="branch release/2"):
                mvc.open(ana.folder).config.set(key, "https://x.example", user=user)
    outside = Shell(tmp_path, ana._patch)
    outside.ok("config", "--global", "remote.release.url", "https://x.example")  # nobody knows the refs there
    ana.ok("config", "remote.release.endpoint", "https://x.example")
    outside.ok("config", "--global", "--unset", "remote.release.url")
    _refused(ana("config", "remote.release.url", "https://x.example"), 13, "branch release/2")
    ana.ok("config", "--unset", "remote.release.endpoint")
    for name in ("refs", "a/b"):
        _refused(ana("config", f"remote.{name}.url", str(tmp_path / "x")), 2, "Invalid ref name")
        _refused(Shell(tmp_path, ana._patch)("config", "--global", f"remote.{name}.url", "x"), 2, "Invalid ref name")
    assert ana.ok("remote").lines == ["origin", "team"]
    _put(ana, HEADS, "team/2", "main")  # of before: the remote is there, and its settings can be changed
    ana.ok("config", "remote.team.url", str(tmp_path / "y"))
    assert ana.ok("config", "remote.team.url").out.strip() == str(tmp_path / "y")


def test_a_ref_of_before_still_moves_and_is_pushed_where_it_is(ana: Shell, tmp_path: Path) -> None:
    _put(ana, ALIASES, "team/prod", "v1")
    ana.ok("alias", "set", "team/prod", "v2")
    assert _id(ana, "aliases/team/prod") == _id(ana, "v2")
    _refused(ana("push", "origin", "aliases/team/prod"), 2, "the refs of the remote team")
    assert refnames.shown(RefName(MODEL, ALIASES, "team/prod"), ["team"]) == "aliases/team/prod"
    version = revisions.resolve(Model(ana.repository, MODEL), "v1")
    updates = [RefUpdate(RefName(MODEL, ALIASES, "team/prod"), version)]
    push_verb(Model(ana.repository, MODEL), folder(tmp_path / "origin"), updates, ana.actor)
    ana.ok("push", "origin", "aliases/team/prod")
