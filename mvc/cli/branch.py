"""`mvc branch`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import escape, short, style
from mvc.porcelain import branch
from mvc.porcelain.branch import Branch
from mvc.repository import revisions


@verb("branch")
@click.argument("name", required=False)
@click.argument("target", required=False, metavar="[REV]")
@click.option("-d", "--delete", is_flag=True, help="Delete it, if something else reaches its versions.")
@click.option("-D", "force", is_flag=True, help="Delete it in any case.")
@click.option("-m", "--move", "rename", is_flag=True, help="Rename: -m OLD NEW, or -m NEW for the current one.")
@click.option("--show-current", is_flag=True, help="Print the current branch.")
@click.option("-v", "--verbose", "long", is_flag=True, help="With each branch's newest version.")
def command(
    invocation: Invocation,
    name: str | None,
    target: str | None,
    delete: bool,
    force: bool,
    rename: bool,
    show_current: bool,
    long: bool,
) -> None:
    """List branches, or make, rename or delete one."""
    repository, model = invocation.repository(), invocation.model()
    here = repository.head(model).branch
    if show_current:
        invocation.emit("branch", lambda: {"current": here}, lambda: [escape(here)] if here else [])
    elif name is None:
        found = branch.branches(repository, model)
        at = None if here else repository.current(model)
        invocation.emit(
            "branch",
            lambda: {"model": model, "current": here, "branches": [each.to_json() for each in found]},
            lambda: _lines(found, at, long=long),
            ids=[each.name for each in found],
        )
    elif rename:
        old, new = (name, target) if target else (here, name)
        if old is None:
            raise click.UsageError("the model is not on a branch; say which one: -m OLD NEW")
        branch.rename(repository, model, old, new, invocation.actor())
        _say(invocation, f"{old} is now {new}", new)
    elif delete or force:
        gone = branch.delete(repository, model, name, invocation.actor(), force=force)
        _say(invocation, f"Deleted {name}, which was at {short(gone)}; `mvc branch {name} {short(gone)}` brings it back", name)
    else:
        branch.create(repository, model, name, revisions.resolve(repository, model, target or "HEAD"), invocation.actor())
        _say(invocation, f"Made {name}; `mvc switch {name}` goes there", name)


def _say(invocation: Invocation, text: str, name: str) -> None:
    invocation.emit("branch", lambda: {"name": name}, lambda: [escape(text)])


def _lines(found: list[Branch], detached: str | None, *, long: bool) -> Iterator[str]:
    if detached:
        yield f"* (detached at {short(detached)})"
    for each in found:
        name = style(escape(each.name), fg="green") if each.current else escape(each.name)
        more = f"  v{each.number} {short(each.version)} {escape(each.subject)}" if long else ""
        yield f"{'*' if each.current else ' '} {name}{more}"
