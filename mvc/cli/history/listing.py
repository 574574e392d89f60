"""The options of `mvc branch` that select the branches to list, as one value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from mvc.porcelain.branch import Branch, Selection
from mvc.repository import revisions
from mvc.repository.model import Model

_OPTIONS = (
    click.option("-a", "--all", "every", is_flag=True, help="List the branches of remotes, too."),
    click.option("-r", "--remotes", is_flag=True, help="List only the branches of remotes."),
    click.option("-l", "--list", "matching", is_flag=True, help="List the branches that match a pattern."),
    click.option("--merged", metavar="REV", help="List only branches that are reachable from REV (HEAD)."),
    click.option("--no-merged", metavar="REV", help="List only branches that are not reachable from REV (HEAD)."),
    click.option("--contains", metavar="REV", help="List only branches that reach REV (HEAD)."),
)


@dataclass(frozen=True, slots=True)
class Listing:
    """The values of these options."""

    every: bool
    remotes: bool
    matching: bool
    merged: str | None
    no_merged: str | None
    contains: str | None

    @property
    def is_given(self) -> bool:
        """True if one of the options is given."""
        return self != Listing(False, False, False, None, None, None)

    def selection(self, model: Model, patterns: tuple[str, ...]) -> Selection:
        """Return the branches to list; a word after --merged and the like is a revision, as in Git."""
        given = [self.merged, self.no_merged, self.contains]
        if patterns and not self.matching and given.count("HEAD") == 1 and sum(text is not None for text in given) == 1:
            given = [patterns[0] if text == "HEAD" else text for text in given]
            patterns = patterns[1:]
        merged, unmerged, contains = (revisions.resolve(model, text) if text else None for text in given)
        return Selection(not self.remotes, self.every or self.remotes, patterns, merged, unmerged, contains)

    def name(self, branch: Branch) -> str:
        """Return the name to show: `remotes/origin/main` beside local branches, `origin/main` alone."""
        if branch.remote is None:
            return branch.name
        return f"{'' if self.remotes else 'remotes/'}{branch.remote}/{branch.name}"


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a verb, which gets them as `listed`."""

    @functools.wraps(function)
    def called(*arguments: Any, **given: Any) -> Any:
        mine = {name: given.pop(name) for name in Listing.__slots__}
        return function(*arguments, listed=Listing(**mine), **given)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called
