"""`mvc alias`: its options, arguments and output."""

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
    """List, set, delete or roll back aliases.

    An alias, such as prod, is a ref that moves only on purpose; its log keeps every move. Without a command, list
    the aliases.
    """
    aliases = porcelain.aliases(Model(invocation.repository(), invocation.model()))
    invocation.emit(
        "alias",
        {"aliases": aliases},
        lambda: _lines(aliases),
        ids=[alias.name for alias in aliases],
        page=True,
    )


def _lines(aliases: Sequence[Alias]) -> Iterator[str]:
    rows = [
        (
            escape(alias.name),
            f"v{alias.number}",
            short(alias.id),
            f"since {date(alias.since)}",
            f"by {escape(alias.by.partition(' <')[0])}",
            escape(alias.reason.partition("\n")[0]),
        )
        for alias in aliases
    ]
    return aligned(rows)


@subverb(command, "set")
@click.argument("name")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("-m", "--message", metavar="WHY", help="Reason for the move.")
@click.option("--force", is_flag=True, help="Set the alias even if REV is not ready.")
def assign(invocation: Invocation, name: str, revision: str, message: str | None, force: bool) -> None:
    """Set alias NAME to REV (default: HEAD).

    Refused if REV is not ready for the uses in intent.ready_for of its model.toml; `mvc check` shows why.
    """
    repository, model = invocation.writer(), invocation.model()
    target = revisions.resolve(Model(repository, model), revision)
    done = porcelain.assign(Model(repository, model), name, target, invocation.actor(), reason=message, force=force)
    _emit(invocation, done)


@subverb(command, "rm")
@click.argument("name")
def remove(invocation: Invocation, name: str) -> None:
    """Delete alias NAME.

    Its log is kept: `mvc alias rollback NAME` restores it.
    """
    id_ = porcelain.remove(Model(invocation.writer(), invocation.model()), name, invocation.actor())
    invocation.emit(
        "alias",
        {"deleted": [{"name": name, "id": id_}]},
        lambda: [f"Deleted alias {escape(name)} (was {short(id_)})"],
    )


@subverb(command, "log")
@click.argument("name")
def log(invocation: Invocation, name: str) -> None:
    """Show the moves of alias NAME, newest first."""
    reflog.emit(invocation, porcelain.log(Model(invocation.repository(), invocation.model()), name))


@subverb(command, "rollback")
@click.argument("name")
@click.option("-m", "--message", metavar="WHY", help="Reason for the rollback.")
def rollback(invocation: Invocation, name: str, message: str | None) -> None:
    """Move alias NAME back to its previous version.

    Run it again to go back one move further.
    """
    repository, model = invocation.writer(), invocation.model()
    _emit(invocation, porcelain.rollback(Model(repository, model), name, invocation.actor(), reason=message))


def _emit(invocation: Invocation, alias: Alias) -> None:
    line = f"{escape(alias.name)} -> v{alias.number} {short(alias.id)}"
    invocation.emit("alias", alias, lambda: [line])
