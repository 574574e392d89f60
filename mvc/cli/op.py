"""`mvc op`: its sub-verbs, options and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli import undo
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, moment, short
from mvc.cli.app.verb import group, subverb
from mvc.plural import count
from mvc.porcelain import op as porcelain
from mvc.porcelain.op import Operation
from mvc.porcelain.undo import restore
from mvc.repository.model import Model


@group("op")
def command(invocation: Invocation) -> None:
    """List, show or restore operations.

    An operation is a command that changed the model. Without a sub-command, list them. Each can be undone with `mvc undo`, until gc.reflog-expire days have passed.
    """
    _log(invocation, None)


@subverb(command, "log")
@click.option("-n", "--max-count", "limit", type=click.IntRange(min=1), metavar="N", help="Show at most N operations.")
def log(invocation: Invocation, limit: int | None) -> None:
    """List the operations, newest first."""
    _log(invocation, limit)


@subverb(command, "show")
@click.argument("number", type=click.IntRange(min=1), metavar="N")
def show(invocation: Invocation, number: int) -> None:
    """Show operation N, with its refs and files before and after."""
    listed = porcelain.operation(Model(invocation.repository(), invocation.model()), number)
    invocation.emit("op", listed, lambda: _shown(listed), page=True)


@subverb(command, "restore")
@click.argument("number", type=click.IntRange(min=1), metavar="N")
@click.option("--discard", is_flag=True, help="Do not keep local changes for `mvc undo`.")
def back(invocation: Invocation, number: int, discard: bool) -> None:
    """Restore refs, HEAD and files to their state after operation N.

    All later operations are reversed, by new ref entries. `mvc undo` reverses this, too.
    """
    repository, model = invocation.writer(), invocation.model()
    with invocation.progress("Writing files") as progress:
        done = restore(Model(repository, model), number, invocation.actor(), discard=discard, progress=progress)
    undo.emit(invocation, "op", "Reversed", [done])


def _log(invocation: Invocation, limit: int | None) -> None:
    listed = porcelain.operations(Model(invocation.repository(), invocation.model()), limit=limit)
    invocation.emit(
        "op", {"operations": listed}, lambda: _listed(listed), ids=[str(item.number) for item in listed], page=True
    )


def _listed(operations: Sequence[Operation]) -> Iterator[str]:
    rows = [
        (
            str(item.number),
            moment(item.at),
            escape(item.by.partition(" <")[0]),
            escape(item.command.partition("\n")[0]),
            _state(item),
        )
        for item in operations
    ]
    return aligned(rows, right=frozenset({0}))


def _state(operation: Operation) -> str:
    if operation.undone:
        return "(undone)"
    if operation.undoes:
        return f"(reverses {', '.join(map(str, operation.undoes))})"
    return "(cannot be undone)" if operation.final else ""


def _shown(operation: Operation) -> Iterator[str]:
    yield f"operation {operation.number} {_state(operation)}".rstrip()
    yield f"Author:  {escape(operation.by)}"
    yield f"Date:    {moment(operation.at)}"
    yield f"Command: {escape(operation.command)}"
    if operation.head_moved:
        yield f"  HEAD  {_branch(operation.branch_before)} -> {_branch(operation.branch)}"
    for ref in operation.refs:
        yield f"  {escape(ref.ref)}  {_id(ref.old)} -> {_id(ref.new)}"
    for file in operation.files:
        lost = "" if file.kept else " (not kept)"
        yield f"  {escape(file.path)}  {_id(file.old)}{lost} -> {_id(file.new)}"
    if not (operation.head_moved or operation.refs or operation.files):
        yield f"  {count(0, 'ref')} and files here changed"


def _branch(name: str | None) -> str:
    return escape(name) if name is not None else "detached"


def _id(id_: str | None) -> str:
    return short(id_) if id_ is not None else "none"
