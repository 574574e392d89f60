"""`mvc fsck`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc import errors
from mvc.cli.invocation import Invocation
from mvc.cli.terminal import count, escape, short, style
from mvc.cli.verb import verb
from mvc.porcelain.fsck import Hit, Report, fsck
from mvc.storage import usage


@verb("fsck")
@click.option("--read-data", is_flag=True, help="Also rebuild every file and compare it with its id.")
def command(invocation: Invocation, read_data: bool) -> int:
    """Check every record of the repository, and that every version can be given back; changes nothing.

    Exits with 14 when something is damaged or missing, and says which versions and files that hits.
    """
    repository = invocation.repository()
    total = 0 if read_data else usage.on_disk(repository.door)
    with invocation.progress("Checking", total) as progress:
        report = fsck(repository, read_data=read_data, progress=progress)
    damaged = list(dict.fromkeys(hit.version for hit in report.hits))
    invocation.emit("fsck", report.to_json, lambda: _lines(report), ids=damaged, page=True)
    return errors.Damaged.exit_code if report.findings else 0


def _lines(report: Report) -> Iterator[str]:
    counts = ", ".join(f"{number} {escape(what)}" for what, number in sorted(report.counts.items()))
    yield f"Checked {counts or 'an empty store'}"
    if report.pending is not None:
        yield f"An interrupted `mvc {escape(report.pending)}` waits; the next command that writes finishes it."
    for finding in report.findings:
        yield f"{style(finding.kind, fg='red')}  {escape(finding.path)}: {escape(finding.message)}"
    if report.hits:
        yield "This touches:"
        yield from (f"  {_hit(hit)}" for hit in report.hits)
    if report.findings:
        yield style(count(len(report.findings), "finding"), fg="red", bold=True)
    else:
        yield style("Nothing is wrong.", fg="green")


def _hit(hit: Hit) -> str:
    number = f"v{hit.number} " if hit.number is not None else ""
    where = escape(hit.path) if hit.path is not None else "the whole version"
    return f"{escape(', '.join(hit.models))} {number}{short(hit.version)}: {where}"
