"""`mvc gc`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, date, escape, short, size
from mvc.cli.app.verb import verb
from mvc.porcelain.gc import GRACE, Collected, gc
from mvc.porcelain.gc_remote import FLOOR, CollectedThere, gc_remote
from mvc.transport import connection

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw]?)", re.ASCII)


class _Span(click.ParamType):  # type: ignore[type-arg]  # not subscriptable when run
    """A span of time: `14d`, `12h`, `0`."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = _SPAN.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is no span of time; write it as 14d, 12h, 30m or 0", param, ctx)
        return float(match[1]) * _UNITS[match[2]]


@verb("gc")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--grace", type=_Span(), metavar="TIME", help="Keep what is younger (default 14d; of a remote 7d).")
@click.option("--remote", metavar="NAME", help="Collect a remote, and not what is here.")
@click.option(
    "--drop-intents-older-than",
    "abandoned",
    type=_Span(),
    metavar="TIME",
    help="Of a remote: pass over pushes and collections that began before and never ended.",
)
def command(
    invocation: Invocation,
    dry_run: bool,
    grace: float | None,
    remote: str | None,
    abandoned: float | None,
) -> None:
    """Remove versions and files that no name leads to, and tidy the packs.

    Whatever a branch, tag, alias or head leads to stays, and for gc.reflog-expire days (90) what one led to; the rest goes
    once it is older than the grace period. When anything that is needed cannot be read, nothing is removed.
    """
    repository = invocation.repository() if dry_run else invocation.writer()
    actor = invocation.actor()
    if remote is not None:
        _remote(invocation, remote, dry_run=dry_run, grace=grace, abandoned=abandoned)
        return
    with invocation.progress("Rewriting packs") as progress:
        found = gc(
            repository,
            actor,
            grace=GRACE if grace is None else grace,
            dry_run=dry_run,
            progress=progress,
        )
    ids = [id_ for id_, _, _ in found.versions]
    invocation.emit("gc", found.to_json, lambda: _lines(found), ids=ids, page=True)


def _remote(invocation: Invocation, name: str, *, dry_run: bool, grace: float | None, abandoned: float | None) -> None:
    repository, floor = invocation.repository(), FLOOR if grace is None else grace
    with connection.open_remote(repository, name) as there:
        found = gc_remote(repository, there, invocation.actor(), floor=floor, abandoned=abandoned, dry_run=dry_run)
    invocation.emit("gc", found.to_json, lambda: _remote_lines(found), ids=found.removed)


def _remote_lines(found: CollectedThere) -> Iterator[str]:
    what = "Removed" if found.done else "Nothing leads to"
    yield f"{what} {count(len(found.removed), 'pack')} on {escape(found.remote)}, {size(found.freed)}; {count(found.versions, 'version')} kept."
    if found.unfinished:
        yield f"{count(len(found.unfinished), 'file')} among it that was never finished, of commands that were killed."
    if found.condemned:
        yield f"{count(found.condemned, 'pack')} wait for a later collection, to be sure."


def _lines(found: Collected) -> Iterator[str]:
    plan = found.plan
    for id_, model, version in found.versions:
        yield f"{escape(model)} v{version.number} {short(id_)}  {date(version.time)}  {escape(version.subject)}"
    if plan.is_empty:
        yield f"Nothing to remove; {count(found.kept, 'version')} kept."
        return
    parts = [
        count(number, what)
        for number, what in (
            (len(plan.versions), "version"),
            (len(plan.objects), "other object"),
            (len(plan.recipes), "recipe"),
            (len(plan.packs) + len(plan.metapacks), "pack"),
        )
        if number
    ]
    yield f"{'Removed' if found.done else 'Would remove'} {', '.join(parts) or 'nothing'}; {count(found.kept, 'version')} kept."
    if plan.rewritten:
        yield f"{'Rewrote' if found.done else 'Would rewrite'} {count(len(plan.rewritten), 'pack')}."
    yield f"{size(plan.freed)} {'freed' if found.done else 'would be free'}."
