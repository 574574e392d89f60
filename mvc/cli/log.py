"""`mvc log`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

from mvc.cli import render
from mvc.cli.graph import Graph
from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import date, escape, short, size, style
from mvc.model.version import Timestamp
from mvc.porcelain.log import Filter, Logged, log

_COLOURS = {"branch": "green", "tag": "yellow", "alias": "cyan", "remote": "red"}
_FIELD = re.compile(r"\{([a-z_]+)\}|\\n|\\t")


@verb("log")
@click.argument("revisions", nargs=-1, metavar="[REV|A..B]...")
@click.option("--oneline", is_flag=True, help="One line a version.")
@click.option("--graph", is_flag=True, help="Draw how versions follow each other.")
@click.option("-n", "--max-count", "limit", type=click.IntRange(min=0), help="At most so many.")
@click.option("--all", "every", is_flag=True, help="From every branch, tag and alias.")
@click.option("--author", metavar="TEXT", help="By an author whose name or address has TEXT.")
@click.option("--grep", metavar="TEXT", help="With TEXT in the message.")
@click.option("--since", "--after", metavar="DATE", help="Not older than DATE.")
@click.option("--until", "--before", metavar="DATE", help="Not newer than DATE.")
@click.option("--stat", is_flag=True, help="With what each changed.")
@click.option("--reverse", is_flag=True, help="Oldest first.")
@click.option("--format", "template", metavar="TEMPLATE", help="Fields in braces: {id} {short} {number} {subject} ...")
def command(
    invocation: Invocation,
    revisions: tuple[str, ...],
    oneline: bool,
    graph: bool,
    limit: int | None,
    every: bool,
    author: str | None,
    grep: str | None,
    since: str | None,
    until: str | None,
    stat: bool,
    reverse: bool,
    template: str | None,
) -> None:
    """The versions, newest first.

    \b
    Fields of --format: id short number parents author email date time subject message names
    """
    if graph and reverse:
        raise click.UsageError("--graph draws from the newest down; it cannot be reversed")
    repository, model = invocation.repository(), invocation.model()
    wanted = Filter(author, grep, _moment(invocation, since), _moment(invocation, until))
    entries = log(
        repository,
        model,
        revisions,
        every_name=every,
        count=limit,
        wanted=wanted,
        reverse=reverse,
        changes=stat,
        graph=graph,
    )
    here = repository.head(model)
    lines = _Lines(here.branch, repository.current(model), oneline=oneline, template=template, verbose=invocation.verbose)
    if invocation.quiet and not invocation.json:
        invocation.emit("log", dict, list, ids=[entry.id for entry in entries])
        return
    invocation.emit(
        "log",
        lambda: {"model": model, "versions": [entry.to_json() for entry in entries]},
        lambda: _drawn(entries, lines) if graph else lines.all(entries),
        page=True,
    )


def _moment(invocation: Invocation, text: str | None) -> Timestamp | None:
    return Timestamp.parse(text, offset=invocation.now().offset) if text else None


class _Lines:
    """How one version is shown."""

    def __init__(
        self, branch: str | None, current: str | None, *, oneline: bool, template: str | None, verbose: int
    ) -> None:
        self._branch = branch
        self._current = current
        self._oneline = oneline
        self._template = template
        self._verbose = verbose

    def all(self, entries: Iterable[Logged]) -> Iterator[str]:
        """The lines of all, an empty one between two."""
        for number, entry in enumerate(entries):
            if number and not self._oneline and self._template is None:
                yield ""
            yield from self.one(entry)

    def one(self, entry: Logged) -> list[str]:
        """The lines of one version, the first of which stands beside its `*`."""
        if self._template is not None:
            return self._formatted(entry).split("\n")
        id_ = style(short(entry.id), fg="yellow")
        if self._oneline:
            names = self._names(entry)
            return [" ".join(part for part in (id_, f"v{entry.version.number}", names, escape(entry.version.subject)) if part)]
        version = entry.version
        head = [f"v{version.number}", id_, self._names(entry), date(version.time), escape(version.author.name)]
        lines = ["  ".join(part for part in head if part)]
        lines += [f"    {escape(line)}" for line in version.message.split("\n")]
        if self._verbose and version.code is not None:
            lines.append(f"    code {short(version.code.commit)}{' (dirty)' if version.code.dirty else ''}")
        if entry.changes is not None:
            difference = entry.changes.difference
            summary = f"{render.summary(difference)} (of {size(entry.changes.total_bytes)})"
            lines += [f"    {line}" for line in [summary, *render.difference(difference)]]
        return lines

    def _names(self, entry: Logged) -> str:
        """`(HEAD -> main, tag: 2026.1, prod)`."""
        shown = []
        if entry.id == self._current:
            shown.append(style("HEAD", fg="blue") + (f" -> {escape(self._branch)}" if self._branch else ""))
        for kind, name in entry.names:
            if not (kind == "branch" and name == self._branch and entry.id == self._current):
                text = f"tag: {name}" if kind == "tag" else name
                shown.append(style(escape(text), fg=_COLOURS[kind]))
        return f"({', '.join(shown)})" if shown else ""

    def _formatted(self, entry: Logged) -> str:
        version = entry.version
        fields = {
            "id": entry.id,
            "short": short(entry.id),
            "number": str(version.number),
            "parents": " ".join(version.parents),
            "author": version.author.name,
            "email": version.author.email,
            "date": date(version.time),
            "time": str(version.time),
            "subject": version.subject,
            "message": version.message,
            "names": ", ".join(name for _, name in entry.names),
        }

        def value(match: re.Match[str]) -> str:
            if match[1] is None:
                return "\n" if match[0] == "\\n" else "\t"
            if match[1] not in fields:
                raise click.UsageError(f"there is no field {match[0]}; there are {', '.join(fields)}")
            return escape(fields[match[1]], keep_newlines=True)

        return _FIELD.sub(value, self._template or "")


def _drawn(entries: Iterable[Logged], lines: _Lines) -> Iterator[str]:
    graph = Graph()
    for entry in entries:
        yield from graph.draw(entry.id, entry.drawn, lines.one(entry))
