"""The parts of a diff that `mvc log`, `show` and `diff` print: all, a summary (--stat), or files (--name-only)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from mvc import lazy
from mvc.cli.app.terminal import escape, style
from mvc.cli.output.screen import Verbatim
from mvc.deferred import dataclass
from mvc.model.compare.diff import VersionDiff

if TYPE_CHECKING:
    from mvc.cli.app import render
    from mvc.model.compare import narrow, text
    from mvc.model.compare.environment_record import EnvironmentChange
    from mvc.model.compare.text import TextDiff
else:
    render = lazy.Module("mvc.cli.app.render")
    narrow = lazy.Module("mvc.model.compare.narrow")
    text = lazy.Module("mvc.model.compare.text")

_SIGNS = {"+": "green", "-": "red", "@": "cyan"}
_OPTIONS = (
    click.option("--stat", is_flag=True, help="Show only a summary of the changes."),
    click.option("--name-only", is_flag=True, help="Show only the names of the changed files."),
    click.option("--name-status", is_flag=True, help="Show only the changed files and their status."),
    click.option(
        "-U",
        "--unified",
        type=click.IntRange(min=0),
        metavar="N",
        help="Show N lines around each change of a small text file (3).",
    ),
    click.option("--no-text", is_flag=True, help="Do not compare small text files by line."),
)

APART = tuple(("--unified", option) for option in ("--stat", "--name-only", "--name-status", "--no-text"))
"""Options that leave others of these without an effect."""


@dataclass(frozen=True, slots=True)
class ChangesStyle:
    """The values of these options."""

    stat: bool = False
    name_only: bool = False
    name_status: bool = False
    unified: int | None = None
    no_text: bool = False

    @property
    def context(self) -> int | None:
        """The lines around a change of a text file; None if text files are not compared."""
        if self.no_text or not self.is_full:
            return None
        return text.CONTEXT if self.unified is None else self.unified

    @property
    def is_full(self) -> bool:
        """True if all changes are shown."""
        return not (self.stat or self.name_only or self.name_status)

    @property
    def is_names(self) -> bool:
        """True if only files are named."""
        return self.name_only or self.name_status

    def lines(self, difference: VersionDiff, total: int | None = None, texts: Sequence[TextDiff] = ()) -> Iterator[str]:
        """Yield the changes; `total` is the size of all files of the new side, in bytes, `texts` the changed lines."""
        if self.is_names:
            yield from names(difference, status=self.name_status)
        elif self.stat:
            yield render.summary(difference, total)
        else:
            yield from render.difference(difference)
            yield from text_lines(texts)


def names(difference: VersionDiff, *, status: bool) -> Iterator[str]:
    """Yield the changed files, with `status` also the kinds of change; model.toml is labelmap and values."""
    for kind, *paths in narrow.changed_names(difference):
        yield "\t".join([kind, *map(escape, paths)]) if status else escape(paths[-1])


def text_lines(texts: Sequence[TextDiff]) -> Iterator[str]:
    """Yield the changed lines of text files, each with two lines that name its sides."""
    for changed in texts:
        if changed.reason is not None:
            yield f"{escape(changed.path)}: its text cannot be compared: {changed.reason}"
            continue
        if changed.environment:
            yield style(escape(changed.path), bold=True)
            yield from map(_environment_line, changed.environment)
            continue
        yield style(f"--- a/{escape(changed.old_path)}", bold=True)
        yield style(f"+++ b/{escape(changed.path)}", bold=True)
        for line in changed.lines:
            yield Verbatim(style("\t".join(map(escape, line.split("\t"))), fg=_SIGNS.get(line[0])))


def _environment_line(change: EnvironmentChange) -> str:
    """Return `  torch 2.3.0 -> 2.4.0`, or what was added or removed."""
    name, old, new = escape(change.name), escape(change.old or ""), escape(change.new or "")
    if change.old is None:
        return style(f"  {name} {new} added", fg="green")
    if change.new is None:
        return style(f"  {name} {old} removed", fg="red")
    return f"  {name} {old} -> {new}"


def indented(line: str, by: str) -> str:
    """Return a line of changes after `by`; one that is never wrapped stays so."""
    return Verbatim(by + line) if isinstance(line, Verbatim) else by + line


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a verb, which gets them as `changes_style`."""

    @functools.wraps(function)
    def called(*arguments: Any, **given: Any) -> Any:
        mine = {name: given.pop(name) for name in ChangesStyle.__slots__}
        if sum(bool(mine[name]) for name in ("stat", "name_only", "name_status")) > 1:
            raise click.UsageError("use only one of --stat, --name-only and --name-status")
        return function(*arguments, changes_style=ChangesStyle(**mine), **given)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called
