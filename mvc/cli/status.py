"""`mvc status`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, escape, short, size, style
from mvc.cli.app.verb import verb
from mvc.porcelain.status import Status, status
from mvc.repository.upstream import Upstream


@verb("status")
@click.option("--exit-code", is_flag=True, help="Exit with 1 when there is something to commit.")
def command(invocation: Invocation, exit_code: bool) -> int:
    """What the next commit would hold.

    A file that looks as it did when it was last read is not read again.
    """
    found = status(invocation.repository(), invocation.model())
    for note in found.notes:
        invocation.note(render.fault(note))
    invocation.emit("status", found.to_json, lambda: _lines(found))
    return int(exit_code and not found.clean)


def _lines(found: Status) -> Iterator[str]:
    yield from _where(found)
    if found.merging:
        yield style(
            f"A merge of {short(found.merging.theirs)} is under way: `mvc merge --continue`, or --abort", fg="yellow"
        )
    if found.pending:
        yield style(
            f"An interrupted `mvc {escape(found.pending)}` is finished by the next command that writes.", fg="yellow"
        )
    if found.matches:
        number, id_ = found.matches
        yield f"model.toml is that of v{number} {short(id_)} (after a `git switch`?): `mvc switch {short(id_)}` follows it"
    if found.advanced:
        at = f"v{found.advanced.number} {short(found.advanced.id)}"
        yield f"The branch was moved to v{found.number} by a record; the files are still those of {at}:"
        yield f"  `mvc restore .` takes those of v{found.number}, and edits are lost; `mvc switch -c NAME {short(found.advanced.id)}` keeps yours"
    if not found.difference.is_empty:
        yield ""
        yield "Changes for the next commit:"
        yield from (f"  {line}" for line in render.difference(found.difference, unread=True))
    yield from _section("Cannot be committed:", [f"!  {escape(each.message)}" for each in found.problems])
    yield from _section("Rules:", [f"{p.severity}  {escape(p.key)}: {escape(p.message)}" for p in found.broken])
    if found.unready:
        yield from ("", *map(render.not_ready, found.unready))
    if found.untracked:
        yield from _section("Not tracked:", [f"?  {escape(path)}" for path in found.untracked])
        yield "     (`mvc add PATH --as ROLE` tracks one; .mvcignore hides it)"
    yield from _section("Skipped, since they look like credentials:", [f"?  {escape(path)}" for path in found.skipped])
    if found.skipped:
        yield "     (`mvc add PATH` tracks one by its own path; .mvcignore hides it)"
    if found.elsewhere:
        total = size(sum(entry.size for entry in found.elsewhere))
        yield f"Not checked out: {count(len(found.elsewhere), 'file')}, {total}; the next version keeps them."
        yield "     (`mvc restore PATH` fetches one, `mvc restore .` all; `mvc ls` lists them)"
    if found.clean:
        yield "Nothing to commit, all is as the version has it."
    elif found.base is None and found.difference.is_empty:
        yield "Nothing is tracked yet: `mvc add PATH --as ROLE`"


def _where(found: Status) -> Iterator[str]:
    names = [escape(name) for kind, name in found.names if not (kind == "branch" and name == found.branch)]
    at = f"v{found.number}" + (f" ({', '.join(names)})" if names else "") if found.base else "no version yet"
    place = f"On branch {style(escape(found.branch), bold=True)}" if found.branch else "Detached"
    yield f"{place} · model {style(escape(found.model), bold=True)} · base {at}"
    if found.upstream is not None:
        yield from _against(found.upstream)


def _against(found: Upstream) -> Iterator[str]:
    theirs = escape(f"{found.remote}/{found.name}")
    if found.ahead and found.behind:
        yield f"This branch and {theirs} have both moved on: {found.ahead} here, {found.behind} there"
    elif found.ahead:
        yield f"Ahead of {theirs} by {count(found.ahead, 'version')}: `mvc push`"
    elif found.behind:
        yield f"Behind {theirs} by {count(found.behind, 'version')}: `mvc pull`"


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines)
