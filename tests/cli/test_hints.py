"""What to do next: the hints of errors can be run, and no guess by spelling stands for a word of Git's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mvc.cli.app import program
from mvc.cli.app.main import VERBS
from mvc.cli.git import forms
from mvc.cli.git import words as git_words
from tests.cli.conftest import History
from tests.cli.shell import MODEL, Shell

TABLE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "git-table.md"
OPTIONS = [(verb, name) for verb, options in git_words.OPTIONS.items() for names in options for name in names]
SUBVERBS = [(verb, word) for verb, words in git_words.SUBVERBS.items() for word in words]


@pytest.mark.parametrize("verb", git_words.VERBS)
def test_a_verb_of_git_names_what_to_use(empty: Shell, verb: str) -> None:
    said = empty(verb)
    assert (said.code, said.err.splitlines()[0]) == (2, f"mvc: mvc has no {verb}: {git_words.VERBS[verb]}.")
    assert verb not in VERBS


@pytest.mark.parametrize(("verb", "option"), OPTIONS)
def test_an_option_of_git_names_what_to_use(empty: Shell, verb: str, option: str) -> None:
    said = empty(*verb.split(), option)
    assert (said.code, said.err.partition(": ")[2].partition(": ")[0]) == (2, f"mvc {verb} has no {option}"), said
    assert "mean" not in said.err


@pytest.mark.parametrize(("verb", "word"), SUBVERBS)
def test_a_subverb_of_git_names_what_to_use(empty: Shell, verb: str, word: str) -> None:
    said = empty(verb, word, "x")
    assert (said.code, f"mvc {verb} has no {word}: use" in said.err) == (2, True)


def test_the_page_for_users_of_git_lists_them_all() -> None:
    page = " ".join(re.split(r"[\s|]+", TABLE.read_text(encoding="utf-8")))
    for verb, text in git_words.VERBS.items():
        assert f"`git {verb}` {' '.join(text.split())}" in page, verb
    for verb, options in git_words.OPTIONS.items():
        for names, text in options.items():
            assert f"`git {verb} {names[0]}`" in page, (verb, names)
            assert " ".join(text.split()) in page, text


def test_the_page_lists_exactly_the_options_without_an_effect() -> None:
    """One that has an effect today, such as --no-verify, must not stay on the list."""
    table = TABLE.read_text(encoding="utf-8").partition("accepted, without an effect")[2].partition("\nOthers")[0]
    rows = re.findall(r"^\| `git ([a-z-]+)` \| (.*) \|$", table, re.MULTILINE)
    listed = {verb: set(re.findall(r"`([^`]+)`", options)) for verb, options in rows}
    assert listed == {verb: {*forms.accepted(verb)} for verb in forms.ACCEPTED}


def test_every_command_that_is_named_instead_exists() -> None:
    texts = [*git_words.VERBS.values(), *(text for options in git_words.OPTIONS.values() for text in options.values())]
    made = program.make()
    for command in (command for text in texts for command in re.findall(r"`mvc ([^`]*)`", text)):
        words = [word for word in shlex.split(command) if word not in ("-q", "-v", "--json", "COMMAND")]
        assert not words or words[0] in VERBS or words[0].startswith("-"), command
        for option in (word for word in words[1:] if word.startswith("-")):
            found = made.get_command(None, words[0])  # type: ignore[arg-type]  # no context is needed
            assert found is not None
            assert any(option in each.opts for each in found.params), command


def test_to_unset_what_is_not_set_says_so(shell: Shell) -> None:
    said = shell("config", "--unset", "sign.key")
    assert (said.code, said.err) == (1, "sign.key is not set in this repository; nothing was changed\n")
    assert "sign.key is not set in your settings" in shell("config", "--global", "--unset", "sign.key").err


def test_a_misspelling_is_still_guessed(empty: Shell) -> None:
    assert "Did you mean 'commit'?" in empty("comit").err
    assert "Did you mean --amend?" in empty("commit", "--amnd").err
    assert "Did you mean 'remote rename'?" in empty("remote", "renam").err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("push", "origin", "nosuch"), "`mvc branch`, `mvc tag` and `mvc alias`"),
        (("init", "--model", "two words"), f"`mvc models rename {MODEL} 'two words'`"),
        (("alias", "prod", "v1"), "`mvc alias set prod v1`"),
        (("alias", "list"), "use `mvc alias`, which lists them"),
        (("alias", "delete", "prod"), "use `mvc alias rm NAME`"),
        (("restore", "v1", "weights/best.onnx"), "`mvc restore --source v1 weights/best.onnx`"),
        (("restore", "v1"), "`mvc restore --source v1 .`"),
        (("switch", "nosuch"), "`mvc switch -c nosuch`"),
        (("cat", "weights"), "HEAD:weights"),
        (("set", "labelmap.helmet=0"), "`mvc set labelmap.0=helmet`"),
        (("config", "user.nam", "x"), "Did you mean user.name? "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_hint_can_be_run(shell: Shell, history: History, arguments: tuple[str, ...], hint: str) -> None:
    shell.ok("remote", "add", "origin", f"../{shell.folder.name}-origin")
    said = shell(*arguments)
    assert (said.code, hint in said.err) == (2, True), (said, history)
    assert "?." not in said.err


@pytest.mark.usefixtures("history")
def test_a_file_renamed_by_hand_keeps_its_role(shell: Shell) -> None:
    (shell.folder / "weights" / "best.onnx").rename(shell.folder / "weights" / "last one.onnx")
    said = shell.ok("add", "weights/last one.onnx", "--as", "weights")
    assert said.lines == ["Moved weights: weights/best.onnx -> weights/last one.onnx"]
    assert "R " in shell.ok("status").out


@pytest.mark.usefixtures("history")
def test_a_broken_model_toml_names_the_way_back(shell: Shell) -> None:
    (shell.folder / "model.toml").write_text("[model\n", encoding="utf-8")
    assert "`mvc restore model.toml`" in shell("status").err
    shell.ok("restore", "model.toml")
    shell.ok("status")


@pytest.mark.usefixtures("history")
def test_an_amend_that_an_alias_holds_names_the_way_out(shell: Shell) -> None:
    shell.ok("alias", "set", "prod")
    said = shell("commit", "--amend", "-m", "x")
    assert (said.code, "`mvc alias rm NAME`" in said.err) == (13, True)


@pytest.mark.parametrize("git", [False, True])
def test_the_note_on_a_git_switch_is_for_folders_of_git(shell: Shell, history: History, *, git: bool) -> None:
    if git:
        (shell.folder / ".git").mkdir()
    before = (shell.folder / "model.toml").read_bytes()
    shell.ok("reset", "v1")
    assert "git switch" not in shell.ok("status").out, "it was reset"
    shell.ok("reset", "--keep", history.second)
    shell.ok("switch", "--force", "v1")
    (shell.folder / "model.toml").write_bytes(before)
    assert ("git switch" in shell.ok("status").out) is git


@pytest.mark.usefixtures("history")
def test_a_rejected_push_of_several_refs_writes_sentences_and_a_deletion_uploads_nothing(shell: Shell) -> None:
    origin = f"../{shell.folder.name}-origin"
    shell.ok("remote", "add", "origin", origin)
    shell.ok("alias", "set", "prod", "v1")
    shell.ok("push", "--all", "--tags")
    shell.ok("alias", "set", "prod", "v2")
    assert "Would upload 0 versions, 0 B" in shell.ok("push", "--tags", "-n").out
    assert "Uploaded 0 versions, 0 B." in shell.ok("push", "--tags").out
    shell.ok("alias", "set", "prod", "v1")
    shell.ok("push", "--tags")
    shell.ok("clone", origin, "copy")
    shell.ok("-C", "copy", "alias", "set", "prod", "main")
    shell.ok("-C", "copy", "push", "origin", "prod")
    shell.ok("alias", "set", "prod", "side")
    said = shell("push", "origin", "prod", "main")
    assert said.code == 13
    assert re.search(r"by Ana <ana@example\.org>\. Run `mvc fetch`", said.out), said.out
    shell.ok("fetch")
    assert "Uploaded" not in shell.ok("push", "--delete", "origin", "side").out


@pytest.mark.usefixtures("history")
def test_a_switch_to_the_current_branch_says_so(shell: Shell) -> None:
    assert shell.ok("switch", "main").out.startswith("Already on branch main, v2 ")
    assert shell.ok("switch", "side").out.startswith("Switched to branch side, v2 ")
