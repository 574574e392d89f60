"""The options of `mvc log` that select versions, as one value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from mvc import lazy
from mvc.deferred import dataclass
from mvc.model.version import Timestamp
from mvc.porcelain.log import Filter

if TYPE_CHECKING:
    from mvc.model import moments
else:
    moments = lazy.Module("mvc.model.moments")

_OPTIONS = (
    click.option("--author", metavar="PATTERN", help="Show only versions whose author matches."),
    click.option("--grep", metavar="PATTERN", help="Show only versions whose message or notes match."),
    click.option("--since", "--after", "since", metavar="DATE", help="Show only versions made at DATE or later."),
    click.option("--until", "--before", "until", metavar="DATE", help="Show only versions made at DATE or earlier."),
    click.option("--merges", is_flag=True, help="Show only merges."),
    click.option("--no-merges", is_flag=True, help="Show no merges."),
    click.option("-S", "text", metavar="TEXT", help="Show only versions that add or remove TEXT."),
    click.option("--follow", is_flag=True, help="Follow a file across its renames."),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The values of these options."""

    author: str | None
    grep: str | None
    since: str | None
    until: str | None
    merges: bool
    no_merges: bool
    text: str | None
    follow: bool

    def filter(self, now: Timestamp, paths: tuple[str, ...]) -> Filter:
        """Return the filter; raises UsageError, BadDate."""
        if self.merges and self.no_merges:
            raise click.UsageError("use only one of --merges and --no-merges")
        if self.follow and not paths:
            raise click.UsageError("--follow needs a file, as in `mvc log --follow -- PATH`")
        since, until = (moments.moment(text, now) if text is not None else None for text in (self.since, self.until))
        merges = True if self.merges else False if self.no_merges else None
        return Filter(self.author, self.grep, since, until, merges, paths, follow=self.follow, text=self.text)


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a verb, which gets them as `chosen`."""

    @functools.wraps(function)
    def called(*arguments: Any, **given: Any) -> Any:
        mine = {name: given.pop(name) for name in Chosen.__slots__}
        return function(*arguments, chosen=Chosen(**mine), **given)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called
