"""`mvc alias`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation, group, subverb
from mvc.cli.reflog import lines
from mvc.cli.terminal import date, escape, short
from mvc.porcelain import alias
from mvc.porcelain.alias import Alias
from mvc.repository import revisions

_message = click.option("-m", "--message", help="Why.")


@group("alias")
def command(invocation: Invocation) -> None:
    """Names that are moved on purpose, such as prod, and remember every move. Alone: list them."""
    found = alias.aliases(invocation.repository(), invocation.model())
    invocation.emit(
        "alias",
        lambda: {"aliases": [each.to_json() for each in found]},
        lambda: _lines(found),
        ids=[each.name for each in found],
    )


@subverb(command, "set")
@click.argument("name")
@click.argument("target", metavar="REV")
@_message
def _set(invocation: Invocation, name: str, target: str, message: str | None) -> None:
    """Move an alias to a version, or make it."""
    repository, model = invocation.repository(), invocation.model()
    version = revisions.resolve(repository, model, target)
    _say(invocation, alias.assign(repository, model, name, version, invocation.actor(), reason=message), "stands for")


@subverb(command, "rm")
@click.argument("name")
def _rm(invocation: Invocation, name: str) -> None:
    """Remove an alias; its history stays, and `rollback` brings it back."""
    version = alias.remove(invocation.repository(), invocation.model(), name, invocation.actor())
    said = f"{name} is gone; it stood for {short(version)}"
    invocation.emit("alias", lambda: {"name": name, "id": version}, lambda: [escape(said)], ids=[version])


@subverb(command, "log")
@click.argument("name")
def _log(invocation: Invocation, name: str) -> None:
    """Every move of an alias: who, when, why."""
    moves = alias.log(invocation.repository(), invocation.model(), name)
    invocation.emit("alias", moves.to_json, lambda: lines(moves), page=True)


@subverb(command, "rollback")
@click.argument("name")
@_message
def _rollback(invocation: Invocation, name: str, message: str | None) -> None:
    """Move an alias back to where it stood before."""
    repository, model = invocation.repository(), invocation.model()
    _say(invocation, alias.rollback(repository, model, name, invocation.actor(), reason=message), "stands again for")


def _say(invocation: Invocation, made: Alias, what: str) -> None:
    said = f"{made.name} {what} v{made.number} {short(made.id)}"
    invocation.emit("alias", made.to_json, lambda: [escape(said)], ids=[made.id])


def _lines(found: list[Alias]) -> Iterator[str]:
    for each in found:
        at = f"v{each.number} {short(each.id)}  since {date(each.since)}"
        yield f"{escape(each.name):<16} {at}  by {escape(each.by)}  {escape(each.reason)}"
