"""docs/reference/commands.md has every verb, as the program itself tells it."""

from __future__ import annotations

from mvc.cli.app.main import VERBS
from tests.docs import pages


def test_the_page_is_what_the_program_says() -> None:
    pages.check("commands.md", pages.commands())


def test_every_verb_has_its_heading() -> None:
    page = pages.commands()
    assert [verb for verb in VERBS if f"\n### mvc {verb}\n" not in page] == []
    assert "\n#### mvc alias rollback\n" in page
