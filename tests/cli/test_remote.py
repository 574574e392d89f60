"""`mvc remote`: settings, names, and what was seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvc.backoff import Backoff
from tests.cli.shell import MODEL, Shell, begin

CANARY = "canary-7f3a"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Shell:
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.set(parameters__lr=1)
    shell.commit("one")
    return shell


def test_a_remote_is_added_shown_moved_and_forgotten(shell: Shell, tmp_path: Path) -> None:
    shell.ok("remote", "add", "origin", "../there")
    assert shell.ok("remote").lines == ["origin"]
    assert str(tmp_path / "there") in shell.ok("remote", "-v").out
    shell.ok("push")
    shown = shell.ok("remote", "show", "origin", "--json").json
    assert [(each["model"], each["ref"]) for each in shown["seen"]] == [(MODEL, "heads/main")]
    shell.ok("remote", "set-url", "origin", str(tmp_path / "elsewhere"))
    assert shell.ok("config", "remote.origin.url").out.strip() == str(tmp_path / "elsewhere")
    shell.ok("remote", "rm", "origin")
    assert shell.ok("remote").out == ""
    assert shell("log", "origin/main").code == 2
    assert shell("fsck").code == 0


def test_another_name_keeps_what_was_seen_and_who_follows(shell: Shell) -> None:
    shell.ok("remote", "add", "origin", "../there")
    shell.ok("push", "-u")
    shell.ok("remote", "rename", "origin", "team")
    assert shell.ok("log", "team/main", "--oneline").lines
    assert shell("log", "origin/main").code == 2
    assert "up to date" in shell.ok("push").out
    assert shell("fsck").code == 0


def test_a_remote_that_went_may_come_back(shell: Shell) -> None:
    for _ in range(2):
        shell.ok("remote", "add", "origin", "../there")
        shell.ok("push")
        assert shell.ok("log", "origin/main", "--oneline").lines
        shell.ok("remote", "rm", "origin")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add", "origin", "../again"), 2, "already"),
        (("add", "a/b", "../x"), 2, "slash"),
        (("add", "heads", "../x"), 2, "heads"),
        (("add", "-x", "../x"), 2, ""),
        (("add", "x", "http://example.org/x"), 2, "s3://"),
        (("add", "x", "simplecache::s3://b/x"), 2, "::"),
        (("add", "x", "s3://"), 2, "bucket"),
        (("add", "x", "sftp://host"), 2, "folder"),
        (("add", "x", "s3://b/../y"), 2, ".."),
        (("add", "x", "/"), 2, "root"),
        (("add", "x", "s3://b/x", "-o", "endpoin=y"), 2, "endpoint"),
        (("add", "x", "s3://b/x", "-o", "nonsense"), 2, "KEY=VALUE"),
        (("add", "x", "../x", "-o", "region=eu"), 2, "region"),
        (("show", "nowhere"), 2, "origin"),
        (("rm", "nowhere"), 2, "origin"),
        (("rename", "nowhere", "x"), 2, "origin"),
        (("rename", "origin", "origin"), 2, "already"),
        (("set-url", "nowhere", "../x"), 2, "origin"),
        (("check", "nowhere"), 2, "origin"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    shell: Shell, arguments: tuple[str, ...], code: int, said: str
) -> None:
    shell.ok("remote", "add", "origin", "../there")
    before = shell.ok("config", "-l").out
    refused = shell("remote", *arguments)
    assert refused.code == code, refused
    assert said in refused.err
    assert shell.ok("config", "-l").out == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("remote", "add", "x", f"s3://key:{CANARY}@bucket/x"),
        ("remote", "add", "x", f"s3://key:{CANARY}@bucket::x"),
        ("remote", "add", "x", f"sftp://ana:{CANARY}@host/srv"),
        ("remote", "add", "x", f"s3://bucket/x?X-Amz-Signature={CANARY}"),
        ("remote", "add", "x", "s3://bucket/x", "-o", f"secret-access-key={CANARY}"),
        ("remote", "add", "x", "s3://bucket/x", "-o", f"token={CANARY}"),
        ("clone", f"sftp://ana:{CANARY}@host/srv", "here"),
        ("clone", "s3://bucket/x", "here", "-o", f"password={CANARY}"),
        ("config", "remote.origin.secret", CANARY),
        ("config", "remote.origin.url", f"s3://key:{CANARY}@bucket/x"),
        ("remote", "set-url", "origin", f"s3://key:{CANARY}@bucket/x"),
    ],
)
def test_a_secret_is_refused_and_shown_nowhere(shell: Shell, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    shell.ok("remote", "add", "origin", "../there")
    shell.ok("push")
    for more in ((), ("-vv",), ("--json",)):
        said = shell(*arguments, *more)
        assert said.code == 2, said
        assert CANARY not in said.out + said.err
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def test_secrets_of_the_environment_are_shown_nowhere_when_a_store_cannot_be_reached(
    shell: Shell, tmp_path: Path, monkeypatch: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setattr("mvc.remotes.backends.retry.BACKOFF", Backoff(attempts=1, first=0.0, longest=0.0))
    shell.ok("remote", "add", "cloud", "s3://bucket/x", "-o", "endpoint=http://127.0.0.1:9")
    for verb in (("push", "cloud"), ("fetch", "cloud"), ("pull", "cloud"), ("remote", "check", "cloud")):
        for more in ((), ("-vv",), ("--json",)):
            said = shell(*verb, *more)
            assert said.code == 15, said
            assert CANARY not in said.out + said.err
    monkeypatch.setenv("MVC_TRACE", "1")
    said = shell("push", "cloud")
    assert CANARY not in said.out + said.err
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def test_check_tries_the_store_out(shell: Shell) -> None:
    shell.ok("remote", "add", "origin", "../there")
    assert shell.ok("remote", "check", "origin", "--full", "--json").json["warnings"] == []
    assert "create-once" in shell.ok("remote", "check", "origin").out


def test_tables_that_are_none_are_said_to_be_wrong(shell: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    for text in ("remote = 1", "[remote]\norigin = 1", "[remote.origin]\nurl = 1"):
        (tmp_path / "mine.toml").write_text(text)
        monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "mine.toml"))
        assert shell("remote").code == 2
        assert shell("status").code == 2


@pytest.mark.parametrize("way", ["--offline", "MVC_OFFLINE"])
def test_offline_reaches_folders_only(shell: Shell, monkeypatch: Any, way: str) -> None:
    if way == "MVC_OFFLINE":
        monkeypatch.setenv(way, "1")
    given = ["--offline"] if way == "--offline" else []
    shell.ok("remote", "add", "origin", "../there")
    shell.ok("remote", "add", "cloud", "s3://team-models/vision")
    for command in (
        ["push", "cloud", "main"],
        ["fetch", "cloud"],
        ["remote", "check", "cloud"],
        ["fsck", "--remote", "cloud"],
    ):
        done = shell(*command, *given)
        assert (done.code, "cloud, at s3://team-models/vision, cannot be contacted" in done.err) == (15, True), done
    for url in ("s3://team-models/vision", "picsellia://acme/helmets"):
        assert shell("clone", url, "../clone", *given).code == 15
    assert shell("import", "picsellia://acme/helmets", *given).code == 15
    assert not (shell.folder.parent / "clone").exists()
    shell.ok("push", "origin", *given)
    shell.ok("clone", "../there", "../clone", *given)


def test_a_wrong_name_of_a_remote_is_answered_with_the_nearest(shell: Shell) -> None:
    shell.ok("remote", "add", "origin", "../shared")
    assert "Did you mean origin? Add it with" in shell("push", "orign").err
