"""`mvc reflog`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.verb import verb
from mvc.porcelain.reflog import Moved, Reflog, reflog


@verb("reflog")
@click.argument("name", required=False, metavar="[NAME]")
def command(invocation: Invocation, name: str | None) -> None:
    """Every move of a branch, tag or alias, the newest first; without NAME, of the current branch.

    NAME@{1} names where it stood one move ago, wherever a revision is asked for.
    """
    emit(invocation, reflog(invocation.repository(), invocation.model(), name))


def emit(invocation: Invocation, found: Reflog) -> None:
    """Answer with the moves of one name; what `alias log` does too."""
    ids = [move.new for move in found.moves if move.new is not None]
    invocation.emit("reflog", found.to_json, lambda: _lines(found), ids=ids, page=True)


def _lines(found: Reflog) -> Iterator[str]:
    return aligned([_row(found.name, moved) for moved in found.moves])


def _row(name: str, moved: Moved) -> tuple[str, ...]:
    number = f"v{moved.number}" if moved.number is not None else "collected" if moved.new else "removed"
    by, reason = moved.move.by.partition(" <")[0], moved.move.reason.partition("\n")[0]
    id_ = short(moved.new or "")
    return (escape(f"{name}@{{{moved.ago}}}"), number, id_, date(moved.move.at), escape(by), escape(reason))
