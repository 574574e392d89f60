"""Whole pages in Markdown: a difference, a changelog, a report for CI."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from mvc.cli.app.terminal import date, short
from mvc.cli.history import numbers
from mvc.cli.output.markdown import text
from mvc.cli.review import sections
from mvc.cli.review.page import Section, page
from mvc.display import changed
from mvc.porcelain.changelog import Changelog, ChangelogVersion
from mvc.porcelain.diff import Diff
from mvc.repository.model import Model

_MANY = 20
"""Versions from which on their list is folded."""


def difference(model: Model, diff: Diff) -> Iterator[str]:
    """Yield the page of a difference."""
    return _page(model, diff, (), ())


def changelog(model: Model, log: Changelog) -> Iterator[str]:
    """Yield the page of a changelog."""
    return _page(model, log.diff, (), [versions(log.versions)])


def _page(model: Model, diff: Diff, top: Sequence[str], last: Sequence[Section]) -> Iterator[str]:
    old, new = numbers.of_sides(model, diff)
    head = [*top, f"## {text(diff.model)} {text(old)}..{text(new)}", "", text(changed(diff.difference))]
    changes = sections.of(diff.difference, old, new, diff.tensors or ())
    return page(head, [*changes, *last], whole(diff))


def whole(diff: Diff) -> str:
    """Return the command that prints a difference in full."""
    sides = [short(side) for side in (diff.old, diff.new) if side is not None]
    return shlex.join(["mvc", "--model", diff.model, "diff", *sides])


def versions(listed: Sequence[ChangelogVersion]) -> Section:
    """Return the section of versions: what, who, when, and the tags and aliases that are there."""
    rows = tuple(map(_version, listed))
    return Section("Versions", ("version", "date", "author", "names", "message"), rows, folded=len(rows) > _MANY)


def _version(entry: ChangelogVersion) -> tuple[str, ...]:
    version = entry.version
    names = ", ".join(name for kind, name in entry.names if kind in ("tag", "alias"))
    return (
        f"v{version.number} {short(entry.id)}",
        date(version.time),
        sections.cut(version.author.name),
        names,
        sections.cut(version.subject),
    )
