"""The front-end: its size, and what its scripts do not use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mvc.site import assets

SCRIPTS = sorted((Path(assets.__file__).parent / "page").glob("*.js"))
SCRIPT, STYLE = 40_000, 10_000
"""Bytes that a browser gets, at most."""


def test_it_is_small() -> None:
    front = assets.load()
    assert len(front.app) <= SCRIPT
    assert len(front.style) <= STYLE


def test_every_script_is_part_of_it() -> None:
    index = (SCRIPTS[0].parent / "index.html").read_text(encoding="utf-8")
    assert sorted(re.findall(r'<script src="(.*?)">', index)) == [script.name for script in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_each_comment_has_lines_of_its_own(script: Path) -> None:
    """Lines are joined for browsers: what follows a comment would belong to it."""
    assert re.findall(r"^ *[^ /*].* //.*$", script.read_text(encoding="utf-8"), re.MULTILINE) == []


def test_comments_and_indentation_are_left_out() -> None:
    lines = assets.load().app.decode().splitlines()
    assert [line for line in lines if line != line.lstrip() or line.startswith(("//", "/*", "*"))] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_no_text_can_become_markup_or_code(script: Path) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|\beval\(|\bFunction\(|setTimeout|fetch\("
    assert re.findall(forbidden, script.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_no_address_is_elsewhere(script: Path) -> None:
    """The one exception names the kinds of elements, and loads nothing."""
    assert set(re.findall(r"\w+://[\w.]+", script.read_text(encoding="utf-8"))) <= {"http://www.w3.org"}
