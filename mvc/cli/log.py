"""`mvc log`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.graph import Graph
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import date, escape, short, style
from mvc.cli.app.verb import verb
from mvc.cli.git.paths import revisions_and_paths
from mvc.cli.history import changes as changes_style
from mvc.cli.history import filters, notes, signatures, templates
from mvc.cli.history import query as queries
from mvc.cli.history.changes import ChangesStyle
from mvc.cli.history.filters import Chosen
from mvc.cli.history.numbers import numbered
from mvc.cli.history.query import Asked, QueryOptions
from mvc.cli.output import screen
from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.plural import count
from mvc.porcelain.log import Logged, log
from mvc.repository.model import Model


def _with_tags(entry: Logged) -> str:
    """Return `Picsellia #3 [prod, validated]`: the registry version, and its tags there."""
    tags = f" [{', '.join(map(escape, entry.registry_tags))}]" if entry.registry_tags else ""
    return f"{templates.places(entry)}{tags}"


def _marks(entry: Logged) -> str:
    """Return `[withdrawn] [3 files dropped]`, or nothing."""
    dropped = style(f"[{count(entry.dropped, 'file')} dropped]", fg="yellow") if entry.dropped else ""
    return " ".join(filter(None, (notes.mark(entry.notes), dropped)))


_ROOM = 20
"""Columns of text, at least, beside a graph."""
_COLOURS = {"branch": "green", "tag": "yellow", "alias": "cyan", "remote": "red"}

_LISTED = (
    "--patch",
    "--stat",
    "--name-only",
    "--name-status",
    "--graph",
    "--oneline",
    "--format",
    "--values",
    "--columns",
)
_APART = (*changes_style.APART, *(("--count", option) for option in _LISTED))


@verb("log", apart=_APART)
@click.argument("words", nargs=-1, metavar="[REV|A..B]... [[--] PATH...]")
@click.option("--oneline", is_flag=True, help="Show one line per version.")
@click.option("--graph", is_flag=True, help="Draw the history as a graph.")
@click.option("-n", "--max-count", "limit", type=click.IntRange(min=0), metavar="N", help="Show at most N versions.")
@click.option("--all", "every", is_flag=True, help="Start from every branch, tag and alias.")
@click.option("-p", "--patch", "-u", "patch", is_flag=True, help="Show the changes of each version.")
@changes_style.options
@click.option("--first-parent", is_flag=True, help="Skip the versions of merged branches.")
@click.option("--show-signature", "verified", is_flag=True, help="Verify the signatures of each version.")
@click.option("--count", "counted", is_flag=True, help="Print only the number of versions.")
@click.option("--reverse", is_flag=True, help="Show the oldest version first.")
@filters.options
@queries.options
@click.option(
    "--format", "--pretty", "template", metavar="TEMPLATE", help="Format each version, such as 'v{number} {subject}'."
)
def command(
    invocation: Invocation,
    words: tuple[str, ...],
    oneline: bool,
    graph: bool,
    limit: int | None,
    every: bool,
    patch: bool,
    changes_style: ChangesStyle,
    first_parent: bool,
    verified: bool,
    counted: bool,
    reverse: bool,
    chosen: Chosen,
    query: QueryOptions,
    template: str | None,
) -> None:
    """Show the version history.

    Lists the versions reachable from HEAD or REV, newest first; A..B lists those reachable from B but not from A; PATH
    (or a role, or model.toml) only those that change it. A PATTERN is a regular expression that matches anywhere, ignoring
    case; a DATE may be `2 weeks ago`. A number with a branch, `v3 on side`, is that of a version elsewhere; [2 files dropped] marks
    a version whose bytes were pruned. --format takes {id}, {short}, {number} (11 for v11), {parents}, {author}, {email},
    {date}, {time}, {names}, {registry}, {subject}, {message}, {code}, {signature} (good, untrusted, unsigned or mismatch), {signer}, {key}, \\n and \\t, keys such as
    {metrics.mAP50}, or Git's %h, %s, %G?, %GS, %GK and the like.

    EXPR compares values: KEY == VALUE, also != < <= > >= and ~ (a regular expression), KEY in [A, B], KEY has VALUE and
    has KEY, joined by and, or, not and parentheses. A KEY is one of model.toml, such as metrics.mAP50, or one of number,
    id, author, email, time, subject, message, tag, alias, code, format, file.ROLE.size, notes and notes.KEY; ready(USE)
    checks readiness. A version without the key does not match. With --where or --sort, log starts from every branch, tag
    and alias unless REV is given.
    """
    if graph and reverse:
        raise click.UsageError("--graph cannot be combined with --reverse")
    repository = invocation.repository()
    model = Model(repository, invocation.model())
    revisions, paths = revisions_and_paths(invocation, model, words)
    oneline, template = oneline or template == "oneline", None if template in templates.STYLES else template
    asked = query.read(invocation, templates.keys(template), graph=graph, one_each=oneline or template is not None)
    current, branch = model.current, model.head.branch
    with_changes = patch or not changes_style.is_full
    style_of = _Style(current, branch, oneline, templates.template(template), invocation.verbose > 0, changes_style)
    entries = log(
        model,
        revisions,
        every_name=every,
        count=limit,
        wanted=chosen.filter(invocation.now(), paths),
        reverse=reverse,
        changes=with_changes,
        context=changes_style.context if with_changes else None,
        graph=graph,
        first_parent=first_parent,
        query=asked.query,
        signers=invocation.keys().signers() if verified or templates.shows_signatures(style_of.template) else None,
    )
    if counted:
        _count(invocation, model.key, entries)
    else:
        _emit(invocation, model.key, entries, style_of, asked, graph=graph)


def _count(invocation: Invocation, model: str, entries: Iterator[Logged]) -> None:
    number = sum(1 for _ in entries)
    invocation.emit("log", {"model": model, "count": number}, lambda: [str(number)], ids=[str(number)])


def _emit(
    invocation: Invocation, model: str, entries: Iterator[Logged], style_of: _Style, asked: Asked, *, graph: bool
) -> None:
    invocation.emit(
        "log",
        {"model": model, "versions": entries},
        lambda: _text(entries, style_of, asked, graph=graph),
        ids=[entry.id for entry in entries] if invocation.quiet and not invocation.json else (),
        page=True,
        wrap=not graph and style_of.template is None and not style_of.changes.is_names and not asked.shape,
    )


def _text(entries: Iterator[Logged], style_of: _Style, asked: Asked, *, graph: bool) -> Iterator[str]:
    if asked.table:
        return asked.lines(list(entries))
    return _drawn(entries, style_of) if graph else _listed(entries, style_of)


@dataclass(frozen=True, slots=True)
class _Style:
    """The output style, and the current version and branch."""

    current: VersionId | None
    branch: str | None
    oneline: bool
    template: str | None
    verbose: bool
    changes: ChangesStyle

    @property
    def apart(self) -> bool:
        """True if an empty line separates versions."""
        return not self.oneline and self.template is None


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
        yield from graph.draw(entry.id, entry.drawn, _beside(graph, _lines(entry, style_of)))


def _beside(graph: Graph, lines: list[str]) -> list[str]:
    """Return the lines, wrapped on a terminal beside the lanes of the graph, and those of one more branch."""
    columns = screen.columns()
    room = columns and max(_ROOM, columns - 2 * (len(graph.lanes) + 1) - 1)
    return [row for line in lines for row in screen.wrapped(line, room)]


def _lines(entry: Logged, style_of: _Style) -> list[str]:
    if style_of.template is not None:
        return [*templates.filled(style_of.template, entry).split("\n"), *_changes(entry, style_of)]
    version = entry.version
    id_ = style(short(entry.id), fg="yellow")
    names = _names(entry, style_of)
    if style_of.oneline:
        parts = (
            id_,
            numbered(version.number, entry.branch),
            names,
            _with_tags(entry),
            _marks(entry),
            escape(version.subject),
        )
        lines = [" ".join(part for part in parts if part)]
    else:
        where = (numbered(version.number, entry.branch), id_, names, _with_tags(entry), _marks(entry))
        head = (*where, date(version.time), escape(version.author.name))
        lines = ["  ".join(part for part in head if part)]
        lines += [f"    {escape(line)}".rstrip() for line in version.message.split("\n")]
        lines += [f"    {line}" for line in (*notes.tag_lines(entry.tag_messages), *notes.lines(entry.notes))]
        lines += [f"    {line}" for line in signatures.lines(entry.verified)]
    lines += [f"    {escape(place.page)}" for place in entry.places if style_of.verbose]
    if style_of.verbose and version.code is not None:
        dirty = " (dirty)" if version.code.dirty else ""
        lines.append(f"    code {escape(version.code.commit)}{dirty}")
    values = () if style_of.oneline else queries.value_lines(entry)
    return [*lines, *values, *_changes(entry, style_of)]


def _changes(entry: Logged, style_of: _Style) -> list[str]:
    if entry.changes is None:
        return []
    shown = style_of.changes.lines(entry.changes.difference, entry.changes.total_bytes, entry.changes.texts)
    return [line if style_of.changes.is_names else changes_style.indented(line, "    ") for line in shown]


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
