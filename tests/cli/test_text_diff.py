"""Small text files are compared by line, in `mvc diff`, `show` and `log -p`; nothing is fetched for it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from mvc.model.compare import text
from mvc.storage.records.promised import State
from tests.cli.shell import Shell

OLD, NEW = b"lr0: 0.01\nepochs: 100\nimgsz: 640\n", b"lr0: 0.01\nepochs: 150\nimgsz: 640\n"
LINES = [
    "--- a/args.yaml",
    "+++ b/args.yaml",
    "@@ -1,3 +1,3 @@",
    " lr0: 0.01",
    "-epochs: 100",
    "+epochs: 150",
    " imgsz: 640",
]


@pytest.fixture
def args(empty: Shell) -> Shell:
    """v1 with args.yaml, and a binary file."""
    empty.write("args.yaml", OLD)
    empty.write("last.bin", bytes(range(256)))
    empty.ok("add", "args.yaml", "--as", "args")
    empty.ok("add", "last.bin", "--as", "last")
    empty.commit("one")
    empty.write("args.yaml", NEW)
    return empty


def lines(shell: Shell, *arguments: str) -> list[str]:
    """The lines of the unified diff that a command prints."""
    found = [line.strip() if line.lstrip()[:2] in ("--", "++", "@@") else line for line in shell.ok(*arguments).lines]
    first = next((number for number, line in enumerate(found) if line.startswith("--- ")), len(found))
    return found[first:]


def test_diff_show_and_log_print_the_changed_lines(args: Shell) -> None:
    assert lines(args, "diff") == LINES
    args.commit("two")
    assert lines(args, "diff", "v1", "v2") == LINES
    assert [line.strip() for line in lines(args, "show")] == [line.strip() for line in LINES]
    assert [line.strip() for line in lines(args, "log", "-p", "-n", "1")] == [line.strip() for line in LINES]
    assert args.ok("--json", "diff", "v1", "v2").json["texts"] == [
        {"old_path": "args.yaml", "path": "args.yaml", "lines": LINES[2:], "reason": None}
    ]


def test_options_choose_the_lines_around_or_none(args: Shell) -> None:
    assert lines(args, "diff", "-U0") == [*LINES[:2], "@@ -2 +2 @@", *LINES[4:6]]
    assert lines(args, "diff", "--no-text") == []
    for option in ("--stat", "--name-only", "--name-status"):
        assert lines(args, "diff", option) == []


def test_a_last_line_without_an_end(args: Shell) -> None:
    args.write("args.yaml", NEW[:-1])
    assert lines(args, "diff", "v1", "-U0")[-3:] == ["+epochs: 150", "+imgsz: 640", "\\ No newline at end of file"]


@pytest.mark.parametrize(
    "data",
    [b"\x00" * 10, b"\xff\xfe", b"a\x1b[31m\n", b"a" * (text.MAX_BYTES + 1), b"\n" * text.MAX_LINES],
    ids=["zeros", "not UTF-8", "an escape", "too long", "too many lines"],
)
def test_what_is_no_small_text_is_not_compared(args: Shell, data: bytes) -> None:
    args.write("args.yaml", data)
    assert lines(args, "diff") == []
    assert "args.yaml" in args.ok("diff").out


def test_marks_that_reorder_text_are_shown_as_escapes(args: Shell) -> None:
    args.write("args.yaml", OLD + "user: \u202eevil\ttab\n".encode())
    assert lines(args, "diff")[-1] == "+user: \\u202eevil\ttab"


def test_text_that_is_not_here_is_said_and_not_fetched(args: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    args.commit("two")
    monkeypatch.setattr("mvc.storage.records.promised.Promised.state", lambda *_: State.PROMISED)
    assert lines(args, "diff", "v1", "v2") == []
    assert args.ok("diff", "v1", "v2").lines[-1] == "args.yaml: its text cannot be compared: not here"


def test_random_texts_are_rebuilt_from_their_hunks(rng: random.Random, deep: bool) -> None:
    for _ in range(3_000 if deep else 200):
        old, new = (_drawn(rng) for _ in range(2))
        context = rng.randint(0, 4)
        assert _patched(old, text.hunks(old, new, context)) == new


def _drawn(rng: random.Random) -> str:
    drawn = "".join(rng.choice(["a\n", "b\n", "c\n", "\n"]) for _ in range(rng.randint(0, 12)))
    return drawn + rng.choice(["", "", "z"])


def _patched(old: str, hunks: Sequence[str]) -> str:
    """Apply a unified diff, as `patch` does."""
    left = old.split("\n")
    ends = old.endswith("\n") or not old
    left = left[:-1] if left[-1] == "" else left
    result: list[str] = []
    at = 0
    for number, line in enumerate(hunks):
        if line.startswith("@@"):
            span = line.split()[1][1:].split(",")
            begin = int(span[0]) - (len(span) == 1 or span[1] != "0")
            result += left[at:begin]
            at = begin
        elif line.startswith("\\"):
            if hunks[number - 1][0] in "+ ":
                ends = False
            elif hunks[number - 1][0] == "-":
                ends = True
        else:
            if line[0] in " -":
                assert left[at] == line[1:]
                at += 1
            if line[0] in " +":
                result.append(line[1:])
    result += left[at:]
    return "\n".join(result) + ("\n" if ends and result else "")


@pytest.mark.parametrize(("path", "old"), [("best.pt", OLD), ("long.txt", b"x" * (text.MAX_LINE + 1))])
def test_weights_and_data_are_not_shown_as_text(empty: Shell, path: str, old: bytes) -> None:
    empty.write(path, old)
    empty.ok("add", path, "--as", "file")
    empty.commit("one")
    empty.write(path, old + b"more\n")
    assert lines(empty, "diff") == []
