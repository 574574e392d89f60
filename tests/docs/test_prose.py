"""Every page wraps, its links resolve, and the commands that it shows exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from mvc.cli.app import program
from tests.docs import pages, prose


def _name(path: Path) -> str:
    return str(path.relative_to(prose.TOP))


PAGES = pytest.mark.parametrize("path", prose.pages(), ids=_name)
FROM_CODE = {"commands.md", "exit-codes.md", "fsck.md", "python-api.md", "settings.md"}
READERS = [path for path in prose.pages() if path.name not in FROM_CODE and path.parent.name != "decisions"]
"""Pages for users and contributors; what is made from the code is held to the words there."""


@PAGES
def test_prose_wraps_at_100_columns(path: Path) -> None:
    assert prose.long_lines(path.read_text(encoding="utf-8")) == []


@PAGES
def test_paragraphs_are_filled(path: Path) -> None:
    assert prose.fragments(path.read_text(encoding="utf-8")) == []


@PAGES
def test_links_resolve(path: Path) -> None:
    assert [*prose.broken_links(path)] == []


@PAGES
def test_commands_exist(path: Path) -> None:
    shown = [*prose.commands(path.read_text(encoding="utf-8"))]
    assert [fault for words in shown if (fault := _fault(words))] == []


@pytest.mark.parametrize("path", READERS, ids=_name)
def test_words_have_the_sense_of_the_field(path: Path) -> None:
    assert prose.private_words(path.read_text(encoding="utf-8")) == []


@PAGES
def test_sources_exist(path: Path) -> None:
    assert prose.missing_files(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("role", r"a role, its purpose"), ("Picsellia", r"Picsellia is a"), ("readiness", r"readiness\]\S+ \(")],
)
def test_the_readme_explains_a_word_of_its_own_at_its_first_use(word: str, meaning: str) -> None:
    text = (prose.TOP / "README.md").read_text(encoding="utf-8")
    first, explained = re.search(rf"\b{word}\b", text), re.search(meaning, text)
    assert first
    assert explained
    assert explained.start() <= first.start() < explained.end()


def test_a_wrong_command_is_found() -> None:
    page = "`mvc log --onlin`, `mvc commit -m x`\n\n    mvc stats\n\n```sh\ncd x && mvc drift --to y | head\n```\n"
    assert [_fault(words) for words in prose.commands(page)] == [
        "mvc drift --to: no such option", "mvc stats: no such verb", "mvc log --onlin: no such option", "",
    ]  # fmt: skip


def test_a_lost_source_is_found() -> None:
    assert prose.missing_files("`mvc/errors`, `mvc/model/ids.py`, `mvc/cli/VERB.py`, `mvc/old.py`") == ["mvc/old.py"]


def test_a_long_line_and_a_lost_link_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{'word ' * 21}\n\n`{'code ' * 21}`\n\n# A `b`: c\n\n[x](#a-b-c) [y](#d) [z](other.md)\n")
    assert len(prose.long_lines(page.read_text())) == 1
    assert [*prose.broken_links(page)] == ["#d", "other.md"]


def test_a_long_line_is_wrapped_with_its_paragraph() -> None:
    long = f"- {'word ' * 20}end\n  of it\n- next\n\n```\n{'code ' * 21}\n```\n"
    wrapped = pages.wrapped(long)
    assert wrapped.splitlines()[1:3] == ["  word end of it", "- next"]
    assert "code " * 21 in wrapped
    assert prose.fragments("word word word word word\nor a\nversion.\n") == ["or a"]


def _fault(words: list[str]) -> str:
    """Why the program would not know a command; "" when it does. Words in capitals and dots are filled in by readers."""
    command: click.Command = program.make()
    names = ["-h", "--help"]  # a command keeps its help option, made for the first context
    context = click.Context(command, info_name="mvc", help_option_names=names)
    seen = ["mvc"]
    rest = words[1:]
    while rest:
        word = rest.pop(0)
        if word == "--":
            return ""
        if word.startswith("-") and len(word) > 1:
            option = _option(command, word, context)
            if option is None:
                return f"{' '.join([*seen, word.partition('=')[0]])}: no such option"
            if not option.is_flag and option.nargs == 1 and "=" not in word and word in option.opts and rest:
                rest.pop(0)
        elif isinstance(command, click.Group) and not word.isupper() and word.isidentifier() | ("-" in word):
            found = command.get_command(context, word)
            if found is None:
                return f"{' '.join([*seen, word])}: no such verb" if len(seen) == 1 else ""
            command, seen = found, [*seen, word]
            context = click.Context(command, parent=context, info_name=word, help_option_names=names)
    return ""


def _option(command: click.Command, word: str, context: click.Context) -> click.Option | None:
    name = word.partition("=")[0]
    for each in command.get_params(context):
        if isinstance(each, click.Option):
            names = {*each.opts, *each.secondary_opts, *(f"{name}" for name in context.help_option_names)}
            if name in names or (not name.startswith("--") and name[:2] in names):
                return each
    return None
