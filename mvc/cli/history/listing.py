"""The options of `mvc branch` that select the branches to list, as one value."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from mvc.deferred import dataclass
from mvc.porcelain.branch import Branch, Selection
from mvc.porcelain.tag import Tag
from mvc.repository import revisions
from mvc.repository.model import Model

Ref = TypeVar("Ref", Branch, Tag)

_TIMES = ("committerdate", "creatordate", "authordate", "taggerdate")
_NAMES = ("refname", "version:refname", "v:refname")


class Order(click.ParamType):  # type: ignore[type-arg]  # not subscriptable when run
    """An order of refs as in Git: `-committerdate`, `v:refname`."""

    name = "key"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the order; fail for one that mvc does not know."""
        text = str(value)
        if text.removeprefix("-") not in (*_TIMES, *_NAMES):
            self.fail(f"{text}: expected one of {', '.join((*_TIMES, *_NAMES))}, or - and one of them", param, ctx)
        return text


def ordered(refs: Sequence[Ref], order: str | None, time: Callable[[Ref], int]) -> list[Ref]:
    """Return the refs in an order, of Git's names of keys; `time` is the time of one."""
    if order is None:
        return list(refs)
    key = order.removeprefix("-")
    return sorted(
        refs,
        key=lambda ref: time(ref) if key in _TIMES else _parts(ref.name) if key != "refname" else ref.name,
        reverse=order.startswith("-"),
    )


def _parts(name: str) -> list[tuple[int, int, str]]:
    """Return a name with its numbers as such: v1.10 is after v1.9."""
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", name)]


_OPTIONS = (
    click.option("-a", "--all", "every", is_flag=True, help="List the branches of remotes, too."),
    click.option("-r", "--remotes", is_flag=True, help="List only the branches of remotes."),
    click.option("-l", "--list", "matching", is_flag=True, help="List the branches that match a pattern."),
    click.option("--merged", metavar="REV", help="List only branches that are reachable from REV (HEAD)."),
    click.option("--no-merged", metavar="REV", help="List only branches that are not reachable from REV (HEAD)."),
    click.option("--contains", metavar="REV", help="List only branches that reach REV (HEAD)."),
    click.option("--points-at", metavar="REV", help="List only branches that are at REV."),
    click.option("--sort", "order", type=Order(), metavar="KEY", help="Sort by KEY, such as -committerdate."),
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
    points_at: str | None
    order: str | None

    @property
    def is_given(self) -> bool:
        """True if one of the options is given."""
        return self != Listing(False, False, False, None, None, None, None, None)

    def selection(self, model: Model, patterns: tuple[str, ...]) -> Selection:
        """Return the branches to list; a word after --merged and the like is a revision, as in Git."""
        given = [self.merged, self.no_merged, self.contains]
        if patterns and not self.matching and given.count("HEAD") == 1 and sum(text is not None for text in given) == 1:
            given = [patterns[0] if text == "HEAD" else text for text in given]
            patterns = patterns[1:]
        merged, unmerged, contains = (revisions.resolve(model, text) if text else None for text in given)
        return Selection(not self.remotes, self.every or self.remotes, patterns, merged, unmerged, contains)

    def sorted(self, model: Model, branches: Sequence[Branch]) -> tuple[Branch, ...]:
        """Return the branches that are at a version, if that is asked for, in order."""
        at = revisions.resolve(model, self.points_at) if self.points_at is not None else None
        objects = model.repository.objects
        chosen = [branch for branch in branches if at is None or branch.id == at]
        return tuple(
            ordered(chosen, self.order, lambda branch: objects.version(branch.id).time.seconds if branch.id else 0)
        )

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
