"""Verbs of Git that mvc has under another name, and those that search and name versions."""

from __future__ import annotations

import pytest

from mvc.cli.git import forms, verbs, words
from tests.cli.conftest import History
from tests.cli.shell import Shell
from tests.cli.test_hints import TABLE


@pytest.fixture(autouse=True)
def _made(history: History) -> None:
    assert history.first


@pytest.mark.parametrize(
    ("git", "own"),
    [
        (("ls-files",), ("ls",)),
        (("ls-tree", "-r", "side"), ("ls", "side")),
        (("rev-list", "--count", "side"), ("log", "--count", "side")),
        (("whatchanged", "-1"), ("log", "--name-status", "-n1")),
        (("symbolic-ref", "--short", "HEAD"), ("branch", "--show-current")),
        (("cat-file", "-p", "2026.1"), ("show", "2026.1")),
        (("help", "commit"), ("commit", "--help")),
        (("help",), ("--help",)),
        (("-v",), ("--version",)),
    ],
)
def test_a_verb_runs_its_command(shell: Shell, git: tuple[str, ...], own: tuple[str, ...]) -> None:
    said = shell.ok(*git)
    assert said.out == shell.ok(*own).out
    assert (git[0] in said.err) is (git[0] not in ("help", "-v"))
    assert shell.ok("--json", "ls-files").err == ""


def test_refs_and_remotes_by_the_words_of_git(shell: Shell, history: History) -> None:
    shell.ok("update-ref", "refs/heads/new", "2026.1")
    assert shell.ok("rev-parse", "new").out == f"{history.first}\n"
    shell.ok("remote", "add", "origin", f"../{shell.folder.name}-origin")
    shell.ok("push", "--all")
    shell.ok("remote", "prune", "origin")
    shell.ok("remote", "remove", "origin")
    assert shell.ok("remote").out == ""


def test_rev_parse_prints_ids(shell: Shell, history: History) -> None:
    assert shell.ok("rev-parse", "HEAD", "side").lines == [history.second, history.side]
    assert shell.ok("rev-parse", "--short", "HEAD~1").lines == [history.first[:10]]
    assert shell.ok("rev-parse", "--abbrev-ref", "HEAD").lines == ["main"]
    assert shell.ok("-C", "weights", "rev-parse", "--show-toplevel").lines == [str(shell.folder)]
    assert shell.ok("merge-base", "main", "side").lines == [history.first]
    assert shell("rev-parse").code == shell("rev-parse", "--verify", "HEAD", "side").code == 2


def test_grep_finds_values_classes_roles_and_paths(shell: Shell) -> None:
    assert shell.ok("grep", "helmet").lines[-1] == "labelmap.1 = helmet"
    assert shell.ok("grep", "0.61", "side").lines == ["metrics.mAP50 = 0.61"]
    assert shell.ok("grep", "-i", "BEST").lines == ["files.weights = weights/best.onnx"]
    assert shell("grep", "nothing").code == 1
    assert shell("grep", "(").code == 2


def test_shortlog_counts_versions(shell: Shell) -> None:
    assert shell.ok("shortlog", "-sn").lines == ["     2\tAna"]
    assert shell.ok("shortlog", "-e").lines[0] == "Ana <ana@example.org> (2):"


def test_clean_lists_and_deletes_nothing(shell: Shell) -> None:
    shell.write("more.onnx", b"x" * 100)
    assert shell.ok("clean", "-nd").lines == ["Untracked more.onnx"]
    assert (shell("clean", "-fd").code, (shell.folder / "more.onnx").exists()) == (2, True)


def test_the_page_lists_what_runs_and_what_is_accepted() -> None:
    page = TABLE.read_text(encoding="utf-8")
    assert [name for name in verbs.NAMES if f"| `git {name}" not in page] == []
    assert [verb for verb in forms.ACCEPTED if f"| `git {verb}` | `-" not in page] == []
    assert set(words.VERBS) & set(verbs.NAMES) == {"update-ref"}, "for refs that are neither branch nor tag"
