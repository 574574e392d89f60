"""mvc speaks Git's language: no private senses of words, no banned openings, help in Git's register."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from mvc.cli.app import program
from mvc.cli.app.main import VERBS
from tests import language

SOURCES = sorted(path for folder in language.CHECKED for path in (language.TOP / folder).rglob("*.py"))
WIDTH = 70
"""Characters of the first line of help."""


def _sources() -> Iterator[tuple[str, str, str]]:
    for path in SOURCES:
        place = path.relative_to(language.TOP)
        yield place.as_posix(), path.read_text(encoding="utf-8"), language.CHECKED[place.parts[0]]


def test_no_text_has_a_word_in_a_private_sense() -> None:
    faults = [
        f"{place}:{line}: {fault}"
        for place, source, _ in _sources()
        for line, text in language.texts(source)
        for fault in language.private(text)
    ]
    assert faults == []


def test_no_docstring_or_help_begins_with_a_banned_word() -> None:
    faults = [
        f"{place}:{line}: {text}"
        for place, source, _ in _sources()
        for line, text in language.openings(source)
        if text.partition(" ")[0] in language.OPENINGS
    ]
    assert faults == []


def test_names_are_nouns_of_the_domain() -> None:
    faults = [
        f"{place}:{line}: {name}"
        for place, source, kind in _sources()
        if kind == "all"
        for line, name in language.names(source)
        if name.strip("_") in language.NAMES
    ]
    assert faults == []


def _commands(above: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if path:
        yield path, above
    if isinstance(above, click.Group):
        context = click.Context(above)
        for name in above.list_commands(context):
            command = above.get_command(context, name)
            assert command is not None
            yield from _commands(command, (*path, name))


COMMANDS = dict(_commands(program.make()))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_begins_with_one_short_imperative_sentence(path: tuple[str, ...]) -> None:
    first = (COMMANDS[path].help or "").partition("\n")[0]
    assert len(first) <= WIDTH, first
    assert re.fullmatch(r"[A-Z][a-z]+,? ([^.:;]|\.(?=[a-z])|\(default: HEAD\))*\.", first), first
    assert first.partition(" ")[0] not in {"A", "An", "The", "One", "Every", "Each", "All", "This"}
    if len(path) == 1:
        assert f"{VERBS[path[0]][1]}." == first


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_has_one_sentence_of_help(path: tuple[str, ...]) -> None:
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            assert re.fullmatch(r"[A-Z].*[^.]\.", parameter.help or ""), parameter.opts


@pytest.mark.parametrize("text", ["A merge is under way.", "The tag stands for v1.", "whoever pushed", "it is no rate"])
def test_the_table_finds_private_senses(text: str) -> None:
    assert language.private(text) != []


def test_the_table_leaves_plain_words_alone() -> None:
    assert language.private("The branch is reachable from {told}.") == []
