"""The gate: which policies apply, what a move back is, and how a rule is passed."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.repository.policy import override
from mvc.repository.policy.gate import NAME
from tests.cli.shell import MODEL, Said, Shell, begin
from tests.weights import network, safetensors


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Three versions on main, and one on side beside the third; the user's settings are in `tmp_path/own`."""
    (tmp_path / "r").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "own" / "config.toml"))
    shell = begin(tmp_path / "r", monkeypatch)
    for number in range(3):
        if number == 2:
            shell.ok("branch", "side")
        shell.set(parameters__epochs=number)
        shell.commit(f"number {number}")
    shell.ok("switch", "side")
    shell.set(parameters__lr=0.1)
    shell.commit("side")
    shell.ok("switch", "main")
    return shell


def policy(shell: Shell, on: str, *lines: str) -> None:
    text = "\n".join(("[[rule]]", f'on = ["{on}"]', *lines, ""))
    (shell.folder / NAME).write_text(text, encoding="utf-8")


def refused(said: Said, *words: str) -> Said:
    assert said.code == 17, said
    assert all(word in said.err for word in words), said
    return said


def test_an_alias_never_goes_back_to_what_it_has_left_behind(shell: Shell) -> None:
    policy(shell, "alias:prod", "roll-back = false")
    for revision in ("v1", "v2", "side", "main"):
        shell.ok("alias", "set", "prod", revision)
    for revision in ("v1", "v2", "side"):
        refused(shell("alias", "set", "prod", revision), "  roll-back: ", "policy.toml, line 3")
    refused(shell("alias", "set", "prod", "side"), "prod was at v3 ", "never at")
    refused(shell("alias", "rollback", "prod"), "roll-back")
    refused(shell("alias", "rm", "prod"), "deletion of alias:prod", "roll-back")
    refused(shell("undo"), "roll-back")
    shell.ok("alias", "set", "prod", "main", "-m", "said again")
    shell.ok("alias", "set", "other", "v1")
    shell.ok("alias", "rm", "other")
    (shell.folder / NAME).unlink()
    shell.ok("alias", "set", "edge", "v2")
    policy(shell, "alias:edge", "roll-back = false")
    refused(shell("alias", "set", "edge", "v1"), "is an ancestor of v2", "which edge is or was at")


def test_a_protected_branch_is_only_fast_forwarded(shell: Shell) -> None:
    policy(shell, "branch:main", "roll-back = false")
    shell.set(parameters__epochs=9)
    shell.commit("forward")
    for command in (("reset", "side"), ("commit", "--amend", "-m", "x"), ("undo",), ("branch", "-m", "main", "m")):
        refused(shell(*command), "roll-back")
    shell.ok("merge", "side")
    shell.ok("switch", "-c", "next")
    refused(shell("branch", "-D", "main"), "roll-back")


def test_no_name_is_a_way_around_the_rules_on_commits(shell: Shell) -> None:
    shell.set(model__license="AGPL-3.0-only")
    shell.ok("stash", "push", "-m", "later")
    policy(shell, "commit", 'licenses.deny = ["AGPL-*"]')
    for command in (("branch", "b"), ("tag", "t"), ("alias", "set", "a")):
        refused(shell(*command, "stash@{0}"), "licenses.deny")
        shell.ok(*command, "v1")
    (shell.folder / NAME).unlink()
    shell.ok("tag", "kept", "stash@{0}")
    policy(shell, "commit", 'licenses.deny = ["AGPL-*"]')
    shell.ok("branch", "again", "kept")


def test_a_tag_of_a_remote_never_moves(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    shutil.copytree(shell.folder, tmp_path / "other")
    shell.ok("tag", "t", "v1")
    shell.ok("push", "origin", "main", "t")
    other = Shell(tmp_path / "other", monkeypatch)
    other.ok("tag", "t", "v2")
    other.ok("fetch")
    policy(other, "tag:*", "roll-back = false")
    refused(other("push", "--force-with-lease", "origin", "t"), "roll-back: t was at ", "a tag never moves")
    assert "roll-back" in other("policy", "check", "v1", "--for", "tag:t").out
    other.ok("push", "origin", "side")
    (other.folder / NAME).unlink()
    other.ok("push", "--force-with-lease", "origin", "t")


def test_an_import_is_no_reason_for_a_tag(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.ok("tag", "t", "-m", "released")
    (tmp_path / "new").mkdir()
    new = begin(tmp_path / "new", monkeypatch)
    policy(new, "tag:*", 'reason = "required"')
    refused(new("import", f"{shell.folder}#{MODEL}"), "the move of t has no reason")
    assert new.ok("tag").out == ""


def test_an_alias_takes_only_what_another_one_stands_for_now(shell: Shell) -> None:
    policy(shell, "alias:prod", 'from = "alias:staging"')
    refused(shell("alias", "set", "prod", "v2"), "alias:staging", "does not exist", "mvc alias set staging")
    shell.ok("alias", "set", "staging", "v2")
    shell.ok("alias", "set", "prod", "v2")
    shell.ok("alias", "set", "staging", "v3")
    refused(shell("alias", "set", "prod", "v1"), "alias:staging, which is at v3")
    shell.ok("alias", "set", "prod", "staging")
    shell.ok("alias", "set", "prod", "staging", "-m", "no move, only its reason")


def test_a_rule_with_force_is_passed_for_a_reason_that_the_log_keeps(shell: Shell) -> None:
    policy(shell, "alias:*", 'reason = "required"', "force = true")
    refused(shell("alias", "set", "prod"), "--force-policy REASON")
    shell.ok("alias", "set", "prod", "--force-policy", "the  pager\nrings")
    entry = json.loads(shell.ok("alias", "log", "prod", "--json").out)["moves"][0]
    assert entry["message"] == "policy overridden: reason of policy.toml, line 3: the pager rings"
    assert entry["overridden"] == [{"key": "reason", "file": "policy.toml", "line": 3}]
    shell.ok("--force-policy", "unneeded", "alias", "set", "prod", "v1", "-m", "own reason")
    entry = json.loads(shell.ok("alias", "log", "prod", "--json").out)["moves"][0]
    assert (entry["message"], entry["overridden"]) == ("own reason", [])
    policy(shell, "branch:main", "max-version = 0", "max-file = 0", "force = true")
    shell.write("notes.txt", b"hello")
    shell.ok("add", "notes.txt", "--as", "notes")
    refused(shell("commit", "-m", "x"), "max-version")
    shell.ok("commit", "-m", "x", "--force-policy", "small")
    entry = json.loads(shell.ok("reflog", "main", "--json").out)["moves"][0]
    found = "max-file of policy.toml, line 4, max-version of policy.toml, line 3"
    assert entry["message"] == f"commit: x (policy overridden: {found}: small)"
    assert [(each["key"], each["line"]) for each in entry["overridden"]] == [("max-file", 4), ("max-version", 3)]
    policy(shell, "branch:main", "max-version = 0")
    refused(shell("commit", "--allow-empty", "-m", "x", "--force-policy", "please"), "max-version")
    said = shell("alias", "set", "prod", "--force-policy", " ")
    assert said.code == 2
    said = shell("commit", "--allow-empty", "-m", "x", "--force-policy", "please")
    refused(said, "passes only rules with force = true, unlike policy.toml, line 3.")


def test_a_push_keeps_the_reason_for_which_a_rule_on_an_ancestor_was_passed(shell: Shell, tmp_path: Path) -> None:
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    for license_ in ("AGPL-3.0-only", "MIT"):
        shell.set(model__license=license_)
        shell.commit(license_)
    policy(shell, "push:origin", 'licenses.deny = ["AGPL-*"]', "force = true")
    for options in ((), ("-n",)):
        refused(shell("push", *options, "origin", "main"), "push:origin of helmets, v4 ", "licenses.deny")
    assert not (tmp_path / "origin").exists()
    said = shell.ok("push", "origin", "main", "--force-policy", "replaced since")
    assert " * [new branch]  main" in said.lines
    before = sorted((tmp_path / "origin").rglob("*"))
    refused(shell("push", "origin", "v4:prod"), "branch:prod on origin", "licenses.deny")
    assert sorted((tmp_path / "origin").rglob("*")) == before
    passed = "policy overridden: licenses.deny of policy.toml, line 3: replaced since"
    path = tmp_path / "origin" / "refs" / MODEL / "heads" / "main" / "0000000001"
    assert json.loads(path.read_bytes())["reason"] == f"push ({passed})"


def test_each_line_of_a_refusal_has_the_repair_that_works(shell: Shell) -> None:
    policy(shell, "alias:*", 'licenses.allow = ["MIT"]', 'reason = "required"')
    lines = [line.strip() for line in refused(shell("alias", "set", "prod", "v1")).err.splitlines()]
    below = {line.partition(":")[0]: after for line, after in itertools.pairwise(lines)}
    assert "mvc set model.license=LICENSE" in below["licenses.allow"]
    assert below["reason"].startswith("Use `mvc alias set prod ")
    said = refused(shell("commit", "--allow-empty", "--alias", "prod", "-m", "five"))
    assert "make it without the alias, then `mvc alias set prod HEAD -m REASON`" in " ".join(said.err.split())
    (shell.folder / NAME).write_text(
        '[[rule]]\non = ["commit", "branch:main"]\nlicenses.allow = ["MIT"]\n', encoding="utf-8"
    )
    out = shell("policy", "check").out
    assert out.count("model.license is not set") == 1
    assert "; for commit, branch:main)" in out


def test_what_only_resembles_the_note_on_a_rule_is_none(shell: Shell) -> None:
    for reason in (
        "",
        "policy overridden: ",
        "policy overridden: the rule of policy.toml, line 3: x",
        "policy overridden: reason of policy.toml, line 3",
        "no policy overridden: reason of policy.toml, line 3: x",
    ):
        assert override.of_reason(reason) == (), reason
    (found,) = override.of_reason("a (policy overridden: x) (policy overridden: reason of /a, line 1 of b, line 2: c)")
    assert (found.key, found.file, found.line) == ("reason", "/a, line 1 of b", 2)
    both = override.of_reason("policy overridden: reason of a, line 1: c (policy overridden: scan of b, line 2: c)")
    assert [(each.key, each.line) for each in both] == [("reason", 1), ("scan", 2)]


def test_python_passes_a_rule_with_force_for_a_reason_that_the_log_keeps(shell: Shell) -> None:
    policy(shell, "alias:*", 'reason = "required"', "force = true")
    with pytest.raises(errors.PolicyRefused):
        mvc.open(shell.folder).model().aliases.set("prod", "v1")
    mvc.open(shell.folder, force_policy="the  pager\nrings").model().aliases.set("prod", "v1")
    entry = json.loads(shell.ok("alias", "log", "prod", "--json").out)["moves"][0]
    assert entry["message"] == "policy overridden: reason of policy.toml, line 3: the pager rings"
    with pytest.raises(errors.BadMessage):
        mvc.open(shell.folder, force_policy=" ")
    policy(shell, "alias:*", 'reason = "required"')
    with pytest.raises(errors.PolicyRefused):
        mvc.open(shell.folder, force_policy="please").model().aliases.set("prod", "v2")


def test_one_repair_of_two_rules_is_said_once(shell: Shell) -> None:
    (shell.folder / NAME).write_text('[[rule]]\non = ["tag:*"]\nformats = ["npz"]\n' * 2, encoding="utf-8")
    shell.write("w.pt", b"weights")
    shell.ok("add", "w.pt", "--as", "w")
    shell.commit("weights")
    said = refused(shell("tag", "t"), "policy.toml, line 3", "policy.toml, line 6")
    assert said.err.count("Convert it to npz") == 1


def test_licenses_are_judged_as_expressions(shell: Shell) -> None:
    policy(shell, "tag:*", 'licenses.allow = ["MIT", "GPL-3.0-only WITH *"]', 'licenses.deny = ["AGPL-*"]')
    cases = {
        "AGPL-3.0-only OR MIT": "",
        "GPL-3.0-only WITH GCC-exception-3.1": "",
        "MIT AND GPL-3.0-only": "licenses.allow: ",
        "MIT AND our-own": "licenses.allow: ",
        "our-own AND agplv3": "licenses.deny: ",
        "AGPL-3.0 License (https://ultralytics.com/license)": "licenses.deny: ",
    }
    for number, (license_, key) in enumerate(cases.items()):
        shell.set(model__license=license_)
        shell.commit("licensed")
        said = shell("tag", f"t{number}")
        assert (said.code, key in said.err) == (17 if key else 0, True), (license_, said)


def test_the_policies_of_repository_and_user_both_apply(shell: Shell, tmp_path: Path) -> None:
    policy(shell, "tag:*", 'licenses.allow = ["MIT", "Apache-2.0"]')
    (tmp_path / "own").mkdir()
    own = tmp_path / "own" / NAME
    own.write_text('[[rule]]\non = ["tag:*"]\nlicenses.allow = ["MIT"]\n', encoding="utf-8")
    shell.set(model__license="Apache-2.0")
    shell.commit("licensed")
    refused(shell("tag", "t"), f"{own}, line 3")
    shell.set(model__license="MIT")
    shell.commit("licensed")
    shell.ok("tag", "t")
    for words in (["policy"], ["policy", "show"]):
        shown = shell.ok(*words, "--json").json
        assert [rule["file"] for rule in shown["rules"]] == ["policy.toml", str(own)]
        assert shown["own"] == {"path": str(own), "exists": True}


def test_a_policy_that_cannot_be_read_lets_nothing_move(shell: Shell, tmp_path: Path) -> None:
    path = shell.folder / NAME
    for make, reason in (
        (lambda: path.write_text("[[rule]]\nonn = 1\n", encoding="utf-8"), "policy.toml, line 2: "),
        (path.mkdir, "Cannot read policy.toml: "),
        (lambda: path.write_text(f"#{'x' * (2 << 20)}"), "Cannot read policy.toml: it is larger than 1 MiB."),
        (lambda: os.mkfifo(path), "is a pipe"),
        (lambda: path.symlink_to(tmp_path / "own"), "is a folder"),
        (lambda: path.symlink_to(tmp_path / "nowhere"), f"{path} is a link to nothing"),
    ):
        (tmp_path / "own").mkdir(exist_ok=True)
        make()
        for command in (("tag", "t"), ("commit", "--allow-empty", "-m", "x"), ("reset", "v1"), ("policy",)):
            said = shell(*command)
            assert (said.code, reason in said.err) == (2, True), (command, said)
            assert ", line " not in said.err or "line 2" in reason
        shell.ok("status")
        shell.ok("log")
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    shell.ok("tag", "t")


def test_a_policy_of_the_user_on_a_disk_that_is_absent_is_not_no_policy(shell: Shell, tmp_path: Path) -> None:
    for link, target in (("own", "nowhere"), ("own/policy.toml", "nowhere"), ("own/policy.toml", "nowhere/p")):
        if "/" in link:
            (tmp_path / "own").mkdir(exist_ok=True)
        (tmp_path / link).symlink_to(tmp_path / target)
        said = shell("alias", "set", "prod", "v1")
        assert (said.code, f"{tmp_path / link} is a link to nothing" in said.err) == (2, True), (link, target, said)
        assert shell("policy").code == 2
        (tmp_path / link).unlink()
    assert f"{tmp_path / 'own' / NAME} does not exist" in shell.ok("policy").out
    assert shell.ok("policy", "--json").json["own"] == {"path": str(tmp_path / "own" / NAME), "exists": False}
    shell.ok("alias", "set", "prod", "v1")


def test_a_policy_is_beside_settings_that_are_a_link_and_beside_their_target(shell: Shell, tmp_path: Path) -> None:
    for folder in ("own", "dotfiles"):
        (tmp_path / folder).mkdir()
    (tmp_path / "dotfiles" / "mvc.toml").write_text("", encoding="utf-8")
    (tmp_path / "own" / "config.toml").symlink_to(tmp_path / "dotfiles" / "mvc.toml")
    for folder in ("own", "dotfiles"):
        path = tmp_path / folder / NAME
        path.write_text('[[rule]]\non = ["tag:*"]\nlicenses.allow = ["MIT"]\n', encoding="utf-8")
        refused(shell("tag", "t"), f"{path}, line 3")
        assert f"{path}, line 1" in shell.ok("-C", str(tmp_path), "policy").out  # without a repository, as for a clone
        path.unlink()
    assert shell("-C", str(tmp_path), "policy", "check").code == 10
    shell.ok("config", "--global", "scan.allow", "a.B")
    assert (tmp_path / "own" / "config.toml").is_symlink()


def test_an_entry_that_leaves_a_ref_where_it_is_is_asked_too(shell: Shell) -> None:
    shell.ok("alias", "set", "prod", "main", "-m", "first")
    shell.ok("tag", "t", "main")
    log = shell.ok("alias", "log", "prod").out
    (shell.folder / NAME).write_text(
        '[[rule]]\non = ["alias:*", "branch:*", "tag:*", "push:*"]\nlicenses.allow = ["GPL-3.0"]\n', encoding="utf-8"
    )
    for event in ("alias:prod", "branch:main", "tag:t", "push:origin"):
        checked = shell("policy", "check", "main", "--for", event)
        assert (checked.code, "model.license is not set" in checked.out) == (1, True), (event, checked)
    refused(shell("alias", "set", "prod", "main", "-m", "again"), "licenses.allow")
    assert shell.ok("alias", "log", "prod").out == log


def test_each_rule_alone_refuses_a_commit_of_which_it_says_what_is_wrong(shell: Shell, rng: random.Random) -> None:
    shell.write("w.safetensors", safetensors(network(rng, layers=2, width=64)))
    shell.ok("add", "w.safetensors", "--as", "model-latest")
    cases = {
        'formats = ["onnx"]': ("w.safetensors is safetensors, not onnx", "mvc rm --cached"),
        'max-file = "1kB"': ("w.safetensors has ", "more than 1,000"),
        'max-version = "1KiB"': ("together, more than 1,024",),
        'licenses.allow = ["MIT"]': ("model.license is not set", "mvc set model.license="),
        'ready-for = ["deployment"]': ("not ready for deployment", "mvc check --for deployment"),
        'ready-for = ["edge"]': ("edge",),
    }
    for line, words in cases.items():
        policy(shell, "commit", line)
        refused(shell("commit", "-m", "x"), *words, "(policy.toml, line 3)")
        said = shell("policy", "check", "--json")
        assert (said.code, said.json["breaches"][0]["key"]) == (1, line.partition(" ")[0])
    policy(shell, "commit", 'formats = ["safetensors"]', 'max-file = "1MiB"', 'licenses.deny = ["AGPL-*"]')
    shell.ok("policy", "check")
    shell.ok("commit", "-m", "x")
    policy(shell, "branch:main", 'formats = ["onnx"]')
    refused(shell("commit", "--allow-empty", "-m", "y"), "safetensors")
    shell.ok("switch", "-c", "elsewhere")


def test_a_check_moves_nothing_and_says_what_would_be_refused(shell: Shell) -> None:
    policy(shell, "alias:prod", "roll-back = false", 'reason = "required"', 'licenses.allow = ["MIT"]')
    shell.ok("alias", "set", "staging", "v3")
    said = shell("policy", "check", "HEAD", "--for", "alias:prod", "--for", "alias:staging", "--for", "push:origin")
    assert (said.code, "licenses.allow: model.license is not set" in said.out) == (1, True)
    assert "reason" not in said.out
    assert "reason: " in shell("policy", "check", "v1", "--for", "alias:prod", "-m", "").out
    assert shell("policy", "check", "--for", "production").code == 2
    assert shell.ok("alias", "--json").json["aliases"][0]["name"] == "staging"
    (shell.folder / NAME).unlink()
    assert "nothing refused" in shell.ok("policy", "check", "v2").out
    assert "No policy" in shell.ok("policy").out
