"""`mvc du`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import short, size
from mvc.porcelain.du import Report, du
from mvc.repository import revisions


@verb("du")
@click.argument("given", nargs=-1, metavar="[REV]...")
def command(invocation: Invocation, given: tuple[str, ...]) -> None:
    """What versions take: their files' sizes, what that is in the store, and what no other version needs."""
    repository, model = invocation.repository(), invocation.model()
    report = du(repository, model, [revisions.resolve(repository, model, text) for text in given])
    invocation.emit("du", report.to_json, lambda: _lines(report), page=True)


def _lines(report: Report) -> Iterator[str]:
    yield f"{'version':<16} {'files':>10} {'stored':>10} {'unique':>10} {'shared':>10}"
    for usage in report.versions:
        sizes = (usage.total, usage.stored, usage.unique, usage.shared)
        yield f"{f'v{usage.number} {short(usage.id)}':<16} " + " ".join(f"{size(each):>10}" for each in sizes)
    yield f"{'all versions':<16} {size(report.total):>10} {size(report.stored):>10}"
    yield f"{'store on disk':<16} {'':>10} {size(report.on_disk):>10}"
