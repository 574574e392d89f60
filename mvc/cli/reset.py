"""`mvc reset`."""

from __future__ import annotations

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import escape, short
from mvc.porcelain.reset import HARD, KEEP, SOFT, reset
from mvc.repository import revisions


@verb("reset")
@click.argument("target", default="HEAD", metavar="[REV]")
@click.option("--keep", is_flag=True, help="Files follow; refuse if that would lose an edit.")
@click.option("--hard", is_flag=True, help="Files follow; edits are lost.")
def command(invocation: Invocation, target: str, keep: bool, hard: bool) -> None:
    """Move the current branch to another version. Files stay as they are, unless --keep or --hard."""
    if keep and hard:
        raise click.UsageError("--keep and --hard exclude each other")
    repository, model = invocation.repository(), invocation.model()
    version = revisions.resolve(repository, model, target)
    mode = HARD if hard else KEEP if keep else SOFT
    actor = invocation.actor()
    with invocation.progress("Writing files") as progress:
        done = reset(repository, model, version, mode=mode, actor=actor, progress=progress)
    was = f", was {short(done.old)}" if done.old else ""
    where = escape(done.branch) if done.branch else "HEAD"
    invocation.emit("reset", done.to_json, lambda: [f"{where} is at v{done.number} {short(done.new)}{was}"], ids=[done.new])
