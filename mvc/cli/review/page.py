"""A page of Markdown that fits into a comment: tables in sections, the important ones first.

## helmet-detector v6..v7          top: always whole
### Breaking                       an important section takes what it needs
### Metrics …                      the others leave some place to those that follow
<details>Files …                   … 2,981 more; `mvc diff v6 v7` lists them
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from mvc.cli.output import markdown
from mvc.deferred import dataclass
from mvc.plural import count

LIMIT = 65_000
"""Units of UTF-16 of a page, at most: GitHub takes 65,536 characters, GitLab 1,000,000."""
_MANY = 20
"""Rows of a section that is not folded, at most."""
_KEPT = 2_000
"""Units that a section leaves to each one that follows."""


@dataclass(frozen=True, slots=True)
class Section:
    """A title and a table; `folded` and long ones are opened by a click, `important` ones leave no place to others."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()
    folded: bool = False
    important: bool = False

    def frame(self) -> tuple[list[str], list[str]]:
        """Return the lines before and after the rows."""
        head = [*markdown.table(self.head, (), self.right)]
        if self.folded or (len(self.rows) > _MANY and not self.important):
            title = f"{self.title} ({len(self.rows):,})"
            return ["", "<details>", f"<summary>{title}</summary>", "", *head], ["", "</details>"]
        return ["", f"### {self.title}", "", *head], []


class _Drawn(NamedTuple):
    """The lines of a section, and their units in all."""

    before: list[str]
    rows: list[str]
    after: list[str]
    size: int

    @classmethod
    def of(cls, section: Section) -> Self:
        """Draw a section, with all of its rows."""
        (before, after), rows = section.frame(), [markdown.line(row) for row in section.rows]
        return cls(before, rows, after, _size([*before, *rows, *after]))

    def within(self, budget: int, whole: str) -> list[str]:
        """Return the lines with as many rows as the budget has place for, none if for no row."""
        if self.size <= budget:
            return [*self.before, *self.rows, *self.after]
        budget -= _size([*self.before, *self.after, "", _more(len(self.rows), whole)])
        fitting = 0
        while budget >= (size := _size([self.rows[fitting]])):
            budget -= size
            fitting += 1
        more = _more(len(self.rows) - fitting, whole)
        return [*self.before, *self.rows[:fitting], "", more, *self.after] if fitting else []


def page(top: Sequence[str], sections: Sequence[Section], whole: str, limit: int = LIMIT) -> Iterator[str]:
    """Yield the lines of a page of at most `limit` units; `whole` is the command that lists what is left out."""
    shown = [section for section in sections if section.rows]
    drawn = [_Drawn.of(section) for section in shown]
    left = limit - _size([*top, *_left_out(shown, whole)])
    missing: list[Section] = []
    yield from top
    for at, section in enumerate(shown):
        later = 0 if section.important else sum(min(_KEPT, other.size) for other in drawn[at + 1 :])
        lines = drawn[at].within(left - later, whole)
        if not lines:
            missing.append(section)
        left -= _size(lines)
        yield from lines
    yield from _left_out(missing, whole)


def _left_out(sections: Sequence[Section], whole: str) -> list[str]:
    """Return the note about sections that have no row on the page."""
    names = ", ".join(f"{section.title} ({len(section.rows):,})" for section in sections)
    return ["", f"Too long for this page: {names}; {markdown.code(whole)} lists all."] if names else []


def _more(rows: int, whole: str) -> str:
    return f"… {count(rows, 'more row', 'more rows')}; {markdown.code(whole)} lists all."


def _size(lines: Sequence[str]) -> int:
    """Return the units of some lines, with their ends."""
    return sum(markdown.length(line) + 1 for line in lines)
