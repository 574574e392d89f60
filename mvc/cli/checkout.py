"""`mvc checkout`, as in Git: runs `switch` or `restore`."""

from __future__ import annotations

import shlex

import click

from mvc.cli import restore, switch
from mvc.cli.app.command import divided
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.cli.git.paths import revisions_and_paths
from mvc.repository.model import Model


@verb("checkout", apart=(("-b", "-B"), ("-b", "--detach"), ("-B", "--detach")))
@click.argument("words", nargs=-1, metavar="[BRANCH|REV] [-- ROLE|PATH...]")
@click.option("-b", "create", metavar="NAME", help="Create branch NAME and switch to it (`switch -c`).")
@click.option("-B", "force_create", metavar="NAME", help="As -b; an existing branch is not moved (`switch -C`).")
@click.option("-d", "--detach", is_flag=True, help="Detach HEAD at the version, even if it is a branch.")
@click.option("-f", "--force", is_flag=True, help="Discard local changes that are in the way (`switch -f`).")
@click.option("--discard", is_flag=True, help="Do not keep local changes for `mvc undo`.")
def command(
    invocation: Invocation,
    words: tuple[str, ...],
    create: str | None,
    force_create: str | None,
    detach: bool,
    force: bool,
    discard: bool,
) -> None:
    """Switch branches or restore files (as in Git).

    `checkout BRANCH` runs `mvc switch BRANCH`, `checkout REV -- PATH` runs `mvc restore --source REV PATH`.
    """
    create = create or force_create
    before, paths = divided(words)
    if before and not paths and create is None and before[0] not in ("-", "@{-1}"):
        before, _ = revisions_and_paths(invocation, Model(invocation.repository(), invocation.model()), words)
        paths = words[len(before) :]
    target = before[0] if before else None
    if force and not before and not paths and create is None:
        paths = (".",)  # as in Git, without a branch it discards every change
    names = (*before[1:], *paths)
    if names and create is not None:
        raise click.UsageError("-b creates a branch, so it takes no PATH")
    if names:
        _hint(invocation, "restore", *(("--source", target) if target else ()), *names)
        restore.run(invocation, names, target, discard=discard)
    elif target is None and create is None and not detach:
        raise click.UsageError("nothing to check out: give a branch, a version, or REV -- PATH")
    else:
        _hint(
            invocation,
            "switch",
            *(("-d",) if detach else ()),
            *(("-c", create) if create else ()),
            *((target,) if target else ()),
        )
        switch.run(invocation, target, create=create, detach=detach, force=force, discard=discard)


def _hint(invocation: Invocation, *words: str) -> None:
    invocation.note(f"hint: running `mvc {shlex.join(words)}`, which does this part of Git's checkout")
