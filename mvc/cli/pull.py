"""`mvc pull`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli import fetch
from mvc.cli.app import transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.porcelain import pull as porcelain
from mvc.porcelain.pull import Pulled
from mvc.repository.model import Model
from mvc.repository.refnames import KINDS
from mvc.transport import connection, fast_forward
from mvc.transport.rebase import Rebased


@verb("pull")
@click.argument("remote", required=False)
@click.argument("branch", required=False)
@click.option("--rebase", "rebasing", is_flag=True, help="Replay your versions on the remote branch if both diverged.")
@click.option("--only", multiple=True, metavar="ROLE", help="Fetch only the files with ROLE.")
@click.option("--meta", is_flag=True, help="Fetch no files; fetch each one when a command needs it.")
@transfers.options
def command(
    invocation: Invocation,
    remote: str | None,
    branch: str | None,
    rebasing: bool,
    only: tuple[str, ...],
    meta: bool,
    jobs: int,
    limit: float | None,
) -> None:
    """Fetch from a remote and update the current branch.

    Fast-forwards the branch and updates the working tree. If the branch and the remote branch have diverged, nothing
    changes and the exit code is 13, unless --rebase is given. --rebase merges the change of each of your versions
    into the newest one on the remote; if they conflict, nothing is changed.
    """
    repository, model, actor = invocation.writer(), invocation.model(), invocation.actor()
    name = transfers.remote_of(invocation, remote, model)
    with (
        connection.open_remote(repository, name, jobs=jobs, limit=limit) as connected,
        invocation.progress(f"Fetching from {name}") as progress,
    ):
        done = porcelain.pull(
            Model(repository, model),
            connected,
            actor,
            theirs=branch,
            rebasing=rebasing,
            select=select(only, meta=meta),
            progress=progress,
        )
    invocation.emit("pull", done, lambda: _lines(done), ids=[done.new or ""])
    done.fetched.check()


def select(only: tuple[str, ...], *, meta: bool) -> fast_forward.Select:
    """Return the file selection of `--only` and `--meta`."""
    if only and meta:
        raise click.UsageError("use only one of --only and --meta")
    return fast_forward.select(only, meta=meta)


def _lines(done: Pulled) -> Iterator[str]:
    yield from fetch.lines(done.fetched)
    new = short(done.new or "")
    if done.rebase is not None:
        yield f"Rebased {escape(done.branch)}, now at {new}"
        yield from rebase_lines([done.rebase])
    elif done.old == done.new:
        yield f"{escape(done.branch)} is up to date"
    else:
        yield f"{escape(done.branch)}: {f'{short(done.old)}..' if done.old else '[new] '}{new}"
    files = len(done.moved.written) + len(done.moved.deleted)
    if files:
        yield f"  {count(len(done.moved.written), 'file')} written, {len(done.moved.deleted)} deleted"
    if done.received:
        yield f"  {size(done.received)} of files fetched"


def rebase_lines(rebases: Sequence[Rebased]) -> Iterator[str]:
    """Yield what rebases dropped, and the refs that they did not move."""
    dropped = [short(id_) for rebase in rebases for id_ in rebase.dropped]
    if dropped:
        yield f"  dropped versions whose changes the remote has already: {', '.join(dropped)}"
    for ref in (ref for rebase in rebases for ref in rebase.unmoved):
        yield f"  {KINDS[ref.kind]} {escape(ref.name)} still points to the version before the rebase"
