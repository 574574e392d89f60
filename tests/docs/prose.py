"""The written pages of the documentation: what a reader may follow, type, and read without scrolling sideways."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests import language
from tests.docs.pages import DOCS, WIDTH, paragraphs

TOP = DOCS.parent
DOORS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "tests/README.md")
"""Pages that are not below docs/."""

SHORTEST = 20
"""Columns of a line that a paragraph goes on after, at least."""

_FENCE = re.compile(r"^ *(```+)(\w*)[^\n]*\n(.*?)^ *\1$\n?", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^    (?! *(?:[-*]|\d+\.) )[^\n]*$", re.MULTILINE)
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*?)$", re.MULTILINE)


def pages() -> list[Path]:
    """Every page that people write; fragments of the changelog are none."""
    found = [path for path in sorted(DOCS.rglob("*.md")) if DOCS / "changes" not in path.parents]
    return [*found, *(TOP / door for door in DOORS)]


def without_fences(text: str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("\n", text)


def long_lines(text: str) -> list[str]:
    """The lines of prose over `WIDTH` columns that could be broken before it: no code, no row of a table."""
    prose = [line for line in without_fences(text).splitlines() if not line.startswith(("|", "    ", "<!--"))]
    return [line for line in prose if len(line) > WIDTH and _has_place_to_break(line)]


def fragments(text: str) -> list[str]:
    """The lines of a word or two inside a paragraph, as a tool leaves them that breaks each line on its own."""
    inner = [line for is_prose, lines in paragraphs(text) if is_prose for line in lines[:-1]]
    return [line for line in inner if len(line) < SHORTEST]


def _has_place_to_break(line: str) -> bool:
    unbroken = _CODE.sub(lambda match: "x" * len(match[0]), line.strip())
    return " " in re.sub(r"^(?:[-*]|\d+\.) +", "", unbroken)[:WIDTH]


def broken_links(path: Path) -> Iterator[str]:
    """The relative links of a page that lead to no file, or to no heading of it."""
    for target in _LINK.findall(_CODE.sub("", without_fences(path.read_text(encoding="utf-8")))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        file = Path(os.path.normpath(path.parent / name)) if name else path
        if not file.exists() or (heading and heading not in _anchors(file)):
            yield target


def _anchors(path: Path) -> set[str]:
    headings = _HEADING.findall(without_fences(path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w -]", "", re.sub(r"[`*]", "", each)).strip().lower().replace(" ", "-") for each in headings}


def private_words(text: str) -> list[str]:
    """The words that a page has in a sense of its own; names between backticks are those of the program."""
    plain = re.sub(r"<!--.*?-->", "", _CODE.sub("`x`", _INDENTED.sub("", without_fences(text))), flags=re.DOTALL)
    return [fault for part in re.split(r"\n\n|\n(?=\|)", plain) for fault in language.private(part)]


def missing_files(text: str) -> list[str]:
    """The files of mvc and its tests that a page names and that do not exist; words in capitals stand for any name."""
    named = re.findall(r"`((?:mvc|tests)/[\w/.-]*?)/?`", text)
    return [name for name in named if not re.search("[A-Z]", name) and not _is_source(name)]


def _is_source(name: str) -> bool:
    return (TOP / name).exists() or (TOP / f"{name}.py").exists()


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command `mvc ...` that a page shows, in blocks and between backticks; comments are cut off."""
    blocks = [body for _, language, body in _FENCE.findall(text) if language in ("", "sh", "yaml", "console")]
    rest = without_fences(text)
    blocks += ["\n".join(_INDENTED.findall(rest)), *(code for _, code in _CODE.findall(_INDENTED.sub("", rest)))]
    for line in "\n".join(block.replace("\\\n", " ") for block in blocks).splitlines():
        for match in re.finditer(r"(?:^|[;&|!(]|\$ |run: |then|do|-- ) *(?:[A-Z_]+=\S+ +)*(mvc(?: [^;&|)]*)?)", line):
            yield _words(match[1])


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command, comments=True)
    except ValueError:
        return command.split()
