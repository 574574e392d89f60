"""Hooks: programs of a person's own settings, asked before a version, a move or a push, and run after a move."""

from __future__ import annotations

import json
import os
import select
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc.storage.records import config
from mvc.storage.records.reflog import RefName
from tests.cli.shell import Said, Shell, begin
from tests.policy import world
from tests.policy.world import TABLE

PASS = "exit 0"
REFUSE = 'echo "not today" >&2; exit 3'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hooks")
    with pytest.MonkeyPatch.context() as patch:
        world.build(folder, patch)
        yield folder


class Hooks:
    """The hooks in a person's settings: shell scripts outside of any repository, that keep what they are given."""

    def __init__(self, folder: Path, settings: Path) -> None:
        self._folder, self._settings = folder, settings
        self._set: dict[str, Any] = {}
        folder.mkdir()

    def set(self, name: str, script: str) -> None:
        program = self._folder / name
        program.write_text(
            f'#!/bin/sh\ncat >> "{self._folder}/{name}.json"\necho >> "{self._folder}/{name}.json"\n{script}\n'
        )
        program.chmod(0o755)
        self.command(name, [str(program)])

    def command(self, name: str, value: Any) -> None:
        self._set[name] = value
        lines = [f"{key} = {json.dumps(each)}" for key, each in self._set.items()]
        self._settings.write_text("\n".join(["[hooks]", *lines, ""]))

    def asked(self, name: str) -> list[Any]:
        """What a hook was given, once for each time."""
        path = self._folder / f"{name}.json"
        return [json.loads(line) for line in path.read_text().splitlines() if line] if path.exists() else []


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: Any) -> Hooks:
    settings = tmp_path / "own" / "mvc.toml"
    settings.parent.mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(settings))
    return Hooks(tmp_path / "bin", settings)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Shell:
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", b"weights")
    shell.ok("add", "w.bin", "--as", "weights")
    return shell


def store(shell: Shell) -> dict[str, bytes]:
    return world.files(shell.folder)


def refused(shell: Shell, *command: str) -> Said:
    """Run a command that a hook refuses: 17, no traceback, and every file is as it was."""
    before = store(shell)
    said = shell(*command)
    assert (said.code, said.out) == (17, ""), said
    assert "Traceback" not in said.err
    assert store(shell) == before
    return said


# --- what hooks are asked


def test_pre_commit_sees_the_version_and_refuses_it_before_anything_is_stored(shell: Shell, hooks: Hooks) -> None:
    hooks.set("pre-commit", REFUSE)
    said = refused(shell, "commit", "-m", "x", "--tag", "t")
    assert (
        "Your hook pre-commit refuses a new version of helmets: it ended with exit code 3.\n    not today" in said.err
    )
    (asked,) = hooks.asked("pre-commit")
    assert asked == {
        "schema": "mvc.hook/1",
        "hook": "pre-commit",
        "repository": str(shell.folder),
        "model": "helmets",
        "branch": "main",
        "parents": [],
        "tags": ["t"],
        "aliases": [],
        "files": [{"role": "weights", "path": "w.bin", "size": 7, "file": None}],
    }
    hooks.set("pre-commit", PASS)
    shell.commit("x")


def test_pre_move_and_post_move_see_moves_with_both_ends(shell: Shell, hooks: Hooks) -> None:
    hooks.set("pre-move", PASS)
    hooks.set("post-move", PASS)
    first = shell.commit("one")
    planned, final = (asked["moves"] for asked in hooks.asked("pre-move"))
    move = {"model": "helmets", "ref": "heads/main", "seq": 1, "old": None, "deleted": False, "remote": None}
    assert planned == [{**move, "new": None, "reason": "new version"}]
    assert final == [{**move, "new": first, "reason": "commit: one"}]
    assert [asked["moves"] for asked in hooks.asked("post-move")] == [final]
    shell.ok("alias", "set", "prod", "-m", "good")
    shell.ok("alias", "rm", "prod")
    alias = {"model": "helmets", "ref": "aliases/prod", "remote": None}
    made = {**alias, "seq": 1, "old": None, "new": first, "deleted": False, "reason": "good"}
    removed = {**alias, "seq": 2, "old": first, "new": None, "deleted": True}
    given = [asked["moves"][0] for asked in hooks.asked("pre-move")[2:]]
    assert (given[0], {**given[1], **removed}) == (made, given[1])
    assert len(given) == 2  # each is asked once
    assert [asked["moves"][0] for asked in hooks.asked("post-move")[1:]] == given
    shell.ok("switch", "-c", "next")  # a change of the working tree moves refs by itself
    assert [each["ref"] for each in hooks.asked("post-move")[-1]["moves"]] == ["heads/next"]


def test_pre_move_refuses_every_command_that_moves_a_ref(
    made: Path, tmp_path: Path, monkeypatch: Any, hooks: Hooks, request: pytest.FixtureRequest
) -> None:
    rows = list(TABLE.items()) if request.config.getoption("--deep") else list(TABLE.items())[:: len(TABLE) // 4]
    failed = []
    for number, (name, row) in enumerate(rows):
        folder = tmp_path / str(number)
        shutil.copytree(made, folder)
        hooks.set("pre-move", PASS)
        shell = world.standing(folder, monkeypatch, row)
        hooks.set("pre-move", REFUSE)
        before = world.picture(folder, shell, row)
        said = world.run(shell, row)
        if said.code != 17 or "not today" not in said.err or world.picture(folder, shell, row) != before:
            failed.append((name, said))
        shutil.rmtree(folder)
    assert not failed


def test_pre_push_refuses_before_anything_is_sent(made: Path, tmp_path: Path, monkeypatch: Any, hooks: Hooks) -> None:
    folder, row = tmp_path / "w", TABLE["push"]
    shutil.copytree(made, folder)
    shell = world.standing(folder, monkeypatch, row)
    hooks.set("pre-push", REFUSE)
    hooks.set("post-move", PASS)
    before = world.picture(folder, shell, row)
    for more in ([], ["--dry-run"]):
        said = shell(*row.command, *more)
        assert (said.code, "a push to origin" in said.err) == (17, True), said
    assert world.picture(folder, shell, row) == before
    tip = shell.repository.refs.target(RefName("helmets", "heads", "side"))
    asked = hooks.asked("pre-push")[0]
    assert (asked["remote"], asked["versions"][-1]) == ("origin", tip)
    move = {"model": "helmets", "ref": "heads/side", "seq": 1, "old": None, "new": tip, "deleted": False}
    assert asked["moves"] == [{**move, "remote": "origin", "reason": "push"}]
    shell.ok(*row.command, "--no-verify")
    assert hooks.asked("post-move") == []
    hooks.set("pre-push", PASS)
    hooks.set("pre-move", PASS)
    shell.ok("push", "origin", "side:other")
    assert len(hooks.asked("pre-move")) == 1  # although the policy is asked again, when everything was sent
    (after,) = hooks.asked("post-move")
    assert [(each["ref"], each["remote"]) for each in after["moves"]] == [("heads/other", "origin")]
    assert shell.ok("push", "origin", "side:other").code == 0  # nothing to push, nothing to ask
    assert len(hooks.asked("pre-push")) == 3


# --- whose hooks


def test_hooks_of_a_repository_are_ignored(shell: Shell, hooks: Hooks, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    command = ["/bin/sh", "-c", f"touch {mark}; exit 1"]
    values = config.parse((shell.folder / ".mvc/config.toml").read_bytes(), "config.toml")
    table = dict.fromkeys((*config.HOOKS, "timeout"), command)
    config.write_repository(shell.repository.door, {**values, "hooks": table})
    shell.commit("one")
    shell.ok("alias", "set", "prod")
    shell.repository.config.set_remote("origin", {"url": str(tmp_path / "origin")})
    shell.ok("push")
    assert not mark.exists()
    assert shell("config", "hooks.pre-move", json.dumps(command)).code == 2
    hooks.set("pre-move", PASS)
    shell.ok("alias", "set", "next")
    assert (len(hooks.asked("pre-move")), mark.exists()) == (1, False)


def test_hooks_in_a_policy_are_an_error(shell: Shell) -> None:
    shell.write("policy.toml", b'[hooks]\npre-commit = ["/bin/false"]\n')
    said = shell("commit", "-m", "x")
    assert said.code == 2, said
    assert "'hooks' is unknown" in said.err


def test_a_relative_program_is_none_whatever_the_folder_and_path(shell: Shell, hooks: Hooks, monkeypatch: Any) -> None:
    mark = shell.folder / "ran"
    shell.write("check", f"#!/bin/sh\ntouch {mark}\n".encode())
    (shell.folder / "check").chmod(0o755)
    monkeypatch.setenv("PATH", f".:{shell.folder.name}:{os.environ['PATH']}")
    for program in ("./check", "ana/check"):
        hooks.command("pre-commit", [program])
        said = shell("commit", "-m", "x")
        assert (said.code, "name the program by its absolute path" in said.err) == (2, True), said
    hooks.command("pre-commit", ["check"])
    assert "neither an absolute path nor in an absolute folder of PATH" in refused(shell, "commit", "-m", "x").err
    hooks.command("pre-commit", ["sh", "check"])  # an argument is a path below the folder of the settings
    refused(shell, "commit", "-m", "x")
    assert not mark.exists()


# --- hooks that fail


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("kill -SEGV $$", "it ended by signal 11"),
        ("exec 0<&-; exit 1", "it ended with exit code 1"),
        ("head -c 100000 /dev/urandom; printf '\\033[2Jx\\000\\377' >&2; exit 1", "it ended with exit code 1.\n    "),
        ("yes no | head -c 20000 >&2; exit 9", "  ..."),
    ],
)
def test_a_hook_that_crashes_or_prints_garbage_refuses(shell: Shell, hooks: Hooks, script: str, reason: str) -> None:
    hooks.set("pre-move", script)
    said = refused(shell, "commit", "-m", "x")
    assert reason in said.err
    assert not {letter for letter in said.err if letter < " "} - {"\n"}
    assert len(said.err) < 20_000
    error = json.loads(refused(shell, "commit", "-m", "x", "--json").err)
    assert (error["kind"], error["code"]) == ("hook-refused", 17)


def test_what_a_hook_prints_is_no_part_of_the_output(shell: Shell, hooks: Hooks) -> None:
    hooks.set("pre-commit", "echo garbage; echo more >&2")
    hooks.set("post-move", "head -c 1000 /dev/urandom")
    said = shell.ok("commit", "-m", "x", "--json")
    assert said.json["number"] == 1
    assert said.err == ""


def test_a_hook_that_hangs_is_ended_with_what_it_started(shell: Shell, hooks: Hooks, tmp_path: Path) -> None:
    hooks.set("pre-commit", f"sleep 1000 & echo $! > {tmp_path}/pid; wait")
    hooks.command("timeout", 0.5)
    said = refused(shell, "commit", "-m", "x")
    assert "it did not end within 0.5 seconds" in said.err
    pid = int((tmp_path / "pid").read_text())
    assert _ends(pid)
    hooks.command("timeout", 0)  # no limit
    hooks.set("pre-commit", "sleep 0.1")
    shell.commit("x")
    for value in (-1, "soon", True):
        hooks.command("timeout", value)
        said = shell("commit", "--allow-empty", "-m", "x")
        assert (said.code, "for hooks.timeout: the value must be a number, 0 or more" in said.err) == (2, True), said


def _ends(pid: int) -> bool:
    """Whether a process ends, which the kernel reports; one that is killed does it in its own time."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], 60)[0])
    finally:
        os.close(fd)


def test_a_program_that_is_missing_refuses(shell: Shell, hooks: Hooks, tmp_path: Path) -> None:
    hooks.command("pre-commit", [str(tmp_path / "absent")])
    assert "it cannot be run (No such file or directory)" in refused(shell, "commit", "-m", "x").err
    (tmp_path / "plain").write_text("no program")
    hooks.command("pre-commit", [str(tmp_path / "plain")])
    assert "it cannot be run (Permission denied)" in refused(shell, "commit", "-m", "x").err


@pytest.mark.parametrize("value", ["/bin/true", [], [1], ["/bin/true", ""], {"a": "b"}, True])
def test_a_setting_that_is_no_list_of_texts_is_an_error_and_not_ignored(shell: Shell, hooks: Hooks, value: Any) -> None:
    hooks.command("pre-commit", value if not isinstance(value, dict) else "x")
    before = store(shell)
    said = shell("commit", "-m", "x", "--json")
    assert (said.code, json.loads(said.err)["kind"]) == (2, "bad-setting")
    assert store(shell) == before


def test_hooks_are_set_by_config(shell: Shell, hooks: Hooks) -> None:
    for text in ("bin/true", "", "[]", '["a", 1]', '["a"', "['a']\nb = 1", "'a"):
        assert shell("config", "--global", "hooks.pre-move", text).code == 2
    for text in ('["/bin/false", "two words"]', "/bin/false 'two words'"):
        shell.ok("config", "--global", "hooks.pre-move", text)
        assert shell.ok("config", "hooks.pre-move", "--json").json["value"] == ["/bin/false", "two words"]
    assert shell.ok("config", "hooks.pre-move").out == "/bin/false 'two words'\n"
    assert "ended with exit code 1" in refused(shell, "commit", "-m", "x").err
    shell.ok("config", "--global", "--unset", "hooks.pre-move")
    shell.commit("x")


# --- hooks after a move


@pytest.mark.parametrize("command", [["/bin/false"], ["/absent"], ["relative/program"], "no list"])
def test_post_move_cannot_refuse_and_its_failure_is_a_warning(shell: Shell, hooks: Hooks, command: Any) -> None:
    hooks.command("post-move", command)
    said = shell.ok("commit", "-m", "x")
    assert "warning: " in said.err
    assert "post-move" in said.err
    assert shell.ok("alias", "set", "prod", "--json").err == ""
    assert "Traceback" not in said.err


def test_post_move_is_run_without_the_lock_and_asks_no_hooks_itself(shell: Shell, hooks: Hooks) -> None:
    program = f"{sys.executable} -m mvc --repo {shell.folder}"
    hooks.set("post-move", f"{program} alias set seen >/dev/null")
    said = shell.ok("commit", "-m", "x", "--lock-timeout", "0")
    assert said.err == ""
    assert "seen" in shell.ok("alias").out
    assert len(hooks.asked("post-move")) == 1


def test_a_refused_command_runs_no_post_move(shell: Shell, hooks: Hooks) -> None:
    hooks.set("pre-move", REFUSE)
    hooks.set("post-move", PASS)
    refused(shell, "commit", "-m", "x")
    assert hooks.asked("post-move") == []


# --- skipping hooks


def test_no_verify_skips_hooks_and_no_rule(shell: Shell, hooks: Hooks) -> None:
    for name in config.HOOKS:
        hooks.set(name, REFUSE)
    shell.ok("commit", "--no-verify", "-m", "x")
    shell.ok("--no-verify", "alias", "set", "prod")
    shell.ok("commit", "-n", "--allow-empty", "-m", "y")
    assert [hooks.asked(name) for name in config.HOOKS] == [[], [], [], []]
    shell.write("policy.toml", b'[[rule]]\non = ["alias:*"]\nreason = "required"\n')
    assert shell("alias", "set", "next", "--no-verify").code == 17
    (shell.folder / "policy.toml").unlink()
    refused(shell, "alias", "set", "next")


def test_rules_come_before_hooks(shell: Shell, hooks: Hooks) -> None:
    hooks.set("pre-commit", PASS)
    hooks.set("pre-move", PASS)
    shell.write("policy.toml", b'[[rule]]\non = ["commit"]\nmax-file = 1\n')
    assert shell("commit", "-m", "x").code == 17
    assert hooks.asked("pre-commit") + hooks.asked("pre-move") == []


def test_python_runs_hooks_unless_it_is_opened_without(shell: Shell, hooks: Hooks) -> None:
    hooks.set("pre-move", REFUSE)
    with pytest.raises(mvc.errors.HookRefused):
        mvc.open(shell.folder).model("helmets").commit("x")
    mvc.open(shell.folder, hooks=False).model("helmets").commit("x")
    with pytest.raises(mvc.errors.HookRefused):
        mvc.open(shell.folder).model("helmets").commit("x", allow_empty=True)
    mvc.open(shell.folder, environ={**os.environ, "MVC_HOOK": "pre-move"}).model("helmets").commit(
        "x", allow_empty=True
    )
