"""Long lists are capped for people, with a command that lists all; formats for programs have every line."""

from __future__ import annotations

import shlex

import pytest

from tests.cli.shell import Shell

MANY = 50


@pytest.fixture
def many(empty: Shell) -> Shell:
    """An untracked folder with many files."""
    for number in range(MANY):
        empty.write(f"data/{number:03}.pt", f"{number}".encode())
    empty.write("weights.pt", b"weights")
    empty.ok("add", "weights.pt")
    empty.commit("one")
    return empty


def run(shell: Shell, line: str) -> list[str]:
    """The output of the command that the last line of a list names."""
    command = shlex.split(line.split("`")[1])
    assert command[0] == "mvc"
    return shell.ok(*command[1:]).lines


def test_status_lists_the_first_and_says_how_to_list_all(many: Shell) -> None:
    lines = many.ok("status").lines
    rest = next(line for line in lines if "more" in line)
    assert rest == "  … 30 more (`mvc status -v` lists all)"
    assert sum(line.startswith("  ?  data/") for line in lines) == 20
    assert sum(line.startswith("  ?  data/") for line in run(many, rest)) == MANY
    assert sum(line.startswith("?? data/") for line in many.ok("status", "--porcelain").lines) == MANY
    assert len(many.ok("--json", "status").json["untracked"]) == MANY


def test_commit_add_and_switch_cap_their_lists(many: Shell) -> None:
    for number in range(MANY):
        many.write(f"single/{number:03}.pt", f"{number}".encode())
    added = many.ok("add", *(f"single/{number:03}.pt" for number in range(MANY))).lines
    assert added[-1] == "… 30 more (`mvc get files` lists all)"
    assert sum("single/" in line for line in run(many, added[-1])) == MANY
    many.ok("switch", "-c", "large")
    committed = many.ok("commit", "-m", "two").lines
    rest = [line for line in committed if "more (`mvc show" in line]
    assert rest
    assert sum("A  " in line and "single/" in line for line in run(many, rest[-1])) == MANY
    switched = many.ok("switch", "main").lines
    assert switched[1] == f"  1 file written, {MANY} deleted:"
    assert switched[2] == "    single/000.pt"
    assert sum(line.startswith("D") and "single/" in line for line in run(many, switched[-1])) == MANY


def test_diff_and_show_list_all(many: Shell) -> None:
    many.ok("add", "data/")
    many.commit("two")
    for arguments in (["diff", "v1", "v2"], ["diff", "--name-only", "v1", "v2"], ["show"], ["ls"]):
        assert sum("data/" in line for line in many.ok(*arguments).lines) >= MANY


def test_a_list_with_one_line_more_is_whole(empty: Shell) -> None:
    for number in range(21):
        empty.write(f"{number:02}.pt", b"0")
    assert not [line for line in empty.ok("status").lines if "more" in line]
    empty.write("21.pt", b"0")
    assert [line for line in empty.ok("status").lines if "more" in line] == ["  … 2 more (`mvc status -v` lists all)"]


def test_each_conflict_comes_with_its_command(many: Shell) -> None:
    many.ok("switch", "-c", "night")
    many.set(parameters__lr=0.1, **{'parameters__"a b"': 1})
    many.commit("night")
    many.ok("switch", "main")
    many.set(parameters__lr=0.2, **{'parameters__"a b"': 2})
    many.commit("day")
    assert many("merge", "night").code == 1
    lines = [line.strip() for line in many.ok("status").lines]
    commands = [line.split("`")[1] for line in lines if line.startswith("`mvc merge --continue --take")]
    assert len(commands) == 2
    codes = [many(*shlex.split(command)[1:]).code for command in commands]
    assert codes[-1] == 0
    assert many.ok("get", "parameters.lr").out.strip() == "0.2"
