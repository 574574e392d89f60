"""`mvc status`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size, style
from mvc.cli.app.terminal import short as short_id
from mvc.cli.app.verb import verb
from mvc.cli.output import lists
from mvc.model.toml.rules import Problem
from mvc.plural import count
from mvc.porcelain.status import Status, status
from mvc.repository.model import Model
from mvc.repository.upstream import Upstream

if TYPE_CHECKING:
    from mvc.cli.history import short_status
else:
    short_status = lazy.Module("mvc.cli.history.short_status")


@verb("status")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there are changes to commit.")
@click.option("-s", "--short", is_flag=True, help="Print one line per file, in Git's short format.")
@click.option("-b", "--branch", is_flag=True, help="With --short or --porcelain: print the branch, too.")
@click.option("--porcelain", type=click.Choice(["v1", "v2"]), help="Print Git's format for scripts (v1).")
@click.option(
    "-u", "--untracked-files", type=click.Choice(["no", "normal", "all"]), help="With no: leave untracked files out."
)
def command(
    invocation: Invocation,
    exit_code: bool,
    short: bool,
    branch: bool,
    porcelain: str | None,
    untracked_files: str | None,
) -> int:
    """Show the working tree status.

    Files whose size and timestamps are unchanged are not read again.
    """
    result = status(Model(invocation.repository(), invocation.model()))
    for note in result.notes:
        invocation.note(render.fault(note))
    for line in render.compressed(result.compressed):
        invocation.note(line)
    untracked = untracked_files != "no"
    if porcelain == "v2":
        invocation.emit(
            "status", result, lambda: short_status.second(result, branch=branch, untracked=untracked), wrap=False
        )
    elif short or porcelain is not None:
        invocation.emit(
            "status", result, lambda: short_status.lines(result, branch=branch, untracked=untracked), wrap=False
        )
    else:
        whole = None if invocation.verbose else "mvc status -v"
        invocation.emit("status", result, lambda: _lines(result, untracked=untracked, whole=whole))
    return int(exit_code and not result.clean)


def _lines(result: Status, *, untracked: bool, whole: str | None) -> Iterator[str]:
    yield from _head(result)
    yield from _merge(result)
    if result.bisecting is not None:
        yield style("Bisect in progress: `mvc bisect` shows the next version (or `mvc bisect reset`)", fg="yellow")
    if result.pending:
        yield style(
            f"`mvc {escape(result.pending)}` was interrupted; the next command that writes completes it", fg="yellow"
        )
    if result.matches:
        number, id_ = result.matches
        yield f"model.toml matches v{number} {short_id(id_)} (after a `git switch`?): `mvc switch {short_id(id_)}` checks it out"
    if result.advanced and result.advanced.id is None:
        yield f"v{result.number} was recorded from files elsewhere; the working tree has none of them:"
        yield "     (restore them with `mvc restore .`, which discards changes of model.toml)"
    elif result.advanced and result.advanced.id is not None:
        old = short_id(result.advanced.id)
        yield f"v{result.number} was recorded from files elsewhere; the working tree is still that of v{result.advanced.number} {old}:"
        yield f"     (update them with `mvc restore .`, which discards local changes, or keep them with `mvc switch -c NAME {old}`)"
    if not result.difference.is_empty:
        yield ""
        yield "Changes for the next commit:"
        yield from (f"  {line}" for line in render.difference(result.difference, unread=True, whole=whole))
    yield from _section("Cannot be committed:", [f"!  {escape(error.message)}" for error in result.problems])
    yield from _section("Rules:", [_problem(problem) for problem in result.broken])
    if result.unready:
        yield from ("", *map(render.not_ready, result.unready))
    if untracked:
        yield from _untracked(result, whole)
    yield from _section(
        "Skipped files that look like credentials:", [f"?  {escape(path)}" for path in result.skipped], whole
    )
    if result.skipped:
        yield "     (track one with `mvc add PATH`, or ignore it with .mvcignore)"
    if result.elsewhere:
        total = size(sum(entry.size for entry in result.elsewhere))
        yield f"Not checked out: {count(len(result.elsewhere), 'file')}, {total}; the next version keeps them."
        yield "     (fetch one with `mvc restore PATH`, all with `mvc restore .`; `mvc ls` lists them)"
    if result.clean:
        yield "Nothing to commit, working tree clean."
    elif result.base is None and result.difference.is_empty:
        yield "No tracked files yet; track one with `mvc add PATH --as ROLE`"


def _untracked(result: Status, whole: str | None) -> Iterator[str]:
    """Yield the untracked files; those that are recorded already are only counted."""
    known = frozenset(result.recorded)
    lines = [f"?  {escape(path)}" for path in result.untracked if path not in known]
    yield from _section("Untracked files:", lines, whole)
    if lines:
        yield "     (track one with `mvc add PATH --as ROLE`, or ignore it with .mvcignore)"
    if known:
        yield from () if lines else ("",)
        yield f"Not listed: {count(len(known), 'untracked weight file')} that versions of this model have already."


def _problem(problem: Problem) -> str:
    fix = f" ({escape(problem.fix)})" if problem.fix else ""
    return f"{problem.severity}  {escape(problem.key)}: {escape(problem.message)}{fix}"


def _merge(result: Status) -> Iterator[str]:
    if result.merging is None:
        return
    name = result.merging.verb
    end = f"{'resolve the conflicts, then ' if result.conflicts else ''}run `mvc {name} --continue`"
    named = f"{name.capitalize()} of {short_id(result.merging.revision)}"
    yield style(f"{named} in progress: {end} (or --abort)", fg="yellow")
    yield from _section(
        "Conflicts:", [line for conflict in result.conflicts for line in render.conflict(conflict, name)]
    )
    if result.conflicts:
        yield f"     ({render.resolve_all(name, len(result.conflicts))})"
    yield from _section("Resolved conflicts:", [escape(name) for name in result.resolved])


def _head(result: Status) -> Iterator[str]:
    names = [escape(name) for kind, name in result.names if not (kind == "branch" and name == result.branch)]
    at = f"v{result.number}" + (f" ({', '.join(names)})" if names else "") if result.base else "no version yet"
    place = f"On branch {style(escape(result.branch), bold=True)}" if result.branch else "HEAD detached"
    yield f"{place} · model {style(escape(result.model), bold=True)} · base {at}"
    if result.upstream is not None:
        yield from _against(result.upstream)


def _against(upstream: Upstream) -> Iterator[str]:
    theirs = escape(f"{upstream.remote}/{upstream.name}")
    if upstream.ahead and upstream.behind:
        yield f"This branch and {theirs} have diverged: {upstream.ahead} ahead, {upstream.behind} behind"
    elif upstream.ahead:
        yield f"Ahead of {theirs} by {count(upstream.ahead, 'version')}: `mvc push`"
    elif upstream.behind:
        yield f"Behind {theirs} by {count(upstream.behind, 'version')}: `mvc pull`"


def _section(title: str, lines: list[str], whole: str | None = None) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {line}" for line in lists.capped(lines, whole))
