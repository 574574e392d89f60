"""`mvc alias`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli import reflog
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.verb import group, subverb
from mvc.porcelain import alias as porcelain
from mvc.porcelain.alias import Alias
from mvc.repository import revisions
from mvc.repository.model import Model


@group("alias")
def command(invocation: Invocation) -> None:
    """Names that are moved on purpose, such as prod, and remember every move. Alone: the list of them."""
    found = porcelain.aliases(invocation.repository(), invocation.model())
    invocation.emit(
        "alias",
        lambda: {"aliases": [alias.to_json() for alias in found]},
        lambda: _lines(found),
        ids=[alias.name for alias in found],
        page=True,
    )


def _lines(found: Sequence[Alias]) -> Iterator[str]:
    rows = [
        (
            escape(alias.name),
            f"v{alias.number}",
            short(alias.id),
            f"since {date(alias.since)}",
            f"by {escape(alias.by.partition(' <')[0])}",
            escape(alias.reason.partition("\n")[0]),
        )
        for alias in found
    ]
    return aligned(rows)


@subverb(command, "set")
@click.argument("name")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("-m", "--message", metavar="WHY", help="Why it is moved.")
@click.option("--force", is_flag=True, help="Also where the version is not ready for what it is meant for.")
def assign(invocation: Invocation, name: str, revision: str, message: str | None, force: bool) -> None:
    """Have NAME stand for REV (or where you are) from now on.

    Refused when REV is not ready for what `intent.ready_for` says it is meant for; `mvc check` tells what that takes.
    """
    repository, model = invocation.writer(), invocation.model()
    target = revisions.resolve(Model(repository, model), revision)
    done = porcelain.assign(repository, model, name, target, invocation.actor(), reason=message, force=force)
    _told(invocation, done)


@subverb(command, "rm")
@click.argument("name")
def remove(invocation: Invocation, name: str) -> None:
    """Remove NAME; its log stays, and `mvc alias rollback NAME` brings it back."""
    id_ = porcelain.remove(invocation.writer(), invocation.model(), name, invocation.actor())
    invocation.emit(
        "alias",
        lambda: {"deleted": [{"name": name, "id": id_}]},
        lambda: [f"Removed {escape(name)}, which stood for {short(id_)}"],
    )


@subverb(command, "log")
@click.argument("name")
def log(invocation: Invocation, name: str) -> None:
    """Every move of NAME, the newest first, with who and why."""
    reflog.emit(invocation, porcelain.log(invocation.repository(), invocation.model(), name))


@subverb(command, "rollback")
@click.argument("name")
@click.option("-m", "--message", metavar="WHY", help="Why it is moved back.")
def rollback(invocation: Invocation, name: str, message: str | None) -> None:
    """Move NAME back to where it stood before its last move; again: before the move before that."""
    repository, model = invocation.writer(), invocation.model()
    _told(invocation, porcelain.rollback(repository, model, name, invocation.actor(), reason=message))


def _told(invocation: Invocation, alias: Alias) -> None:
    said = f"{escape(alias.name)} stands for v{alias.number} {short(alias.id)} now"
    invocation.emit("alias", alias.to_json, lambda: [said])
