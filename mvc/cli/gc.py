"""`mvc gc`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc import spans
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.options import Span
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, minute, short, size
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.porcelain.gc import GRACE, Collected, Held, gc
from mvc.porcelain.gc_remote import REMOTE_GRACE, CollectedThere, gc_remote
from mvc.transport import connection

_SHOWN = 20
"""The most versions that are listed as kept."""


@verb("gc", needs={"--drop-intents-older-than": ("--remote",)})
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be removed.")
@click.option(
    "--grace", type=Span(), metavar="TIME", help="Keep objects younger than TIME (default 14d; on a remote 7d)."
)
@click.option("--remote", metavar="NAME", help="Collect garbage on remote NAME, not in this repository.")
@click.option(
    "--drop-intents-older-than",
    "abandoned",
    type=Span(),
    metavar="TIME",
    help="With --remote: ignore pushes and garbage collections unfinished for longer than TIME.",
)
def command(
    invocation: Invocation,
    dry_run: bool,
    grace: float | None,
    remote: str | None,
    abandoned: float | None,
) -> None:
    """Remove unreachable versions and files.

    Keeps everything reachable from branches, tags, aliases and HEAD, and for gc.reflog-expire days (90) from their
    former positions. The rest is removed once it is older than the grace period. If anything reachable cannot be
    read, nothing is removed. On a remote one collection runs at a time: others exit with 15 and change nothing. Files in the cache of `mvc export --link` are removed once they are unused for
    gc.cache-expire days (14).
    """
    repository = invocation.repository() if dry_run else invocation.writer()
    actor = invocation.actor()
    if remote is not None:
        _remote(invocation, remote, dry_run=dry_run, grace=grace, abandoned=abandoned)
        return
    with invocation.progress("Rewriting packs") as progress:
        done = gc(
            repository,
            actor,
            grace=GRACE if grace is None else grace,
            dry_run=dry_run,
            progress=progress,
        )
    ids = [id_ for id_, _, _ in done.versions]
    invocation.emit("gc", done, lambda: _lines(done), ids=ids, page=True)


def _remote(invocation: Invocation, name: str, *, dry_run: bool, grace: float | None, abandoned: float | None) -> None:
    repository, seconds = invocation.repository(), REMOTE_GRACE if grace is None else grace
    with connection.open_remote(repository, name) as connected:
        done = gc_remote(repository, connected, invocation.actor(), grace=seconds, abandoned=abandoned, dry_run=dry_run)
    again = f"mvc gc --remote {escape(name)}" + (f" --grace {spans.spelled(grace)}" if grace is not None else "")
    invocation.emit("gc", done, lambda: _remote_lines(done, again), ids=done.removed)


def _remote_lines(done: CollectedThere, again: str) -> Iterator[str]:
    """Yield what was deleted, and what is marked; `again` is the command that deletes that."""
    verb_ = "Removed" if done.done else "Unreachable:"
    yield f"{verb_} {count(len(done.removed), 'pack')} on {escape(done.remote)}, {size(done.freed)}; {count(done.versions, 'version')} kept."
    if done.unfinished:
        yield f"Including {count(len(done.unfinished), 'incomplete upload')} left by interrupted commands."
    if done.condemned:
        when = f" after {minute(done.due)}" if done.due is not None else ""
        them = "it" if done.condemned == 1 else "them"
        yield f"Marked {count(done.condemned, 'pack')}, {size(done.waiting)}: the next `{again}`{when} deletes {them}."


def _lines(done: Collected) -> Iterator[str]:
    plan = done.plan
    if done.cached.files:
        removed = "Removed" if done.done else "Would remove"
        yield f"{removed} {count(done.cached.files, 'file')} from the cache of decoded files, {size(done.cached.bytes)}."
    for id_, model, version in done.versions:
        yield f"{escape(model)} v{version.number} {short(id_)}  {date(version.time)}  {escape(version.subject)}"
    if plan.is_empty:
        yield f"Nothing {'else ' if done.cached.files else ''}to remove; {count(done.kept, 'version')} kept."
        yield from _packed(done)
        yield from _held(done)
        return
    parts = [
        count(number, noun)
        for number, noun in (
            (len(plan.versions), "version"),
            (len(plan.objects), "other object"),
            (len(plan.recipes), "recipe"),
            (len(plan.packs) + len(plan.metapacks), "pack"),
        )
        if number
    ]
    yield f"{'Removed' if done.done else 'Would remove'} {', '.join(parts) or 'nothing'}; {count(done.kept, 'version')} kept."
    if plan.rewritten:
        yield f"{'Rewrote' if done.done else 'Would rewrite'} {count(len(plan.rewritten), 'pack')}."
    yield f"{size(plan.freed)} {'freed' if done.done else 'would be freed'}."
    yield from _packed(done)
    yield from _held(done)


def _packed(done: Collected) -> Iterator[str]:
    if done.packed:
        packed = "Packed" if done.done else "Would pack"
        yield f"{packed} {count(done.packed, 'loose file')} of metadata."


def _held(done: Collected) -> Iterator[str]:
    """Yield the versions that no ref reaches, each with what keeps it."""
    if done.held:
        yield f"Kept although no ref reaches {'it' if len(done.held) == 1 else 'them'}:"
    rows = [
        ("", f"v{held.version.number}", short(held.id), f"{held.cause}{_until(held)}", escape(held.version.subject))
        for held in done.held[:_SHOWN]
    ]
    yield from aligned(rows)
    if len(done.held) > _SHOWN:
        yield f"  and {len(done.held) - _SHOWN} more (all with --json)"


def _until(held: Held) -> str:
    return f" until {date(held.until)}" if held.until is not None else ""
