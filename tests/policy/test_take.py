"""Rules on `take:`: a reader refuses what a writer of the remote put there, whatever that writer runs."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.model.ids import digest
from mvc.repository.policy.gate import NAME
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefName
from tests.cli.shell import MODEL
from tests.policy.readers import ANA, World, people, picture, refused

__all__ = ["people"]
SIGNED = f'on = ["take:alias:prod"]\nsigned-by = ["{ANA}"]'
FORWARD = 'on = ["take:alias:*", "take:branch:*", "take:tag:*"]\nroll-back = false'


@pytest.fixture
def world(people: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(people, tmp_path / "w", monkeypatch)


def test_a_move_that_nobody_signed_is_refused_and_all_else_is_taken(world: World) -> None:
    world.rules(SIGNED)
    world.ben.ok("fetch")
    world.ana.ok("branch", "night")
    world.ana.ok("push", "origin", "night")
    world.move_by_hand("v2")
    before = picture(world.ben.folder, received=True)
    said = refused(
        world.ben("fetch"),
        "alias:prod of helmets on origin at v2",
        "signed-by: the move of prod to v2",
        f"has 0 of 1 signature: none by {ANA} ",
        f"{world.folder}/user/policy.toml, line 3",
        f"The alias origin/prod stays at {world.id('v1')[:10]}.",
        "`mvc sign prod`",
    )
    assert "[new branch]" in said.out
    assert "[refused]  alias origin/prod" in said.out
    assert world.at(world.ben, "origin/night") == world.id("v2")
    assert world.at(world.ben, "prod") == world.id("v1")
    changed = {name for name, data in picture(world.ben.folder, received=True).items() if before.get(name) != data}
    assert changed == {".mvc/refs/helmets/remotes/origin/heads/night/0000000001"}
    everything = picture(world.ben.folder)
    refused(world.ben("fetch", "--force-policy", "the rule has no force"))
    refused(world.ben("fetch", "--json"))
    assert picture(world.ben.folder) == everything  # a second fetch of a refused name stores nothing again
    assert world.ben("fetch", "--json").json["refused"][0]["ref"] == "aliases/prod"
    assert world.ben("fsck").code == 0
    world.rules(SIGNED + "\nforce = true")
    world.ben.ok("fetch", "--force-policy", "Ana said so\non the phone")
    assert world.at(world.ben, "prod") == world.id("v2")
    logs = world.ben.folder / ".mvc/refs/helmets/remotes/origin/aliases/prod"
    assert b"fetch (policy overridden: signed-by of " in max(logs.iterdir()).read_bytes()


def test_no_ref_is_read_under_the_name_of_another_one(world: World) -> None:
    world.rules(SIGNED)
    evil = world.push_unsigned()
    for kind, name in itertools.product((ALIASES, TAGS, HEADS), ("origin/prod", "aliases/prod", "refs/aliases/prod")):
        world.put_by_hand(RefName(MODEL, kind, name), evil)
    world.ben.ok("fetch")
    world.shell().ok("clone", "origin", "new")
    for place, reader in (("a", world.ben), ("b", world.shell("new"))):
        for text in ("prod", "origin/prod", "aliases/prod", "refs/aliases/prod", "refs/remotes/origin/aliases/prod"):
            assert world.at(reader, text) == world.id("v1"), text
        reader.ok("export", "origin/prod", f"../{place}")
        assert b"epochs" not in (world.folder / place / "model.toml").read_bytes()  # v1 has none, and Mallory's 66
        decorated = [line for line in reader.ok("log", "--all", "--oneline").lines if " origin/prod" in line]
        assert len(decorated) <= 1
        assert not any(evil[:10] in line for line in decorated)
    world.move_by_hand("v2")
    refused(world.ben("fetch"))
    assert world.at(world.ben, "origin/prod") == world.id("v1")


def test_the_name_of_a_remotes_alias_is_judged_when_it_is_read(world: World) -> None:
    world.move_by_hand("v2")
    world.ben.ok("fetch")
    assert world.at(world.ben, "origin/prod") == world.id("v2")
    assert world.ben("verify", "origin/prod").code == world.ben("verify", "prod").code != 0
    world.rules(SIGNED)
    for verb in (
        ("export", "origin/prod", "../rel"),
        ("switch", "origin/prod"),
        ("restore", "-s", "remotes/origin/aliases/prod", "."),
    ):
        refused(world.ben(*verb), "signed-by: the move of prod to v2")


def test_once_the_move_is_signed_it_is_taken(world: World) -> None:
    world.rules(SIGNED + "\nroll-back = false")
    world.move_by_hand("v2")
    refused(world.ben("pull"))
    ana = world.ana
    (world.folder / "user" / NAME).rename(world.folder / "aside")
    ana.ok("fetch")
    assert world.at(ana, "prod") == world.id("v2")
    ana.ok("sign", "prod")
    ana.ok("push", "origin", "prod")
    (world.folder / "aside").rename(world.folder / "user" / NAME)
    world.ben.ok("fetch")
    assert world.at(world.ben, "prod") == world.id("v2")
    world.ben.ok("export", "prod", "../new")


def test_a_branch_whose_tip_nobody_signed_is_not_pulled(world: World) -> None:
    world.rules(f'on = ["take:branch:main"]\nsigned-by = ["{ANA}"]')
    made = world.push_unsigned()
    before = picture(world.ben.folder, received=True)
    refused(world.ben("pull"), f"branch:main of helmets on origin at v3 {made[:10]}", "signed-by", "mvc sign")
    assert picture(world.ben.folder, received=True) == before
    model = mvc.open(world.ben.folder).model()
    with pytest.raises(errors.TakeRefused, match="branch:main of helmets on origin"):
        model.pull()
    with pytest.raises(errors.TakeRefused):
        model.fetch()
    world.mallory.ok("sign", "--key", str(world.keys.folder / "eve"), "main")
    world.mallory.ok("push", "origin", "main")
    refused(world.ben("pull"), "has 0 of 1 signature: none by ana")
    world.mallory.ok("sign", "--key", str(world.keys.folder / "ana"), "main")
    world.mallory.ok("push", "origin", "main")
    world.ben.ok("pull")
    assert world.at(world.ben, "main") == made


def test_as_many_signers_of_the_move_as_of_the_version(world: World) -> None:
    world.rules(f'on = ["take:alias:prod"]\nsigned-by = ["{ANA}", "ben@example.org"]\nsigners = 2')
    key = str(world.keys.folder / "ben")
    said = refused(world.shell()("clone", "origin", "new"), "has 1 of 2 signatures: by ana@example.org, none by ben@")
    assert said.err.count("has 1 of 2 signatures") == 2
    assert world.at(world.shell("new"), "main") == world.id("main")
    refused(world.ben("export", "prod", "../out"))
    world.ana.ok("sign", "--key", key, "v1")
    said = refused(world.ana("export", "prod", "../out"), "the move of prod")
    assert said.err.count("has 1 of 2 signatures") == 1
    world.ana.ok("sign", "--key", key, "prod")
    world.ana.ok("push", "origin", "prod")
    world.ben.ok("fetch")
    world.ben.ok("export", "prod", "../out")


def test_prod_never_goes_back_for_a_reader_even_by_a_signed_move(world: World) -> None:
    world.rules(FORWARD)
    world.ana.ok("alias", "set", "prod", "v2", "-m", "better", "--sign")
    world.ana.ok("alias", "set", "prod", "v1", "-m", "back", "--sign")
    world.ana.ok("push", "origin", "prod")
    world.ana.ok("alias", "set", "prod", "v2", "-m", "again", "--sign")
    world.ana.ok("push", "--signed", "origin", "prod")
    world.ana.ok("alias", "set", "prod", "v1", "-m", "and back", "--sign")
    world.ana.ok("push", "--signed", "origin", "prod")
    refused(world.ben("fetch"), "roll-back: prod was at v1 ")
    refused(world.shell()("clone", "origin", "new"), "roll-back")  # the log there says it to a new reader, too
    assert world.shell("new")("rev-parse", "prod").code == 2
    world.shell().ok("download", f"origin#helmets@{world.id('v1')}", "there")
    (world.folder / "origin/refs/helmets/aliases/prod/0000000002").unlink()
    refused(world.shell()("clone", "origin", "other"), "roll-back: what it was at before cannot be read")


def test_a_bucket_put_back_to_an_older_signed_state_is_noticed(world: World) -> None:
    world.rules(SIGNED)
    shutil.copytree(world.folder / "origin", world.folder / "older")
    world.ana.ok("alias", "set", "prod", "v2", "--sign")
    world.ana.ok("push", "origin", "prod")
    world.ben.ok("fetch")
    assert world.at(world.ben, "prod") == world.id("v2")
    shutil.rmtree(world.folder / "origin")
    shutil.copytree(world.folder / "older", world.folder / "origin")
    before = picture(world.ben.folder)
    for _ in range(2):
        said = world.ben("fetch")
        assert (said.code, "lost history that it had at the last fetch" in said.err) == (14, True)
        assert picture(world.ben.folder) == before
        world.move_by_hand("v1")  # also with a log that is as long as it was


def test_signatures_that_somebody_removed_do_not_make_them_optional(world: World) -> None:
    world.rules(SIGNED)
    shutil.rmtree(world.folder / "origin/refs/helmets/signatures")
    world.ben.ok("fetch")
    world.ben.ok("export", "prod", "../out")  # he has them
    refused(world.shell()("clone", "origin", "new"), "the move of prod", "signed-by: v1 ")
    said = refused(world.shell()("download", "origin#helmets@prod", "there"), "Nothing was downloaded.")
    assert "mvc fetch" not in said.err  # there is no repository
    world.shell().ok("download", f"origin#helmets@{world.id('v1')}", "there")  # an id is not a name


def test_a_signature_of_another_move_or_name_is_none(world: World) -> None:
    world.rules(f'on = ["take:alias:*"]\nsigned-by = ["{ANA}"]')
    world.move_by_hand("v1")  # to where it was, which Ana signed: but not this move
    refused(world.ben("fetch"), "the move of prod to v1")
    (world.folder / "user" / NAME).rename(world.folder / "aside")
    world.mallory.ok("alias", "set", "canary", "v1")
    world.mallory.ok("push", "--no-signed", "origin", "canary")
    (world.folder / "aside").rename(world.folder / "user" / NAME)
    refused(world.ben("fetch"), "the move of canary", "origin/canary was not taken.")


def test_a_branch_cannot_take_the_place_of_an_alias_that_has_rules(world: World) -> None:
    world.mallory.ok("push", "origin", "--delete", "prod")
    world.mallory.ok("alias", "rm", "prod")
    world.push_unsigned("prod")
    world.shell().ok("download", "origin#helmets@prod", "there")
    world.rules(SIGNED)
    refused(world.shell()("download", "--force", "origin#helmets@prod", "again"), "on: the rule is for another kind")
    refused(world.ben("fetch"), "take branch:prod of helmets on origin", "policy.toml, line 2")
    assert world.at(world.ben, "prod") == world.id("v1")
    world.rules(SIGNED, 'on = ["take:branch:prod"]\nmax-file = "1MB"')
    world.ben.ok("fetch")


def test_a_clone_without_a_refused_name_and_none_of_a_refused_branch(world: World) -> None:
    world.rules(f'on = ["take:alias:prod"]\nsigned-by = ["{ANA}"]\nforce = true')
    world.move_by_hand("v2")
    said = refused(world.shell()("clone", "--json", "origin", "new"), "origin/prod was not taken.")
    assert [each["ref"] for each in said.json["refused"]] == ["aliases/prod"]
    assert (world.folder / "new/w.safetensors").exists()
    assert world.shell("new")("rev-parse", "prod").code == 2
    assert world.shell("new")("fsck").code == 0
    refused(world.shell()("clone", "-b", "prod", "origin", "other"), "Nothing was cloned.")
    assert not (world.folder / "other").exists()
    world.rules('on = ["branch:main"]\nmax-file = 1')  # the branch here
    assert world.shell()("clone", "-b", "main", "origin", "other").code == 17
    assert not (world.folder / "other").exists()
    world.rules(f'on = ["take:alias:prod"]\nsigned-by = ["{ANA}"]\nforce = true')
    world.shell().ok("clone", "-b", "prod", "origin", "other", "--force-policy", "I know")
    assert world.at(world.shell("other"), "HEAD") == world.id("v2")
    world.shell().ok("download", "origin#helmets@prod", "there", "--force-policy", "I know")
    with pytest.raises(errors.TakeRefused):
        _ = mvc.open(f"file://{world.url}").model()["prod"]
    opened = mvc.open(f"file://{world.url}", force_policy="I know").model()
    assert opened["prod"].id == world.id("v2")
    assert opened["prod"].files["readme"].read() == b"# helmets\n"


def test_both_policies_apply_and_a_broken_one_takes_nothing(world: World) -> None:
    world.rules(SIGNED, own=False)
    world.move_by_hand("v2")
    refused(world.ben("fetch"), "(policy.toml, line 3)")
    (world.ben.folder / NAME).write_text("[[rule]]\non = ['take:alias']\nroll-back = false\n", encoding="utf-8")
    before = picture(world.ben.folder, received=True)
    for command in (("fetch",), ("pull",), ("export", "prod", "../out"), ("switch", "--detach", "prod")):
        said = world.ben(*command)
        assert (said.code, "policy.toml, line 2" in said.err) == (2, True), said
    assert picture(world.ben.folder, received=True) == before
    (world.ben.folder / NAME).unlink()
    world.ben.ok("fetch")
    world.rules(SIGNED, own=False)
    refused(world.ben("export", "prod", "../out"), "the move of prod")  # taken before there was a rule
    assert not (world.folder / "out").exists()
    checked = world.ben("policy", "check", "v2", "--for", "take:alias:prod")
    assert (checked.code, "the move of prod" in checked.out) == (1, True)
    assert world.ben("policy", "check", "v1", "--for", "take:branch:main").code == 0
    assert world.ben("policy", "check", "--for", "take:prod").code == 2
    (world.folder / "user" / "config.toml").unlink()
    refused(world.ben("export", "prod", "../out"), "trust.allowed-signers")


def test_a_branch_that_has_versions_of_ones_own_is_ones_own(world: World) -> None:
    world.rules(f'on = ["take:branch:*"]\nsigned-by = ["{ANA}"]')
    world.ben.ok("switch", "-c", "mine")
    world.ben.commit("mine", "--allow-empty", "--no-sign")
    world.ben.ok("switch", "main")
    world.ben.ok("switch", "mine")
    world.ben.ok("export", "mine", "../out")
    world.ben.ok("push", "--no-signed", "origin", "mine")
    refused(world.ana("fetch"), "take branch:mine")
    made = world.push_unsigned()
    (world.folder / "user" / NAME).rename(world.folder / "aside")
    world.ana.ok("fetch")
    world.ana.ok("branch", "copy", "origin/main")
    (world.folder / "aside").rename(world.folder / "user" / NAME)
    refused(world.ana("switch", "copy"), f"branch:main of helmets at v3 {made[:10]}")  # it is what origin has


def test_formats_and_sizes_are_judged_without_the_bytes(world: World) -> None:
    world.rules('on = ["take:branch:*"]\nformats = ["safetensors"]\nmax-file = "1MB"')
    world.shell().ok("clone", "--meta", "origin", "new")
    bulk = b"".join(digest(b"%d" % number).encode() for number in range(1_000))  # more than a recipe has in itself
    world.mallory.write("notes.txt", bulk)
    world.mallory.ok("add", "notes.txt", "--as", "notes")
    world.push_unsigned()
    world.shell("new").ok("pull", "--meta")  # a text has no format
    world.mallory.write("net.pt", b"\x80\x04\x95" + bulk)
    world.mallory.ok("add", "net.pt", "--as", "net")
    world.mallory.ok("commit", "-m", "a pickle", "--allow-unsafe")
    world.mallory.ok("push", "--no-signed", "origin", "main")
    refused(world.shell("new")("pull", "--meta"), "formats: ", "net.pt")


@pytest.mark.parametrize("home", [None, ""])
def test_rules_of_a_user_hold_without_the_variable_home(
    world: World, home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.move_by_hand("v2")
    (world.folder / "home" / ".config").mkdir(parents=True)
    (world.folder / "user").rename(world.folder / "home" / ".config" / "mvc")
    (world.folder / "home" / ".config" / "mvc" / NAME).write_text(f"[[rule]]\n{SIGNED}\n", encoding="utf-8")
    entry = pwd.struct_passwd(("ben", "x", os.getuid(), 0, "", str(world.folder / "home"), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)
    monkeypatch.delenv("MVC_CONFIG")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    refused(world.shell()("download", f"origin#{MODEL}@prod", "new"), "signed-by: ")
    monkeypatch.setenv("XDG_CONFIG_HOME", "ana")
    refused(world.shell()("download", f"origin#{MODEL}@prod", "new"), "signed-by: ")
