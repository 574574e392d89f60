"""A rule on an alias refuses new branches and tags of its name: they would be read in its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc.repository.policy.gate import NAME
from tests.cli.shell import MODEL, Shell, begin
from tests.policy import world

RULE = '[[rule]]\non = ["alias:prod", "alias:release/*"]\nroll-back = false\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("stand-in")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "ana").mkdir()
        shell = begin(folder / "ana", patch)
        shell.write(world.WEIGHTS, b"weights")
        shell.set(parameters__epochs=1)
        shell.commit("first", "--tag", "1.0", "--alias", "prod")
        shell.ok("branch", "side")
        shell.set(parameters__epochs=2)
        shell.commit("second")
        shell.ok("alias", "rm", "prod")
        shell.ok("remote", "add", "origin", "../origin")
        shell.ok("push", "origin", "main")
        shell.set(parameters__epochs=3)
        shell.ok("stash", "push", "-m", "later")
        shutil.copytree(folder / "ana", folder / "other")
        Shell(folder / "other", patch).ok("branch", "release/7")
        yield folder


@pytest.fixture
def shell(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Ana's repository, in which the alias prod was deleted; `other` has a branch release/7."""
    shutil.copytree(made, tmp_path / "w")
    shell = Shell(tmp_path / "w" / "ana", monkeypatch)
    shell.repository.config.set_remote("origin", {"url": str(tmp_path / "w" / "origin")})
    return shell


ROWS = {
    "branch": ("branch", "prod", "v1"),
    "branch, pattern": ("branch", "release/7"),
    "branch -m": ("branch", "-m", "side", "prod"),
    "tag": ("tag", "release/8", "v1"),
    "commit --tag": ("commit", "--allow-empty", "-m", "x", "--tag", "prod"),
    "switch -c": ("switch", "-c", "prod"),
    "checkout -b": ("checkout", "-b", "prod"),
    "stash branch": ("stash", "branch", "prod"),
    "record": ("record", "--file", f"model-latest={world.WEIGHTS}", "--branch", "prod", "-m", "x"),
    "push": ("push", "origin", "v2:prod"),
    "push of a tag": ("push", "origin", "1.0:refs/tags/prod"),
    "import": ("import", f"../other#{MODEL}"),
}


@pytest.mark.parametrize("row", ROWS)
def test_every_command_that_creates_a_ref_is_refused(row: str, shell: Shell) -> None:
    policy = shell.folder / NAME
    policy.write_text(RULE, encoding="utf-8")
    before = world.names(shell), world.files(shell.folder.parent / "origin", but=("intents", "probe"))
    said = shell(*ROWS[row])
    assert said.code == 17, said
    assert "would be read in its place (policy.toml, line 2)" in said.err
    after = world.names(shell), world.files(shell.folder.parent / "origin", but=("intents", "probe"))
    assert after == before
    policy.write_text(RULE.replace("alias:", "alias:x"), encoding="utf-8")
    shell.ok(*ROWS[row])


def test_a_clone_of_such_a_branch_is_refused(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.ok("push", "origin", "v2:prod")
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "own" / "config.toml"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / NAME).write_text(RULE, encoding="utf-8")
    top = Shell(shell.folder.parent, monkeypatch)
    assert top("clone", "-b", "prod", "origin", "new").code == 17
    assert not (top.folder / "new" / "model.toml").exists()


@pytest.mark.parametrize(
    "on",
    [
        '["alias:*"]',
        '["alias:?*", "alias:[a-z]*"]',
        '["alias:prod", "branch:prod", "tag:prod"]',
        '["alias:prod", "branch:*", "tag:*"]',
        '["take:alias:prod"]',
    ],
)
def test_other_rules_let_a_branch_be_created(on: str, shell: Shell) -> None:
    (shell.folder / NAME).write_text(f"[[rule]]\non = {on}\nroll-back = false\n", encoding="utf-8")
    shell.ok("branch", "prod")


def test_a_branch_that_there_was_before_the_rule_moves_and_can_be_deleted(shell: Shell) -> None:
    shell.ok("branch", "prod", "v1")
    (shell.folder / NAME).write_text(RULE, encoding="utf-8")
    shell.ok("switch", "prod")
    shell.ok("commit", "--allow-empty", "-m", "x")
    shell.ok("switch", "main")
    shell.ok("branch", "-D", "prod")
    assert shell("branch", "prod").code == 17


def test_a_rule_with_force_is_passed_and_check_names_it(shell: Shell) -> None:
    (shell.folder / NAME).write_text(RULE + "force = true\n", encoding="utf-8")
    checked = shell("policy", "check", "v2", "--for", "branch:prod")
    assert (checked.code, "would be read in its place" in checked.out) == (1, True)
    shell.ok("branch", "prod", "--force-policy", "an experiment")
    assert "policy overridden: on of policy.toml, line 2" in shell.ok("reflog", "prod").out
