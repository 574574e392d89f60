"""`mvc clean`: its options, arguments and output."""

from __future__ import annotations

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.porcelain.status import status
from mvc.repository.model import Model


@verb("clean")
@click.option("-n", "--dry-run", is_flag=True, help="List the untracked weights, which Git's clean would delete.")
@click.option("-f", "--force", is_flag=True, help="Refused: mvc deletes no untracked file.")
@click.option("-d", "folders", is_flag=True, help="Accepted as in Git, without an effect.")
@click.option("-x", "ignored", is_flag=True, help="Accepted as in Git, without an effect.")
def command(invocation: Invocation, dry_run: bool, force: bool, folders: bool, ignored: bool) -> None:
    """List the untracked files.

    mvc deletes no untracked file, since no version could restore it.
    """
    if not dry_run:
        raise click.UsageError("mvc deletes no untracked file: list them with `mvc clean -n`, and delete with `rm`")
    untracked = status(Model(invocation.repository(), invocation.model())).untracked
    invocation.emit(
        "clean", {"untracked": untracked}, lambda: (f"Untracked {escape(path)}" for path in untracked), ids=untracked
    )
