"""`mvc reflog`: its options, arguments and output."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, moment, short
from mvc.cli.app.verb import verb
from mvc.cli.history.numbers import Numbers
from mvc.porcelain.reflog import Moved, Reflog, reflog
from mvc.repository.model import Model


@verb("reflog")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("-n", "--max-count", "limit", type=click.IntRange(min=0), metavar="N", help="Show at most N moves.")
def command(invocation: Invocation, name: str | None, limit: int | None) -> None:
    """Show the moves of a branch, tag or alias.

    Lists the newest move first; NAME defaults to the current branch. NAME@{1} is the position one move ago, and is
    accepted wherever a revision is.
    """
    model = Model(invocation.repository(), invocation.model())
    log = reflog(model, name)
    emit(invocation, model, log if limit is None else dataclasses.replace(log, moves=log.moves[:limit]))


def emit(invocation: Invocation, model: Model, log: Reflog) -> None:
    """Print the ref log of one name, also for `mvc alias log`."""
    ids = [move.new for move in log.moves if move.new is not None]
    invocation.emit("reflog", log, lambda: _lines(model, log), ids=ids, page=True)


def _lines(model: Model, log: Reflog) -> Iterator[str]:
    numbers = Numbers(model, [moved.new for moved in log.moves if moved.number is not None])
    return aligned([_row(log.name, moved, numbers) for moved in log.moves])


def _row(name: str, moved: Moved, numbers: Numbers) -> tuple[str, ...]:
    number = numbers.of(moved.new, moved.number) if moved.number is not None else _absent(moved)
    by, reason = moved.move.by.partition(" <")[0], moved.move.reason.partition("\n")[0]
    id_ = short(moved.new or "")
    return (escape(f"{name}@{{{moved.ago}}}"), number, id_, moment(moved.move.at), escape(by), escape(reason))


def _absent(moved: Moved) -> str:
    """Return why a move has no version here."""
    if moved.new is None:
        return "removed"
    return "missing" if moved.missing else "collected"
