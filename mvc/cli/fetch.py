"""`mvc fetch`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app import transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, escape, short, size
from mvc.cli.app.verb import verb
from mvc.porcelain.fetch import Fetched, FetchedRef, fetch
from mvc.transport import connection


@verb("fetch")
@click.argument("remote", required=False)
@click.option("--prune", is_flag=True, help="Forget names that are gone there.")
@transfers.options
def command(invocation: Invocation, remote: str | None, prune: bool, jobs: int, limit: float | None) -> None:
    """Learn what a remote has of the models here: names, versions, what changed in them.

    The bytes of files come when they are needed: `mvc switch`, `restore`, `cat` and `export` fetch them.
    """
    repository = invocation.writer()
    name = transfers.remote_of(invocation, remote)
    with connection.open_remote(repository, name, jobs=jobs, limit=limit) as there:
        done = fetch(repository, there, invocation.actor(), prune=prune)
    invocation.emit("fetch", done.to_json, lambda: lines(done), ids=[ref.new or "" for ref in done.refs])


def lines(done: Fetched) -> Iterator[str]:
    """What was fetched, for people."""
    yield f"From {escape(done.remote)}"
    yield from (f"   {_moved(ref)}  {escape(done.remote)}/{escape(ref.ref.name)}" for ref in done.refs)
    if not done.refs:
        yield "   nothing new"
    else:
        yield f"{count(done.versions, 'new version')}, {size(done.received)} of metadata."
    if done.others:
        yield f"Also there: {escape(', '.join(done.others))}; `mvc clone --model NAME` brings one."
    yield from (f"Left out, since mvc makes no such name: {escape(name)}" for name in done.ignored)


def _moved(ref: FetchedRef) -> str:
    if ref.new is None:
        return "[gone]"
    return f"{short(ref.old)}..{short(ref.new)}" if ref.old else f"[new] {short(ref.new)}"
