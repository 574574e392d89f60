"""The parts of a diff that `mvc log`, `show` and `diff` print: all, a summary (--stat), or files (--name-only)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mvc import lazy
from mvc.cli.app.terminal import escape
from mvc.model.compare.diff import VersionDiff

if TYPE_CHECKING:
    from mvc.cli.app import render
    from mvc.model.compare import narrow
else:
    render = lazy.Module("mvc.cli.app.render")
    narrow = lazy.Module("mvc.model.compare.narrow")

_OPTIONS = (
    click.option("--stat", is_flag=True, help="Show only a summary of the changes."),
    click.option("--name-only", is_flag=True, help="Show only the names of the changed files."),
    click.option("--name-status", is_flag=True, help="Show only the changed files and their status."),
)


@dataclass(frozen=True, slots=True)
class ChangesStyle:
    """The values of these options."""

    stat: bool = False
    name_only: bool = False
    name_status: bool = False

    @property
    def is_full(self) -> bool:
        """True if all changes are shown."""
        return not (self.stat or self.name_only or self.name_status)

    @property
    def is_names(self) -> bool:
        """True if only files are named."""
        return self.name_only or self.name_status

    def lines(self, difference: VersionDiff, total: int | None = None) -> Iterator[str]:
        """Yield the changes; `total` is the size of all files of the new side, in bytes."""
        if self.is_names:
            yield from names(difference, status=self.name_status)
        elif self.stat:
            yield render.summary(difference, total)
        else:
            yield from render.difference(difference)


def names(difference: VersionDiff, *, status: bool) -> Iterator[str]:
    """Yield the changed files, with `status` also the kinds of change; model.toml is labelmap and values."""
    for kind, *paths in narrow.changed_names(difference):
        yield "\t".join([kind, *map(escape, paths)]) if status else escape(paths[-1])


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a verb, which gets them as `changes_style`."""

    @functools.wraps(function)
    def called(*arguments: Any, **given: Any) -> Any:
        mine = {name: given.pop(name) for name in ChangesStyle.__slots__}
        if sum(mine.values()) > 1:
            raise click.UsageError("use only one of --stat, --name-only and --name-status")
        return function(*arguments, changes_style=ChangesStyle(**mine), **given)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called
