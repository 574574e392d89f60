"""`mvc rm`."""

from __future__ import annotations

import click

from mvc.cli.invocation import Invocation
from mvc.cli.terminal import escape
from mvc.cli.verb import verb
from mvc.porcelain import edit


@verb("rm")
@click.argument("names", nargs=-1, required=True, metavar="ROLE|PATH...")
@click.option("--cached", is_flag=True, help="Keep the files, only stop tracking them.")
@click.option("-f", "--force", is_flag=True, help="Delete files even if their bytes are nowhere else.")
def command(invocation: Invocation, names: tuple[str, ...], cached: bool, force: bool) -> None:
    """Stop tracking roles or paths, and delete their files if the store can give them back."""
    done = edit.remove(invocation.writer(), invocation.model(), names, cached=cached, force=force)
    invocation.emit(
        "rm",
        lambda: {"removed": [{"role": each.key, "path": each.old} for each in done], "cached": cached},
        lambda: [f"{escape(each.key)} ({escape(each.old)}) is tracked no more" for each in done],
    )
