"""`mvc alias`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation, group, subverb
from mvc.cli.reflog import lines
from mvc.cli.terminal import date, escape, short
from mvc.model.ids import VersionId
from mvc.porcelain import alias, naming
from mvc.porcelain.alias import Named
from mvc.porcelain.reflog import reflog
from mvc.repository import revisions
from mvc.storage.reflog import ALIASES

_message = click.option("-m", "--message", help="Why.")


@group("alias")
def command(invocation: Invocation) -> None:
    """Names that are moved on purpose, such as prod, and remember every move. Alone: list them."""
    found = alias.named(invocation.repository(), invocation.model(), ALIASES)
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
    moved = alias.set_(repository, model, name, version, invocation.actor(), message)
    _say(invocation, name, version, "now stands for" if moved else "stands already for")


@subverb(command, "rm")
@click.argument("name")
@_message
def _rm(invocation: Invocation, name: str, message: str | None) -> None:
    """Remove an alias; its history stays."""
    repository, model = invocation.repository(), invocation.model()
    version = naming.remove(repository, model, ALIASES, name, invocation.actor(), message or "removed")
    _say(invocation, name, version, "is gone; it stood for")


@subverb(command, "log")
@click.argument("name")
def _log(invocation: Invocation, name: str) -> None:
    """Every move of an alias: who, when, why."""
    repository, model = invocation.repository(), invocation.model()
    moves = reflog(repository, model, name, kind=ALIASES)
    invocation.emit("alias", moves.to_json, lambda: lines(repository, moves), page=True)


@subverb(command, "rollback")
@click.argument("name")
@_message
def _rollback(invocation: Invocation, name: str, message: str | None) -> None:
    """Move an alias back to where it stood before its last move."""
    repository, model = invocation.repository(), invocation.model()
    version = alias.rollback(repository, model, name, invocation.actor(), message)
    _say(invocation, name, version, "stands again for")


def _say(invocation: Invocation, name: str, version: VersionId, what: str) -> None:
    number = invocation.repository().objects.version(version).number
    invocation.emit(
        "alias",
        lambda: {"name": name, "id": version, "number": number},
        lambda: [f"{escape(name)} {what} v{number} {short(version)}"],
        ids=[version],
    )


def _lines(found: list[Named]) -> Iterator[str]:
    for each in found:
        move = each.entry.move
        yield (
            f"{escape(each.name):<16} v{each.number} {short(each.version)}  since {date(move.at)}"
            f"  by {escape(move.by)}  {escape(move.reason)}"
        )
