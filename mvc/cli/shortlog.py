"""`mvc shortlog`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.cli.git.paths import revisions_and_paths
from mvc.cli.history import filters
from mvc.cli.history.filters import Chosen
from mvc.porcelain.log import Logged, log
from mvc.repository.model import Model


@verb("shortlog")
@click.argument("words", nargs=-1, metavar="[REV|A..B]... [[--] PATH...]")
@click.option("-s", "--summary", is_flag=True, help="Show only the number of versions of each author.")
@click.option("-n", "--numbered", is_flag=True, help="Sort by the number of versions, not by name.")
@click.option("-e", "--email", is_flag=True, help="Show the e-mail address of each author.")
@click.option("--all", "every", is_flag=True, help="Start from every branch, tag and alias.")
@filters.options
def command(
    invocation: Invocation,
    words: tuple[str, ...],
    summary: bool,
    numbered: bool,
    email: bool,
    every: bool,
    chosen: Chosen,
) -> None:
    """Count the versions of each author.

    Lists the subjects of the versions of each author, oldest first.
    """
    model = Model(invocation.repository(), invocation.model())
    revisions, paths = revisions_and_paths(invocation, model, words)
    selected = chosen.filter(invocation.now(), paths)
    by_author: dict[str, list[Logged]] = {}
    for entry in log(model, revisions, every_name=every, reverse=True, wanted=selected):
        author = entry.version.author
        by_author.setdefault(author.shown if email else author.name, []).append(entry)
    names = sorted(by_author, key=lambda name: (-len(by_author[name]) if numbered else 0, name))
    counts = [{"author": name, "versions": [entry.id for entry in by_author[name]]} for name in names]
    document = {"model": model.key, "authors": counts}
    invocation.emit("shortlog", document, lambda: _lines(by_author, names, summary=summary), ids=names, page=True)


def _lines(by_author: Mapping[str, Sequence[Logged]], names: Sequence[str], *, summary: bool) -> Iterator[str]:
    for name in names:
        entries = by_author[name]
        if summary:
            yield f"{len(entries):6}\t{escape(name)}"
            continue
        yield f"{escape(name)} ({len(entries)}):"
        yield from (f"      {escape(entry.version.subject)}" for entry in entries)
        yield ""
