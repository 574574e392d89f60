"""`mvc fetch`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app import transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.porcelain.fetch import Fetched, FetchedRef, fetch
from mvc.transport import connection


@verb("fetch")
@click.argument("remote", required=False)
@click.option("--prune", is_flag=True, help="Delete remote-tracking refs that the remote no longer has.")
@transfers.options
def command(invocation: Invocation, remote: str | None, prune: bool, jobs: int, limit: float | None) -> None:
    """Download refs and version metadata from a remote.

    Files are fetched when they are needed, by `mvc switch`, `restore`, `cat` or `export`.
    """
    repository = invocation.writer()
    name = transfers.remote_of(invocation, remote)
    with connection.open_remote(repository, name, jobs=jobs, limit=limit) as connected:
        done = fetch(repository, connected, invocation.actor(), prune=prune)
    invocation.emit("fetch", done, lambda: lines(done), ids=[ref.new or "" for ref in done.refs])


def lines(done: Fetched) -> Iterator[str]:
    """Yield a summary of a fetch."""
    yield f"From {escape(done.remote)}"
    yield from (f"   {_moved(ref)}  {escape(done.remote)}/{escape(ref.ref.name)}" for ref in done.refs)
    if not done.refs:
        yield "   up to date"
    else:
        yield f"{count(done.versions, 'new version')}, {size(done.received)} of metadata."
    if done.others:
        yield f"Other models on {escape(done.remote)}: {escape(', '.join(done.others))}; `mvc clone --model NAME` clones one."
    yield from (f"Ignored invalid ref name: {escape(name)}" for name in done.ignored)


def _moved(ref: FetchedRef) -> str:
    if ref.new is None:
        return "[deleted]"
    return f"{short(ref.old)}..{short(ref.new)}" if ref.old else f"[new] {short(ref.new)}"
