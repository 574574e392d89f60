"""`mvc checkout`: the habit of Git, routed to `switch` and `restore`."""

from __future__ import annotations

import click

from mvc.cli import restore, switch
from mvc.cli.invocation import Invocation, verb


@verb("checkout")
@click.argument("target", required=False, metavar="[BRANCH|REV]")
@click.argument("names", nargs=-1, metavar="[-- ROLE|PATH...]")
@click.option("-b", "create", metavar="NAME", help="As switch -c.")
@click.option("-f", "--force", is_flag=True, help="As switch --force.")
def command(invocation: Invocation, target: str | None, names: tuple[str, ...], create: str | None, force: bool) -> None:
    """As in Git: `checkout BRANCH` is `mvc switch BRANCH`, `checkout REV -- PATH` is `mvc restore --source REV PATH`."""
    if names:
        invocation.note(f"hint: this is `mvc restore {f'--source {target} ' if target else ''}{' '.join(names)}`")
        restore.run(invocation, names, target)
    elif target is None and create is None:
        raise click.UsageError("say what to check out: a branch, a version, or REV -- PATH")
    else:
        invocation.note(f"hint: this is `mvc switch {f'-c {create} ' if create else ''}{target or ''}`".replace(" `", "`"))
        switch.run(invocation, target, create=create, detach=False, force=force)
