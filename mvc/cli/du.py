"""`mvc du`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import short, size
from mvc.porcelain.du import Usages, du
from mvc.repository import revisions


@verb("du")
@click.argument("given", nargs=-1, metavar="[REV]...")
def command(invocation: Invocation, given: tuple[str, ...]) -> None:
    """What versions take: their files' sizes, what that is in the store, and what no other version needs."""
    repository, model = invocation.repository(), invocation.model()
    report = du(repository, model, [revisions.resolve(repository, model, text) for text in given])
    invocation.emit("du", report.to_json, lambda: _lines(report), page=True)


def _lines(report: Usages) -> Iterator[str]:
    yield f"{'version':<16} {'files':>10} {'unique':>10} {'shared':>10}"
    for usage in report.versions:
        sizes = " ".join(f"{size(each):>10}" for each in (usage.total, usage.unique, usage.shared))
        yield f"{f'v{usage.version.number} {short(usage.id)}':<16} {sizes}"
    yield f"The store takes {size(report.store)}; checked out, its {report.count} versions are {size(report.checked_out)}"
