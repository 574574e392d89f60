"""`mvc redo`: its options and output."""

from __future__ import annotations

import contextlib

import click

from mvc import errors
from mvc.cli import undo
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.porcelain.undo import redo
from mvc.repository.model import Model
from mvc.repository.operations import log
from mvc.repository.operations.log import Logged


@verb("redo", git=False)
@click.option("--discard", is_flag=True, help="Do not keep local changes for `mvc undo`.")
def command(invocation: Invocation, discard: bool) -> None:
    """Reverse the last undo.

    After another operation there is nothing to redo; `mvc op restore N` goes back to any state.
    """
    repository, model = invocation.writer(), invocation.model()
    with invocation.progress("Writing files") as progress:
        done = redo(Model(repository, model), invocation.actor(), discard=discard, progress=progress)
    numbers = [number for logged in done.operations for number in logged.first.undoes]
    redone: list[Logged] = []
    with contextlib.suppress(errors.NoSuchOperation):  # `mvc gc` may remove its record at any time
        redone = [log.find(Model(repository, done.model), number) for number in numbers]
    undo.emit(invocation, "redo", "Redid", [done], redone)
