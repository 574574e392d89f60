"""`mvc fsck`: its options, arguments and output."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, size, style
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.porcelain.fsck import Hit, Report, fsck
from mvc.porcelain.fsck_remote import ALL, survey
from mvc.porcelain.fsck_repair import repair
from mvc.porcelain.heal import Healed, heal
from mvc.transport import connection


class _Subset(click.ParamType):  # type: ignore[type-arg]  # not subscriptable when run
    """Part N of T, written `2/5`."""

    name = "part"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        part, slash, parts = str(value).partition("/")
        if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
            self.fail(f"{value!r} is not N/T; write 2/5 for the second of five parts", param, ctx)
        return int(part), int(parts)


@verb("fsck")
@click.option(
    "--read-data", is_flag=True, help="Also verify file contents: rebuild every file, or read every pack of a remote."
)
@click.option("--remote", metavar="NAME", help="Check remote NAME, not this repository.")
@click.option(
    "--subset", type=_Subset(), metavar="N/T", help="With --remote: read only part N of T of its packs, such as 2/5."
)
@click.option(
    "--repair",
    "repairing",
    is_flag=True,
    help="Repair this repository (with --from) or a remote (with --remote).",
)
@click.option("--from", "source", metavar="NAME", help="With --repair: remote to copy intact data from.")
def command(
    invocation: Invocation,
    read_data: bool,
    remote: str | None,
    subset: tuple[int, int] | None,
    repairing: bool,
    source: str | None,
) -> int:
    """Verify the integrity of the repository or a remote.

    Checks every object and log entry, and that every version is complete. Nothing is changed without --repair. With
    --remote, reads all metadata of the remote, and with --read-data its packs too. --remote NAME --repair reads
    everything, and replaces missing or damaged data on the remote with this repository's intact copies. If anything is
    damaged or missing, lists the affected versions and files and exits with 14. With --subset, several processes or
    machines verify a remote together: the parts 1/T to T/T have each pack once.
    """
    if repairing and remote is not None and source is None and subset is None:
        return _heal(invocation, remote)
    if repairing or source is not None:
        if not repairing or source is None or remote is not None:
            raise click.UsageError(
                "--repair needs --from or --remote: `mvc fsck --repair --from origin` repairs this repository,"
                " `mvc fsck --remote origin --repair` repairs the remote"
            )
        return _repair(invocation, source)
    if remote is not None:
        return _remote(invocation, remote, read_data=read_data, subset=subset)
    if subset is not None:
        raise click.UsageError("--subset needs --remote NAME")
    repository = invocation.repository_to_check()
    with invocation.progress("Checking") as progress:
        report = fsck(repository, read_data=read_data, progress=progress)
    damaged = list(dict.fromkeys(hit.version for hit in report.hits))
    invocation.emit("fsck", report, lambda: _lines(report), ids=damaged, page=True)
    return errors.Damaged.exit_code if report.findings else 0


def _remote(invocation: Invocation, name: str, *, read_data: bool, subset: tuple[int, int] | None) -> int:
    repository = invocation.repository()
    with connection.open_remote(repository, name) as connected, invocation.progress(f"Reading {name}") as progress:
        read = read_data or subset is not None
        report = survey(repository, connected, read_data=read, subset=subset or ALL, progress=progress)
    damaged = list(dict.fromkeys(hit.version for hit in report.hits))
    invocation.emit("fsck", report, lambda: _lines(report), ids=damaged, page=True)
    return errors.Damaged.exit_code if report.findings else 0


def _heal(invocation: Invocation, name: str) -> int:
    repository = invocation.repository()
    with connection.open_remote(repository, name) as connected, invocation.progress(f"Reading {name}") as progress:
        done = heal(repository, connected, invocation.actor(), progress)
    damaged = list(dict.fromkeys(hit.version for hit in done.after.hits))
    invocation.emit("fsck", done, lambda: healed_lines(name, done), ids=damaged, page=True)
    return errors.Damaged.exit_code if done.after.findings else 0


def healed_lines(name: str, done: Healed) -> Iterator[str]:
    """Yield a summary of a remote's repair, and its remaining findings."""
    total, left = len(done.before.findings), len(done.after.findings)
    if total:
        yield f"{escape(name)}: {count(total, 'problem')} found, {size(done.sent)} uploaded again, {left} left."
    yield from _lines(done.after)
    if left:
        yield f"The remaining problems need data that this repository lacks too, or delete permission on {escape(name)}."


def _repair(invocation: Invocation, name: str) -> int:
    repository = invocation.repository()
    with (
        connection.open_remote(repository, name) as connected,
        invocation.progress(f"Fetching from {name}") as progress,
    ):
        done = repair(repository, connected, progress)
    repaired = len(done.before.findings) - len(done.after.findings)
    invocation.emit(
        "fsck",
        done,
        lambda: [f"Repaired {repaired} of {count(len(done.before.findings), 'problem')}.", *_lines(done.after)],
        page=True,
    )
    return errors.Damaged.exit_code if done.after.findings else 0


def _lines(report: Report) -> Iterator[str]:
    counts = ", ".join(_counted(number, escape(noun)) for noun, number in sorted(report.counts.items()))
    yield f"Checked {counts or 'an empty store'}"
    if report.subset is not None:
        yield f"Read part {report.subset} of the packs."
    if report.pending is not None:
        yield f"An interrupted `mvc {escape(report.pending)}` is incomplete; the next command that writes completes it."
    if report.pruning:
        yield f"An interrupted `mvc prune` left {count(report.pruning, 'chunk')} of dropped files; `mvc gc` removes them."
    if report.cloning is not None:
        yield f"This clone of {escape(report.cloning)} is unfinished; run the same `mvc clone` again to resume it."
    for finding in report.findings:
        yield f"{style(finding.kind, fg='red')}  {escape(finding.path)}: {escape(finding.message)}"
    if report.hits:
        yield "Affected:"
        yield from (f"  {_hit(hit)}" for hit in report.hits)
    if report.findings:
        yield style(f"{count(len(report.findings), 'problem')} found.", fg="red", bold=True)
    else:
        yield style("No problems found.", fg="green")


def _counted(number: int, nouns: str) -> str:
    """Return `3 ref entries`, `1 ref entry`; `nouns` is in the plural."""
    one = nouns.replace("ries", "ry") if "ries" in nouns else re.sub(r"s\b", "", nouns, count=1)
    return count(number, one, nouns)


def _hit(hit: Hit) -> str:
    number = f"v{hit.number} " if hit.number is not None else ""
    where = escape(hit.path) if hit.path is not None else "the whole version"
    return f"{escape(', '.join(hit.models))} {number}{short(hit.version)}: {where}"
