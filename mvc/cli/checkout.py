"""`mvc checkout`: the habit of Git, routed to `switch` and `restore`."""

from __future__ import annotations

import shlex

import click

from mvc.cli import restore, switch
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb

_PATHS = "mvc.checkout.paths"


class _Command(click.Command):
    """Remembers what stands behind `--`, which click takes away: paths, also where a branch has the same name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_PATHS] = args[args.index("--") + 1 :] if "--" in args else []
        return super().parse_args(ctx, args)


@verb("checkout", cls=_Command)
@click.argument("words", nargs=-1, metavar="[BRANCH|REV] [-- ROLE|PATH...]")
@click.option("-b", "create", metavar="NAME", help="As switch -c.")
@click.option("-f", "--force", is_flag=True, help="As switch --force.")
def command(invocation: Invocation, words: tuple[str, ...], create: str | None, force: bool) -> None:
    """As in Git: `checkout BRANCH` is `mvc switch BRANCH`, `checkout REV -- PATH` is `mvc restore --source REV PATH`."""
    paths = click.get_current_context().meta[_PATHS]
    before = words[: len(words) - len(paths)]
    target = before[0] if before else None
    names = (*before[1:], *paths)
    if names:
        _hint(invocation, "restore", *(("--source", target) if target else ()), *names)
        restore.run(invocation, names, target)
    elif target is None and create is None:
        raise click.UsageError("say what to check out: a branch, a version, or REV -- PATH")
    else:
        _hint(invocation, "switch", *(("-c", create) if create else ()), *((target,) if target else ()))
        switch.run(invocation, target, create=create, detach=False, force=force)


def _hint(invocation: Invocation, *words: str) -> None:
    invocation.note(f"hint: this is `mvc {shlex.join(words)}`")
