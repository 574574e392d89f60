"""`mvc reflog`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import escape, short
from mvc.porcelain.reflog import Reflog, reflog


@verb("reflog")
@click.argument("name", required=False)
def command(invocation: Invocation, name: str | None) -> None:
    """Every move of a branch, tag or alias, newest first; NAME@{n} is where it stood n moves ago."""
    moves = reflog(invocation.repository(), invocation.model(), name)
    invocation.emit("reflog", moves.to_json, lambda: lines(moves), page=True)


def lines(found: Reflog) -> Iterator[str]:
    """One line a move."""
    for each in found.moves:
        to = f"v{each.number} {short(each.new)}" if each.new else "removed"
        time = str(each.move.at).replace("T", " ")
        who = f"{escape(each.move.by)}  {escape(each.move.reason)}"
        yield f"{escape(found.name)}@{{{each.ago}}}  {to}  {time}  {who}"
