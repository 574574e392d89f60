"""`mvc branch`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import escape, short, style
from mvc.porcelain import branch
from mvc.porcelain.branch import Branches
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
        invocation.emit(
            "branch",
            found.to_json,
            lambda: _lines(found, long=long),
            ids=[each.name for each in found.branches],
        )
    elif rename:
        old, new = (name, target) if target else (here, name)
        if old is None:
            raise click.UsageError("the model is not on a branch; say which one: -m OLD NEW")
        branch.rename(repository, model, old, new, invocation.actor())
        _say(invocation, f"{old} is now {new}", new)
    elif delete or force:
        gone = branch.delete(repository, model, name, invocation.actor(), force=force)
        id_ = short(gone.id or "")
        _say(invocation, f"Deleted {name}, which was at {id_}; `mvc branch {name} {id_}` brings it back", name)
    else:
        branch.create(repository, model, name, revisions.resolve(repository, model, target or "HEAD"), invocation.actor())
        _say(invocation, f"Made {name}; `mvc switch {name}` goes there", name)


def _say(invocation: Invocation, text: str, name: str) -> None:
    invocation.emit("branch", lambda: {"name": name}, lambda: [escape(text)])


def _lines(found: Branches, *, long: bool) -> Iterator[str]:
    if found.detached:
        yield f"* (detached at {short(found.detached)})"
    for each in found.branches:
        name = style(escape(each.name), fg="green") if each.current else escape(each.name)
        at = f"v{each.number} {short(each.id)} {escape(each.subject)}" if each.id else "no version yet"
        yield f"{'*' if each.current else ' '} {name}{f'  {at}' if long else ''}"
