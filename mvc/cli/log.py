"""`mvc log`: its options, arguments and output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from mvc import errors, lazy
from mvc.cli.app.graph import Graph
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import date, escape, short, style
from mvc.cli.app.verb import verb
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.porcelain.log import Filter, Logged, log
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.cli.app import render
else:
    render = lazy.Module("mvc.cli.app.render")

_FIELD = re.compile(r"\{([^{}]*)\}|\\([nt])")


def _places(entry: Logged) -> str:
    """Return `Picsellia #3`; empty for an unpublished version."""
    return ", ".join(f"Picsellia #{place.number}" for place in entry.places)


def _with_tags(entry: Logged) -> str:
    """Return `Picsellia #3 [prod, validated]`: the registry version, and its tags there."""
    tags = f" [{', '.join(map(escape, entry.registry_tags))}]" if entry.registry_tags else ""
    return f"{_places(entry)}{tags}"


_COLOURS = {"branch": "green", "tag": "yellow", "alias": "cyan", "remote": "red"}
_FIELDS: dict[str, Callable[[Logged], str]] = {
    "id": lambda entry: entry.id,
    "short": lambda entry: short(entry.id),
    "number": lambda entry: str(entry.version.number),
    "parents": lambda entry: " ".join(entry.version.parents),
    "author": lambda entry: entry.version.author.name,
    "email": lambda entry: entry.version.author.email,
    "date": lambda entry: date(entry.version.time),
    "time": lambda entry: entry.version.time.utc(),
    "names": lambda entry: ", ".join(name for _, name in entry.names),
    "subject": lambda entry: entry.version.subject,
    "message": lambda entry: entry.version.message,
    "registry": _places,
    "code": lambda entry: entry.version.code.commit if entry.version.code else "",
}


@verb("log")
@click.argument("revisions", nargs=-1, metavar="[REV|A..B]...")
@click.option("--oneline", is_flag=True, help="Show one line per version.")
@click.option("--graph", is_flag=True, help="Draw the history as a graph.")
@click.option("-n", "--max-count", "limit", type=click.IntRange(min=0), metavar="N", help="Show at most N versions.")
@click.option("--all", "every", is_flag=True, help="Start from every branch, tag and alias.")
@click.option("--author", metavar="PATTERN", help="Show only versions whose author matches.")
@click.option("--grep", metavar="PATTERN", help="Show only versions whose message matches.")
@click.option("--since", "--after", "since", metavar="DATE", help="Show only versions made at DATE or later.")
@click.option("--until", "--before", "until", metavar="DATE", help="Show only versions made at DATE or earlier.")
@click.option("--stat", is_flag=True, help="Summarize the changes of each version.")
@click.option("--reverse", is_flag=True, help="Show the oldest version first.")
@click.option("--format", "template", metavar="TEMPLATE", help="Format each version, such as 'v{number} {subject}'.")
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
    """Show the version history.

    Lists the versions reachable from HEAD or REV, newest first; A..B lists those reachable from B but not from A. A
    PATTERN is a regular expression that matches anywhere, ignoring case. --format takes {id}, {short}, {number}
    (11 for v11), {parents}, {author}, {email}, {date}, {time}, {names}, {registry}, {subject}, {message}, {code}, \\n
    and \\t.
    """
    if graph and reverse:
        raise click.UsageError("--graph cannot be combined with --reverse")
    repository, model = invocation.repository(), invocation.model()
    style_of = _Style(
        repository.current(model), repository.head(model).branch, oneline, _template(template), invocation.verbose > 0
    )
    filter_ = Filter(author, grep, _moment(invocation, since), _moment(invocation, until))
    entries = log(
        Model(repository, model),
        revisions,
        every_name=every,
        count=limit,
        wanted=filter_,
        reverse=reverse,
        changes=stat,
        graph=graph,
    )
    invocation.emit(
        "log",
        {"model": model, "versions": entries},
        lambda: _drawn(entries, style_of) if graph else _listed(entries, style_of),
        ids=[entry.id for entry in entries] if invocation.quiet and not invocation.json else (),
        page=True,
    )


@dataclass(frozen=True, slots=True)
class _Style:
    """The output style, and the current version and branch."""

    current: VersionId | None
    branch: str | None
    oneline: bool
    template: str | None
    verbose: bool

    @property
    def apart(self) -> bool:
        """True if an empty line separates versions."""
        return not self.oneline and self.template is None


def _moment(invocation: Invocation, text: str | None) -> Timestamp | None:
    return Timestamp.parse(text, offset=invocation.now().offset) if text is not None else None


def _template(text: str | None) -> str | None:
    """Return the template; raises BadTemplate for an unknown field."""
    for match in _FIELD.finditer(text or ""):
        if match[1] is not None and match[1] not in _FIELDS:
            raise errors.BadTemplate(name=match[1], known=", ".join(_FIELDS))
    return text


def _listed(entries: Iterator[Logged], style_of: _Style) -> Iterator[str]:
    for number, entry in enumerate(entries):
        if number and style_of.apart:
            yield ""
        yield from _lines(entry, style_of)


def _drawn(entries: Iterator[Logged], style_of: _Style) -> Iterator[str]:
    graph = Graph()
    for number, entry in enumerate(entries):
        if number and style_of.apart:
            yield graph.between()
        yield from graph.draw(entry.id, entry.drawn, _lines(entry, style_of))


def _lines(entry: Logged, style_of: _Style) -> list[str]:
    if style_of.template is not None:
        return _filled(style_of.template, entry).split("\n")
    version = entry.version
    id_ = style(short(entry.id), fg="yellow")
    names = _names(entry, style_of)
    if style_of.oneline:
        parts = (id_, f"v{version.number}", names, _with_tags(entry), escape(version.subject))
        lines = [" ".join(part for part in parts if part)]
    else:
        head = (f"v{version.number}", id_, names, _with_tags(entry), date(version.time), escape(version.author.name))
        lines = ["  ".join(part for part in head if part)]
        lines += [f"    {escape(line)}".rstrip() for line in version.message.split("\n")]
    lines += [f"    {escape(place.page)}" for place in entry.places if style_of.verbose]
    if style_of.verbose and version.code is not None:
        dirty = " (dirty)" if version.code.dirty else ""
        lines.append(f"    code {escape(version.code.commit)}{dirty}")
    if entry.changes is not None:
        lines.append(f"    {render.summary(entry.changes.difference, entry.changes.total_bytes)}")
    return lines


def _filled(template: str, entry: Logged) -> str:
    def put(match: re.Match[str]) -> str:
        if match[1] is None:
            return {"n": "\n", "t": "\t"}[match[2]]
        return escape(_FIELDS[match[1]](entry), keep_newlines=True)

    return _FIELD.sub(put, template)


def _names(entry: Logged, style_of: _Style) -> str:
    """Return `(HEAD -> main, tag: 2026.1, prod)`; empty for a version without refs."""
    here = entry.id == style_of.current
    shown = []
    if here:
        on = f" -> {escape(style_of.branch)}" if style_of.branch is not None else ""
        shown.append(style(f"HEAD{on}", fg="blue", bold=True))
    for kind, name in entry.names:
        if not (here and kind == "branch" and name == style_of.branch):
            shown.append(style(escape(f"tag: {name}" if kind == "tag" else name), fg=_COLOURS[kind]))
    return f"({', '.join(shown)})" if shown else ""
