"""`mvc reflog`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import escape, short
from mvc.porcelain.reflog import Moves, reflog
from mvc.repository.repository import Repository


@verb("reflog")
@click.argument("name", required=False)
def command(invocation: Invocation, name: str | None) -> None:
    """Every move of a branch, tag or alias, newest first; NAME@{n} is where it stood n moves ago."""
    repository = invocation.repository()
    moves = reflog(repository, invocation.model(), name)
    invocation.emit("reflog", moves.to_json, lambda: lines(repository, moves), page=True)


def lines(repository: Repository, moves: Moves) -> Iterator[str]:
    """One line a move."""
    for number, entry in enumerate(moves.moves):
        to = f"v{repository.objects.version(entry.new).number} {short(entry.new)}" if entry.new else "removed"
        move = entry.move
        time = str(move.at).replace("T", " ")
        yield f"{escape(moves.ref.name)}@{{{number}}}  {to}  {time}  {escape(move.by)}  {escape(move.reason)}"
