"""`mvc fsck`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, escape, short, size, style
from mvc.cli.app.verb import verb
from mvc.porcelain.fsck import Hit, Report, fsck
from mvc.porcelain.fsck_remote import ALL, survey
from mvc.porcelain.fsck_repair import repair
from mvc.porcelain.heal import Healed, heal
from mvc.transport import connection


class _Subset(click.ParamType):  # type: ignore[type-arg]  # not subscriptable when run
    """One of so many parts, as `2/5`."""

    name = "part"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        part, slash, parts = str(value).partition("/")
        if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
            self.fail(f"{value!r} is no part; write the second of five as 2/5", param, ctx)
        return int(part), int(parts)


@verb("fsck")
@click.option("--read-data", is_flag=True, help="Also rebuild every file and compare it with its id.")
@click.option("--remote", metavar="NAME", help="Check a remote, and not what is here.")
@click.option("--subset", type=_Subset(), metavar="N/T", help="Of a remote, read part N of T of the packs.")
@click.option(
    "--repair",
    "mend",
    is_flag=True,
    help="Repair from the remote that --from names; with --remote, repair that from here.",
)
@click.option("--from", "source", metavar="NAME", help="The remote that --repair brings from.")
def command(
    invocation: Invocation,
    read_data: bool,
    remote: str | None,
    subset: tuple[int, int] | None,
    mend: bool,
    source: str | None,
) -> int:
    """Check every record of the repository, and that every version can be given back; changes nothing, unless --repair says so.

    Of a remote, all metadata is read; --read-data reads the packs too. --remote NAME --repair reads everything, and sends
    what is missing or damaged there and is here. Exits with 14 when something is damaged or missing, and says which versions and files that hits.
    """
    if mend and remote is not None and source is None and subset is None:
        return _heal(invocation, remote)
    if mend or source is not None:
        if not mend or source is None or remote is not None:
            raise click.UsageError(
                "--repair takes --from or --remote: mvc fsck --repair --from origin brings what is damaged here,"
                " mvc fsck --remote origin --repair sends what is damaged there"
            )
        return _repair(invocation, source)
    if remote is not None:
        return _remote(invocation, remote, read_data=read_data, subset=subset)
    if subset is not None:
        raise click.UsageError("--subset is for a remote: name it with --remote")
    repository = invocation.repository_to_check()
    with invocation.progress("Checking") as progress:
        report = fsck(repository, read_data=read_data, progress=progress)
    damaged = list(dict.fromkeys(hit.version for hit in report.hits))
    invocation.emit("fsck", report.to_json, lambda: _lines(report), ids=damaged, page=True)
    return errors.Damaged.exit_code if report.findings else 0


def _remote(invocation: Invocation, name: str, *, read_data: bool, subset: tuple[int, int] | None) -> int:
    repository = invocation.repository()
    with connection.open_remote(repository, name) as there, invocation.progress(f"Reading {name}") as progress:
        read = read_data or subset is not None
        report = survey(repository, there, read_data=read, subset=subset or ALL, progress=progress)
    damaged = list(dict.fromkeys(hit.version for hit in report.hits))
    invocation.emit("fsck", report.to_json, lambda: _lines(report), ids=damaged, page=True)
    return errors.Damaged.exit_code if report.findings else 0


def _heal(invocation: Invocation, name: str) -> int:
    repository = invocation.repository()
    with connection.open_remote(repository, name) as there, invocation.progress(f"Reading {name}") as progress:
        done = heal(repository, there, invocation.actor(), progress)
    damaged = list(dict.fromkeys(hit.version for hit in done.after.hits))
    invocation.emit("fsck", done.to_json, lambda: healed_lines(name, done), ids=damaged, page=True)
    return errors.Damaged.exit_code if done.after.findings else 0


def healed_lines(name: str, done: Healed) -> Iterator[str]:
    """What a repair of a remote did, and what it left."""
    found, left = len(done.before.findings), len(done.after.findings)
    if found:
        yield f"{escape(name)}: {count(found, 'finding')}, sent {size(done.sent)} again, {left} left."
    yield from _lines(done.after)
    if left:
        yield "What is left is not in this repository either, or only somebody who may delete there can replace it."


def _repair(invocation: Invocation, name: str) -> int:
    repository = invocation.repository()
    with connection.open_remote(repository, name) as there, invocation.progress(f"Fetching from {name}") as progress:
        done = repair(repository, there, progress)
    mended = len(done.before.findings) - len(done.after.findings)
    invocation.emit(
        "fsck",
        done.to_json,
        lambda: [f"Of {count(len(done.before.findings), 'finding')}, {mended} mended.", *_lines(done.after)],
        page=True,
    )
    return errors.Damaged.exit_code if done.after.findings else 0


def _lines(report: Report) -> Iterator[str]:
    counts = ", ".join(f"{number} {escape(what)}" for what, number in sorted(report.counts.items()))
    yield f"Checked {counts or 'an empty store'}"
    if report.pending is not None:
        yield f"An interrupted `mvc {escape(report.pending)}` waits; the next command that writes finishes it."
    if report.cloning is not None:
        yield f"This clone of {escape(report.cloning)} is unfinished; run the same `mvc clone` again to resume it."
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
