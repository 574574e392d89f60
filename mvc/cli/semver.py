"""`mvc semver`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, style
from mvc.cli.app.verb import verb
from mvc.model.compare.semver import MAJOR
from mvc.porcelain.diff import sides
from mvc.porcelain.semver import Bump, bump, newest_tag
from mvc.repository import history, revisions
from mvc.repository.model import Model


@verb("semver")
@click.argument("words", nargs=-1, metavar="[REV [REV] | A..B]")
def command(invocation: Invocation, words: tuple[str, ...]) -> None:
    """Show which semantic version a change requires.

    Compares the first version (default: that of the newest tag such as v1.2.3 among the ancestors) with the second one
    (default: HEAD), and prints major, minor, patch or none, with a reason for each change. Major: a class removed,
    renamed or renumbered; a role removed; the shape of an input, a dtype, the type or the framework changed. Minor: a
    class or a role added; the shape of a tensor changed. Patch: weights, metrics and texts. -q prints the word alone.
    """
    if len(words) > 2:
        raise click.UsageError("too many revisions: expected REV REV")
    model = Model(invocation.repository(), invocation.model())
    if len(words) == 1 and ".." in words[0]:
        result = bump(model, *sides(model, words[0]))
        invocation.emit("semver", result, lambda: lines(result), ids=[result.level])
        return
    new = revisions.resolve(model, words[1] if len(words) > 1 else "HEAD")
    if words:
        old = revisions.resolve(model, words[0])
    else:
        known = newest_tag(model, new)
        if known is None:
            raise errors.NoSemverTag(version=history.label(model.repository, new), id=new[:10])
        old = known[1]
    result = bump(model, old, new)
    invocation.emit("semver", result, lambda: lines(result), ids=[result.level])


def lines(result: Bump) -> Iterator[str]:
    """Yield the level, the next tag, and the reasons."""
    step = f": {result.tag} -> {result.next}" if result.next is not None else ""
    yield style(f"{result.level}{step}", bold=True)
    for reason in result.reasons:
        yield style(f"  {reason.level}  {escape(reason.text)}", fg="red" if reason.level == MAJOR else None)
