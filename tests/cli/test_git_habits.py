"""Git in the fingers: every habitual command line works as in Git, or says in one line what to do in mvc instead."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mvc.cli.git import words
from tests.cli.shell import Shell, begin
from tests.crash.harness import memory_folder

DATA = Path(__file__).parent / "data"


def _lines(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


LINES = _lines("git_habits.txt")
MORE = _lines("git_habits_more.txt")
READING = (
    "log",
    "diff",
    "show",
    "status",
    "ls",
    "rev-",
    "describe",
    "blame",
    "grep",
    "shortlog",
    "reflog",
    "help",
    "merge-base",
)
"""The beginnings of lines that change nothing, so that the folder need not be copied for them."""
HINTS = 35
"""The most lines that may only say what to do instead."""
FILLED = {
    "REV": "main~1", "NAME": "new", "ROLE": "model-latest", "FILE": "weights/best.onnx", "PATH": "notes.txt",
    "DIR": "../out", "DIRECTORY": "../out", "FOLDER": "../folder", "MESSAGE": "text", "WHY": "text", "BRANCH": "dev",
    "COMMAND": "log", "TEXT": "text", "URL": "../remote", "PATTERN": "First", "NEW-PATH": "weights/best.onnx", "FIELD": "metrics.mAP50",
    "REMOTE/BRANCH": "origin/main", "files.ROLE=NEW-PATH": "files.model-latest=weights/best.onnx",
}  # fmt: skip
"""The words that stand in hints for a user's own."""


@dataclass(frozen=True)
class World:
    """A folder with a repository, made once, and copied for each line."""

    shell: Shell
    made: Path
    here: Path
    used: list[bool] = field(default_factory=list)
    """Not empty while the folder is as it was made."""

    def fresh(self, line: str = "") -> Shell:
        if line.startswith(READING) and self.used:
            return self.shell
        self.used.clear()
        if line.startswith(READING):
            self.used.append(True)
        shutil.rmtree(self.here, ignore_errors=True)
        shutil.copytree(self.made, self.here)
        return self.shell


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """v1 ─ v2 ─ v3 (main, tag rel1), v2 ─ v3' (dev), a remote with both, a changed value and an untracked file."""
    with memory_folder(tmp_path_factory.mktemp("habits")) as top, pytest.MonkeyPatch.context() as patch:
        yield _made(top, patch)


def _made(top: Path, patch: pytest.MonkeyPatch) -> World:
    (top / "here" / "repo").mkdir(parents=True)
    patch.setenv("XDG_CONFIG_HOME", str(top / "here" / "settings"))
    shell = begin(top / "here" / "repo", patch)
    shell.write("weights/best.onnx", b"one" * 4_000)
    shell.ok("add", "weights/best.onnx", "--as", "model-latest")
    shell.set(labelmap__0="car", metrics__mAP50=0.5)
    shell.commit("First baseline")
    shell.write("weights/best.onnx", b"two" * 4_000)
    shell.commit("Second")
    shell.ok("switch", "-c", "dev")
    shell.set(labelmap__1="bus")
    shell.commit("Dev work")
    shell.ok("switch", "main")
    shell.set(parameters__epochs=100)
    shell.commit("Third")
    shell.ok("tag", "rel1")
    shell.ok("remote", "add", "origin", "../remote")
    shell.ok("push", "-u", "--all")
    shell.write("notes.txt", b"notes")
    shutil.copytree(top / "here", top / "made")
    return World(shell, top / "made", top / "here")


@pytest.mark.parametrize(("how", "line"), [*LINES, *MORE], ids=[line for _, line in (*LINES, *MORE)])
def test_a_habit_works_or_is_answered(world: World, how: str, line: str) -> None:
    shell = world.fresh(line)
    if line in ("switch -", "checkout -"):
        shell.ok("switch", "dev")
    if line == "stash pop":
        shell.set(metrics__mAP50=0.8)
        shell.ok("stash")
    if line.startswith("commit") and "--amend" not in line:
        shell.set(metrics__mAP50=0.8)
    said = shell(*shlex.split(line))
    assert "o such option" not in said.err
    assert "mean" not in said.err
    assert said.code == (2 if how == "hint" else int(how[1:])), said
    if how == "hint":
        answer = said.err.partition("\n  Run `mvc ")[0]  # the hint at --help, which each usage error has
        assert re.search(r"`mvc [^`]+`", answer), said.err


def test_few_lines_are_only_answered() -> None:
    assert len(LINES) == 201
    assert len(MORE) >= 200
    assert [how for how, _ in LINES].count("hint") <= HINTS


def _texts() -> list[str]:
    texts = list(words.VERBS.values())
    texts += [text for table in words.SUBVERBS.values() for text in table.values()]
    return [*texts, *(text for options in words.OPTIONS.values() for text in options.values())]


@pytest.mark.parametrize("text", sorted({text for text in _texts() if "`mvc " in text}))
def test_the_commands_of_a_hint_run_as_printed(world: World, text: str) -> None:
    shell = world.fresh()
    shell.set(metrics__mAP50=0.8)
    for command in re.findall(r"`mvc ([^`]*)`", text):
        arguments = [FILLED.get(word, word) for word in shlex.split(command)]
        if arguments[0] in ("merge", "pull", "push", "reset", "switch") or "--amend" in arguments:
            shell("commit", "-m", "before")
        if arguments[0] == "bisect":
            shell("bisect", "start", "HEAD", "HEAD~2")
        if arguments[0] == "stash" and arguments[1:] in (["apply"], ["pop"]):
            shell("stash")
        if arguments[:2] == ["alias", "rm"]:
            shell("alias", "set", *arguments[2:])
        shutil.rmtree(world.here / "out", ignore_errors=True)
        said = shell(*arguments)
        assert said.code in (0, 1) or arguments[1:] == ["--abort"], (command, said)
