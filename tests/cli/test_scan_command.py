"""`scan.command`: a program of the user's own settings is asked about each file, and its answer is a finding."""

from __future__ import annotations

import contextlib
import json
import os
import select
from pathlib import Path
from typing import Any

import pytest

from mvc.repository.record import scan_command
from tests.cli.shell import Shell, begin

PLAIN = b"numbers and texts, " * 300


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "ana").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "own" / "config.toml"))
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("notes.txt", PLAIN)
    shell.ok("add", "notes.txt", "--as", "notes")
    return shell


def asks(shell: Shell, script: str, *words: str, name: str = "scanner") -> Path:
    """Set a command: a script of the shell that gets a path."""
    program = shell.folder.parent / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o700)
    shell.ok("config", "--global", "scan.command", f"'{program}' {' '.join(words)} {{}}")
    return program


def scan(shell: Shell, *words: str) -> list[Any]:
    return [*json.loads(shell("scan", "--json", *words).out)["files"]]


def test_exit_codes_are_nothing_a_finding_and_no_answer(shell: Shell) -> None:
    asks(shell, "exit 0")
    assert scan(shell)[0]["findings"] == []
    shell.ok("commit", "-m", "fine", "--dry-run")
    asks(shell, "echo first; echo 'Eicar found in it.' >&2; exit 1")
    (finding,) = scan(shell)[0]["findings"]
    assert (finding["rule"], finding["verdict"]) == ("second-opinion", "hostile")
    assert finding["message"].endswith("scanner: Eicar found in it.")
    assert shell("scan").code == 1
    said = shell("commit", "-m", "x")
    assert (said.code, "notes.txt is hostile" in said.err) == (17, True), said
    assert not shell.repository.objects.loose()
    for script, word in (("exit 2", "exit code 2"), ("kill -9 $$", "signal 9")):
        asks(shell, script)
        (finding,) = scan(shell)[0]["findings"]
        assert (finding["rule"], finding["verdict"]) == ("second-opinion-failed", "unreadable")
        assert word in finding["message"]
        assert shell("commit", "-m", "x").code == 17
    asks(shell, "exit 1")
    shell.ok("commit", "-m", "x", "--allow-unsafe")


def test_a_program_that_is_not_there_cannot_answer(shell: Shell) -> None:
    shell.ok("config", "--global", "scan.command", "no-such-program-of-mvc {}")
    (finding,) = scan(shell)[0]["findings"]
    assert finding["message"].endswith("no-such-program-of-mvc cannot be run: No such file or directory.")
    assert shell("commit", "-m", "x").code == 17


def test_files_have_their_names_and_bytes_wherever_they_are(shell: Shell, tmp_path: Path) -> None:
    log = tmp_path / "log"
    asks(shell, f'echo "$# $1 $2 $(basename "$3") $(wc -c < "$3") $(dirname "$3") $PWD" >> {log}', "a", "'b c'")
    shell.write("it's $(touch ran).txt", PLAIN + b"x")
    shell.ok("add", "it's $(touch ran).txt", "--as", "other")

    def asked(*command: str) -> list[list[str]]:
        log.unlink(missing_ok=True)
        shell.ok(*command)
        return sorted(line.split("/ ")[0].split(" ") for line in log.read_text().splitlines())

    size = str(len(PLAIN))
    for command in (("scan",), ("scan", "--", "notes.txt", "it's $(touch ran).txt"), ("commit", "-m", "x")):
        assert sum(line[:6] == ["3", "a", "b", "c", "notes.txt", size] for line in asked(*command)) == 1
    assert not list(shell.folder.rglob("ran"))
    shell.ok("config", "--global", "--unset", "scan.command")
    before = set(os.listdir("/tmp"))
    asks(shell, f'test "$PWD" = / && cat "$1" >> {log}')
    log.unlink()
    assert scan(shell, "v1")[0]["findings"] == []
    assert log.read_bytes().count(PLAIN) == 2
    assert not {name for name in set(os.listdir("/tmp")) - before if name.startswith("mvc-scan-")}
    log.unlink()
    shell.write("notes.txt", PLAIN[1:])
    shell.ok("commit", "-m", "only the new file is asked about")
    assert log.read_bytes() == PLAIN[1:]


def test_a_program_that_takes_too_long_is_ended_with_its_children(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_command, "SECONDS", 0.5)
    asks(shell, f"sleep 1000 & echo $! > {tmp_path / 'child'}; wait")
    (finding,) = scan(shell)[0]["findings"]
    assert "scanner took longer than" in finding["message"]
    with contextlib.suppress(ProcessLookupError):
        child = os.pidfd_open(int((tmp_path / "child").read_text()))
        assert select.select([child], [], [], 60)[0], "the child was not ended"
        os.close(child)


def test_only_the_user_sets_it_as_a_list_of_words(shell: Shell, tmp_path: Path) -> None:
    assert shell("config", "scan.command", "x {}").code == 2
    for text in ("x", "{}", "./x {}", "sub/x {}", "x '{}", " "):
        assert shell("config", "--global", "scan.command", text).code == 2, text
    shell.ok("config", "--global", "scan.command", "x -p {} 'a b'")
    assert 'command = [\n    "x",' in (tmp_path / "own" / "config.toml").read_text().replace("[scan]\n", "")
    assert shell.ok("config", "scan.command").out == "x -p '{}' 'a b'\n"
    config = shell.folder / ".mvc" / "config.toml"
    config.write_text(config.read_text() + '\n[scan]\ncommand = ["/bin/false", "{}"]\n', encoding="utf-8")
    (tmp_path / "own" / "config.toml").unlink()
    assert scan(shell)[0]["findings"] == []
    for value in ('"x {}"', "[]", "[1]", '["x"]'):
        (tmp_path / "own" / "config.toml").write_text(f"[scan]\ncommand = {value}\n", encoding="utf-8")
        for command in (("scan",), ("commit", "-m", "x")):
            said = shell(*command)
            assert (said.code, "scan.command" in said.err) == (2, True), said
