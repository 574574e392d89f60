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
from mvc.porcelain.remote import is_registry, remotes
from mvc.repository.policy import take
from mvc.repository.policy.gate import KINDS
from mvc.repository.policy.take import RefusedRef
from mvc.transport import connection


@verb("fetch")
@click.argument("remote", required=False)
@click.argument("refs", nargs=-1, metavar="[NAME]...")
@click.option("--all", "all_", is_flag=True, help="Fetch from every remote.")
@click.option("-p", "--prune", is_flag=True, help="Delete remote-tracking refs that the remote no longer has.")
@transfers.options
def command(
    invocation: Invocation,
    remote: str | None,
    refs: tuple[str, ...],
    all_: bool,
    prune: bool,
    jobs: int,
    limit: float | None,
) -> None:
    """Download refs and version metadata from a remote.

    All refs are fetched, also if NAME asks for one. Files are fetched when they are needed, by `mvc switch`, `restore`,
    `cat` or `export`.

    A ref that rules on take: in policy.toml refuse stays where it is; the others are fetched, and the exit code is 17.
    """
    if all_ and remote is not None:
        raise click.UsageError("--all takes no remote")
    if all_ and invocation.json:
        raise click.UsageError("--all cannot be combined with --json; fetch one remote after the other")
    repository = invocation.writer()
    stores = [store.name for store in remotes(repository) if not is_registry(repository, store.name)] if all_ else []
    refused: list[RefusedRef] = []
    for name in stores or [transfers.remote_of(invocation, remote)]:
        with connection.open_remote(repository, name, jobs=jobs, limit=limit) as connected:
            done = fetch(repository, connected, invocation.actor(), prune=prune)
        _emit(invocation, done)
        refused += done.refused
    if refused:
        raise take.error(refused)


def _emit(invocation: Invocation, done: Fetched) -> None:
    invocation.emit("fetch", done, lambda: lines(done), ids=[ref.new or "" for ref in done.refs])


def lines(done: Fetched) -> Iterator[str]:
    """Yield a summary of a fetch."""
    yield f"From {escape(done.remote)}"
    yield from (f"   {_moved(ref)}  {escape(done.remote)}/{escape(ref.ref.name)}" for ref in done.refs)
    news = done.notes or done.evaluations or done.signatures or done.attestations
    if not (done.refs or news or done.refused):
        yield "   up to date"
    for ref in done.refused:
        yield f"   [refused]  {KINDS[ref.ref.kind]} {escape(done.remote)}/{escape(ref.ref.name)}"
    if done.refs:
        yield f"{count(done.versions, 'new version')}, {size(done.received)} of metadata."
    if done.notes:
        yield f"{count(done.notes, 'new note')}; `mvc notes` lists them."
    if done.evaluations:
        yield f"{count(done.evaluations, 'new evaluation')}; `mvc eval` lists them."
    if done.signatures:
        yield f"{count(done.signatures, 'new signature')}; `mvc verify REV` verifies those of a version."
    if done.attestations:
        yield f"{count(done.attestations, 'new attestation')}; `mvc verify REV` verifies those of a version."
    if done.dropped:
        kept = f"; {count(done.dropped_kept, 'file')} of them complete here, and kept" if done.dropped_kept else ""
        yield f"The bytes of {count(done.dropped, 'version')} were dropped on {escape(done.remote)}{kept}."
    if done.others:
        yield f"Other models on {escape(done.remote)}: {escape(', '.join(done.others))}; `mvc clone --model NAME` clones one."
    yield from (f"Ignored invalid ref name: {escape(name)}" for name in done.ignored)
    yield from (f"Ignored a note, evaluation or signature: {escape(reason)}" for reason in done.unreadable)


def _moved(ref: FetchedRef) -> str:
    if ref.new is None:
        return f"[deleted {KINDS[ref.ref.kind]}]"
    return f"{short(ref.old)}..{short(ref.new)}" if ref.old else f"[new {KINDS[ref.ref.kind]}] {short(ref.new)}"
