"""The options for every verb and the environment: where, which model, who, when, how it is said."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from mvc.cli.app.invocation import Invocation
from mvc.porcelain.init import init
from tests.cli.conftest import History
from tests.cli.shell import MODEL, Shell

SECOND = "vests"


@pytest.fixture
def two(empty: Shell) -> Shell:
    """Two models: `helmets` at the top and `vests` in a folder of that name."""
    (empty.folder / SECOND).mkdir()
    init(empty.folder / SECOND, root=empty.folder, model=SECOND)
    return empty


def model_of(shell: Shell, *arguments: str) -> str:
    return str(shell.ok(*arguments, "status", "--json").json["model"])


# --- where


def test_a_run_is_elsewhere_with_c(two: Shell) -> None:
    assert model_of(two) == MODEL
    assert model_of(two, "-C", SECOND) == SECOND
    assert two.ok("status", "-C", SECOND, "--json").json["model"] == SECOND
    said = two("-C", "nowhere", "status")
    assert said.code == 2
    assert "is not a folder" in said.err


def test_the_repository_is_named_by_option_or_environment(
    two: Shell, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = str(tmp_path_factory.mktemp("outside"))
    assert two("-C", outside, "branch").code == 10
    for where in (two.folder, two.folder / ".mvc"):
        assert two.ok("-C", outside, "--repo", str(where), "--model", SECOND, "branch").lines == ["* main"]
    monkeypatch.setenv("MVC_DIR", str(two.folder))
    monkeypatch.setenv("MVC_MODEL", SECOND)
    assert two.ok("-C", outside, "status", "--json").json["model"] == SECOND
    assert two("--repo", outside, "branch").code == 10  # the option wins


def test_the_model_is_named_by_option_or_environment(two: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert model_of(two, "--model", SECOND) == SECOND
    monkeypatch.setenv("MVC_MODEL", SECOND)
    assert model_of(two) == SECOND
    assert model_of(two, "--model", MODEL) == MODEL
    assert two("--model", "nobody", "status").code == 2


def test_a_folder_that_was_deleted_is_said_so(tmp_path: Path) -> None:
    code = "import os, sys; from mvc.cli.app.main import run; os.rmdir(os.getcwd()); sys.exit(run(['status']))"
    (tmp_path / "gone").mkdir()
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "gone", env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "the current folder was deleted" in done.stderr


# --- options before and after the verb


@pytest.mark.parametrize("arguments", [("--json", "alias", "log", "prod"), ("alias", "--json", "log", "prod"),
                                       ("alias", "log", "--json", "prod"), ("alias", "log", "prod", "--json")])  # fmt: skip
def test_an_option_may_stand_anywhere(shell: Shell, history: History, arguments: tuple[str, ...]) -> None:
    shell.ok("alias", "set", "prod")
    assert shell.ok(*arguments).json["schema"] == "mvc.reflog/1"


def test_a_verbs_own_letter_wins(shell: Shell, history: History) -> None:
    assert shell.ok("-v", "branch").lines == shell.ok("branch", "-v").lines
    assert shell.ok("switch", "-c", "new", "-q").lines == []


def test_quiet_says_ids_or_nothing(shell: Shell, history: History) -> None:
    assert shell.ok("show", "-q").lines == [history.second]
    assert shell.ok("-q", "status").lines == []
    said = shell.ok("commit", "--allow-empty", "-m", "x", "-q")
    assert len(said.out.strip()) == 64
    assert said.err == ""


def test_colour_and_pager_are_options(shell: Shell, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[33m" in shell.ok("log", "--oneline", "--color", "always").out
    assert "\x1b" not in shell.ok("log", "--oneline", "--color", "never").out
    assert "\x1b" not in shell.ok("log", "--json", "--color", "always").out
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[33m" in shell.ok("log", "--oneline", "--no-pager").out
    assert shell("log", "--color", "sometimes").code == 2
    assert shell("log", "--progress", "sometimes").code == 2


# --- the lock


def test_the_lock_is_waited_for_as_long_as_was_said(
    shell: Shell, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(shell.folder / ".mvc" / "lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert shell("--lock-timeout", "0", "switch", "side").code == 11
        assert shell("switch", "side", "--lock-timeout", "0.01").code == 11
        monkeypatch.setenv("MVC_LOCK_TIMEOUT", "0")
        assert shell("switch", "side").code == 11
    shell.ok("switch", "side")


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf"])
def test_what_is_no_time_to_wait(shell: Shell, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell(f"--lock-timeout={value}", "status").code == 2
    monkeypatch.setenv("MVC_LOCK_TIMEOUT", value)
    said = shell("status")
    assert said.code == 2
    assert value in said.err


# --- who and when


def signed(shell: Shell, *more: str) -> tuple[str, str]:
    """Who signs a new version, and what is noted about it."""
    said = shell.ok("commit", "--allow-empty", "-m", "x", *more)
    author = json.loads(shell.ok("log", "-n", "1", "--json").out)["versions"][0]["author"]
    return f"{author['name']} <{author['email']}>", said.err


@pytest.fixture
def unsigned(empty: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    """Nobody has said who signs; a person's settings are in a file of their own."""
    monkeypatch.delenv("MVC_AUTHOR_NAME")
    monkeypatch.delenv("MVC_AUTHOR_EMAIL")
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "settings" / "config.toml"))
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    return empty


def test_who_signs(unsigned: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    who, note = signed(unsigned)
    assert who.startswith("anna <anna@")
    assert note.startswith("note: author anna <anna@")
    both = "`mvc config --global user.name NAME` and `mvc config --global user.email EMAIL`"
    assert note.endswith(f">, from the system; set your own with {both}\n")

    unsigned.ok("config", "--global", "user.name", "Anna")
    who, note = signed(unsigned)
    assert who.startswith("Anna <anna@")
    assert "; set your own with `mvc config --global user.email EMAIL`" in note
    unsigned.ok("config", "--global", "--unset", "user.name")

    git = tmp_path / "gitconfig"
    git.write_text("[user]\n\tname = Git\n\temail = git@example.org\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(git))
    assert signed(unsigned) == ("Git <git@example.org>", "")

    unsigned.ok("config", "--global", "user.name", "Own")
    unsigned.ok("config", "--global", "user.email", "own@example.org")
    assert signed(unsigned) == ("Own <own@example.org>", "")

    unsigned.ok("config", "user.name", "Here")
    assert signed(unsigned) == ("Here <own@example.org>", "")

    monkeypatch.setenv("MVC_AUTHOR_NAME", "Environment")
    assert signed(unsigned) == ("Environment <own@example.org>", "")
    assert signed(unsigned, "--author", "Flag <flag@example.org>") == ("Flag <flag@example.org>", "")


def test_the_note_names_what_is_missing(unsigned: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ana")
    assert "mvc config --global user.email" in signed(unsigned)[1]


def test_when(shell: Shell, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MVC_AUTHOR_DATE", "2026-03-01T12:00:00+02:00")
    shell.ok("commit", "--allow-empty", "-m", "x")
    shell.ok("commit", "--allow-empty", "-m", "y", "--date", "2026-04-01T00:00:00Z")
    assert shell.ok("log", "-n", "2", "--format", "{time}").lines == ["2026-04-01T00:00:00Z", "2026-03-01T10:00:00Z"]
    monkeypatch.setenv("MVC_AUTHOR_DATE", "soon")
    assert shell("commit", "--allow-empty", "-m", "z").code == 2


OF_PASSWD = pwd.getpwuid(os.getuid()).pw_dir


def test_a_run_is_a_value(tmp_path: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Invocation(tmp_path, {}).quiet = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"MVC_CONFIG": "/x/own.toml", "HOME": "/h"}, "/x/own.toml"),
        ({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}, "/c/mvc/config.toml"),
        ({"HOME": "/h"}, "/h/.config/mvc/config.toml"),
        ({"XDG_CONFIG_HOME": "here", "HOME": "/h"}, "/h/.config/mvc/config.toml"),
        ({"XDG_CONFIG_HOME": "", "HOME": ""}, f"{OF_PASSWD}/.config/mvc/config.toml"),
        ({"HOME": "here"}, f"{OF_PASSWD}/.config/mvc/config.toml"),
        ({}, f"{OF_PASSWD}/.config/mvc/config.toml"),
    ],
)
def test_where_a_persons_settings_are(environ: dict[str, str], path: str | None, tmp_path: Path) -> None:
    assert Invocation(tmp_path, environ).user_config == (None if path is None else Path(path))


def test_a_user_without_a_home_is_told_that_no_policy_of_theirs_is_read(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MVC_CONFIG", "HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert "your settings and your policy are not read: HOME is not set" in shell.ok("status").err
    monkeypatch.setenv("HOME", "/nowhere")
    assert "not read" not in shell.ok("status").err
