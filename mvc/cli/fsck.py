"""`mvc fsck`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import count, escape, short, style
from mvc.errors import Damaged
from mvc.porcelain.fsck import Report, fsck
from mvc.storage import usage


@verb("fsck")
@click.option("--read-data", is_flag=True, help="Rebuild and hash every file too.")
def command(invocation: Invocation, read_data: bool) -> int:
    """Check every record, object, recipe and pack, and that each version has all it needs.

    Damage is listed with the versions and files it touches. Nothing is changed.
    """
    repository = invocation.repository()
    total = usage.on_disk(repository.door)
    with invocation.progress("Checking", 0 if read_data else total) as progress:
        report = fsck(repository, read_data=read_data, progress=progress)
    invocation.emit("fsck", report.to_json, lambda: _lines(report))
    return Damaged.exit_code if report.findings else 0


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield f"{style(finding.kind, fg='red')}  {escape(finding.path)}: {escape(finding.message)}"
    if report.hits:
        yield "These cannot be given back whole:"
    for hit in report.hits:
        number = f"v{hit.number} " if hit.number is not None else ""
        what = escape(hit.path) if hit.path is not None else "the whole version"
        yield f"  {', '.join(map(escape, hit.models))}  {number}{short(hit.version)}  {what}"
    if report.pending:
        yield f"An interrupted `mvc {escape(report.pending)}` will be finished by the next command that writes."
    looked = ", ".join(f"{number} {what}" for what, number in report.counts.items())
    yield f"{count(len(report.findings), 'finding')}; looked at {looked}" if report.findings else f"All is whole: {looked}"
