r"""Markdown that shows any text as it is, on GitHub, GitLab and elsewhere.

    text   @team <b> a|b #1      @&#8203;team &lt;b&gt; a&#124;b \#&#8203;1

Markup is escaped. An invisible space parts what a host would make a link of: `@team` pings nobody, `#1` links to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from mvc.cli.app.terminal import escape
from mvc.deferred import regex

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "@"}
_PARTED = "&#8203;"
_SPECIAL = regex(
    r"(?P<link>://|www(?=\.)|GH-(?=[0-9])|@|[#!~%$&](?=\S))|(?P<mark>[\\`*\[\]#!~$<>&|]|(?<![^\W_])_|_(?![^\W_]))",
    re.IGNORECASE,
)
"""Beginnings of links (to people, teams, issues, snippets, addresses), and characters of markup: no `_` inside of a word."""


class Written(str):
    """A text that is Markdown already."""

    __slots__ = ()


def text(value: str) -> str:
    """Return `value` as Markdown of one line; a `Written` stays as it is."""
    return value if isinstance(value, Written) else _SPECIAL.sub(_shown, escape(value))


def _shown(match: re.Match[str]) -> str:
    part = match[0]
    if part == "://":
        return f":{_PARTED}//"
    shown = part if len(part) > 1 or part == "%" else _ENTITIES.get(part, f"\\{part}")
    return f"{shown}{_PARTED}" if match["link"] else shown


def code(value: str) -> str:
    """Return a command of mvc, in the font of code."""
    return text(value) if "`" in value or "|" in value else f"`{value}`"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> Iterator[str]:
    """Yield the lines of a table; the columns in `right` are right-aligned."""
    yield line(head)
    yield line([Written("---:" if at in right else "---") for at in range(len(head))])
    yield from map(line, rows)


def line(cells: Sequence[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(map(text, cells))} |"


def length(value: str) -> int:
    """Return the length of a text in UTF-16 units, the most that any host counts for it."""
    return len(value) + sum(letter > "\uffff" for letter in value)
