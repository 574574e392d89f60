"""`mvc switch`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, escape, short
from mvc.cli.app.verb import verb
from mvc.porcelain.switch import Switched, switch


@verb("switch")
@click.argument("target", required=False, metavar="[BRANCH|REV]")
@click.option("-c", "--create", metavar="NAME", help="Make a branch there first, and go to it.")
@click.option("-d", "--detach", is_flag=True, help="Go to the version, not to the branch.")
@click.option("-f", "--force", is_flag=True, help="Give up edits that are in the way.")
def command(invocation: Invocation, target: str | None, create: str | None, detach: bool, force: bool) -> None:
    """Stand at another branch or version, with the files that belong to it.

    A branch moves with commits; going to anything else (v7, prod) detaches. Edits in the way are refused, never lost.
    """
    if target is None and create is None and not detach:
        raise click.UsageError("say where to: a branch, a version (v7), an alias, or -c NAME")
    run(invocation, target, create=create, detach=detach, force=force)


def run(invocation: Invocation, target: str | None, *, create: str | None, detach: bool, force: bool) -> None:
    """What `checkout` does too, when it is given a branch or a version."""
    repository, model = invocation.writer(), invocation.model()
    actor = invocation.actor()
    with invocation.progress("Writing files") as progress:
        done = switch(
            repository, model, target, create=create, detach=detach, force=force, actor=actor, progress=progress
        )
    invocation.emit("switch", done.to_json, lambda: _lines(done))


def _lines(done: Switched) -> Iterator[str]:
    at = f"v{done.number} {short(done.version)}" if done.version else "no version yet"
    if done.branch is not None:
        yield f"Now on {'the new branch ' if done.created else ''}{escape(done.branch)}, {at}"
    else:
        yield f"Now at {at}, detached: `mvc switch -c NAME` before a commit"
    files = len(done.moved.written) + len(done.moved.deleted)
    if files:
        yield f"  {count(len(done.moved.written), 'file')} written, {len(done.moved.deleted)} deleted"
