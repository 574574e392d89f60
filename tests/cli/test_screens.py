"""Screens of 60, 80 and 160 columns: no line is wider, and nothing is lost; ASCII where there is nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from mvc.cli.app.main import VERBS
from mvc.cli.output import screen
from mvc.cli.output.pager import page
from tests.cli import shell as shells
from tests.cli.conftest import History
from tests.cli.shell import Shell

WIDTHS = (60, 80, 160)
LONG = "weights/a-folder-with-a-long-name/and-another-one/best-of-many-checkpoints.onnx"
COMMANDS = [
    ["status"],
    ["log"],
    ["log", "--oneline"],
    ["log", "--graph", "--all"],
    ["log", "--graph", "--oneline", "--all"],
    ["log", "--sort", "metrics.mAP50"],
    ["log", "--columns", "metrics.mAP50,parameters.note,labelmap,number,author,email,subject"],
    ["log", "--values", "-p"],
    ["show"],
    ["diff", "v1", "HEAD"],
    ["compare", "v1", "HEAD", "side"],
    ["check"],
    ["check", "--for", "training"],
    ["du"],
    ["remote"],
    ["alias"],
    ["branch", "-v"],
    ["tag"],
    ["ls"],
    ["reflog"],
    ["models"],
    ["grep", "helmet"],
    ["shortlog"],
    ["gc", "-n"],
    ["fsck"],
    ["switch", "nosuch"],
    ["commit", "--dry-run"],
]


@pytest.fixture
def wide(shell: Shell, history: History) -> Shell:
    """Long and wide names, values, messages, files and addresses; a changed working tree."""
    shell.set(parameters__note="a note of many words " * 6, parameters__schicht="夜間の画像で学習したモデル" * 3)
    shell.write(LONG, b"three")
    shell.ok("add", LONG, "--as", "long")
    shell.commit(
        "夜間 " * 30 + "and a subject that goes on for more than any screen is wide, certainly", "--alias", "production"
    )
    shell.ok("remote", "add", "origin", f"{shell.folder}/{'remote-' * 12}")
    shell.ok("tag", "a-tag-with-a-rather-long-name-2026.2", "-m", "the reason is long, too: " * 4)
    shell.set(metrics__mAP50=0.7, parameters__note="another note of many words " * 4)
    for number in range(5):
        shell.write(f"runs/untracked-{number}-{'x' * 20}.pt", b"0")
    return shell


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Standard output and error are a terminal of that many columns, without colour."""
    monkeypatch.setattr(shells._Stdout, "isatty", lambda _: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((columns, 24)))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("MVC_PAGER", "cat")


def words(text: str) -> Counter[str]:
    return Counter(text.split())


def test_output_fits_and_loses_nothing(wide: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in COMMANDS:
        plain = wide(*arguments)
        for columns in WIDTHS:
            with monkeypatch.context() as patch:
                terminal(patch, columns)
                said = wide(*arguments)
            assert said.code == plain.code
            for line in said.lines:
                is_one_word = len(re.findall(r"(?:`[^`]*`|\S)+", line)) == 1
                assert screen.width(line) <= columns or is_one_word, (arguments, line)
            assert words(said.out) >= words(plain.out), arguments


def test_help_fits(empty: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch, 60)
    for arguments in ([], *([verb] for verb in VERBS)):
        lines = empty.ok(*arguments, "--help").lines
        assert [line for line in lines if len(line) > 60 and len(line.split()) > 1] == [], arguments


def test_a_table_that_is_too_wide_comes_in_blocks(
    wide: Shell, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal(monkeypatch, 60)
    lines = wide.ok("log", "--sort", "metrics.mAP50", "-n", "2", "side").lines
    assert lines == [
        "version     id          metrics.mAP50  date        names",
        f"v2 on side  {history.side[:10]}           0.61  2026-02-05  side",
        f"v1          {history.first[:10]}            0.5  2026-02-04  2026.1",
        "",
        "version     subject",
        "v2 on side  Side work",
        "v1          First baseline",
    ]


@pytest.mark.parametrize(
    ("line", "columns", "rows"),
    [
        ("one two three", 8, ["one two", "    three"]),
        ("  a `mvc push origin` b", 12, ["  a", "      `mvc push origin`", "      b"]),
        ("夜間 夜間 夜間", 9, ["夜間 夜間", "    夜間"]),
        ("a/path/without/an/end", 5, ["a/path/without/an/end"]),
        ("\x1b[31mred\x1b[0m is no width", 14, ["\x1b[31mred\x1b[0m is no", "    width"]),
        (screen.Verbatim("+ one two three"), 8, ["+ one two three"]),
        ("any line", None, ["any line"]),
    ],
)
def test_a_line_is_broken_between_words(line: str, columns: int | None, rows: list[str]) -> None:
    assert list(screen.wrapped(line, columns)) == rows


def test_the_pager_counts_rows_of_the_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((20, 5)))
    page("x" * 50 + "\ny\n", None, {"MVC_PAGER": "false"})
    assert capsys.readouterr().out.startswith("x")
    page("x" * 90 + "\n", None, {"MVC_PAGER": "false"})
    assert capsys.readouterr().out == ""
    page("夜" * 41 + "\n", None, {"MVC_PAGER": "false"})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}], ids=["LC_ALL", "PYTHONIOENCODING"])
def test_an_ascii_locale_gets_ascii(wide: Shell, locale: dict[str, str]) -> None:
    for arguments in (["status"], ["log", "--sort", "metrics.mAP50"], ["show", "nosuch…"], ["--json", "log"]):
        done = subprocess.run(
            [sys.executable, "-m", "mvc", *arguments],
            cwd=wide.folder,
            env=os.environ | locale,
            capture_output=True,
            check=False,
        )
        assert done.stdout.isascii()
        assert done.stderr.isascii()
        assert done.returncode == (2 if "nosuch…" in arguments else 0) or b"nosuch..." in done.stderr
        if arguments == ["status"]:
            assert b"On branch main - model helmets - base v3" in done.stdout
        if arguments == ["--json", "log"]:
            assert wide.ok("--json", "log").json == json.loads(done.stdout)
