"""`mvc redo`: its options and output."""

from __future__ import annotations

import click

from mvc.cli import undo
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.porcelain.undo import redo
from mvc.repository.model import Model


@verb("redo", git=False)
@click.option("--discard", is_flag=True, help="Do not keep local changes for `mvc undo`.")
def command(invocation: Invocation, discard: bool) -> None:
    """Reverse the last undo.

    After another operation there is nothing to redo; `mvc op restore N` goes back to any state.
    """
    repository, model = invocation.writer(), invocation.model()
    with invocation.progress("Writing files") as progress:
        done = redo(Model(repository, model), invocation.actor(), discard=discard, progress=progress)
    undo.emit(invocation, "redo", "Redid: reversed", [done])
