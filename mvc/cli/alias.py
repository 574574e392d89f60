"""`mvc alias`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli import reflog
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.verb import group, subverb
from mvc.cli.history import notes, signatures
from mvc.cli.history.numbers import Numbers
from mvc.model.ids import VersionId
from mvc.porcelain import alias as porcelain
from mvc.porcelain.alias import Alias
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.storage.records.reflog import ALIASES

if TYPE_CHECKING:
    from mvc.cli.app import registry_tags
    from mvc.porcelain import alias_publish
else:
    registry_tags = lazy.Module("mvc.cli.app.registry_tags")
    alias_publish = lazy.Module("mvc.porcelain.alias_publish")


@group("alias")
def command(invocation: Invocation) -> None:
    """List, set, delete or roll back aliases.

    An alias, such as prod, is a ref that moves only on purpose; its log keeps every move. Without a command, list
    the aliases.
    """
    model = Model(invocation.repository(), invocation.model())
    aliases = porcelain.aliases(model)
    invocation.emit(
        "alias",
        {"aliases": aliases},
        lambda: _lines(model, aliases),
        ids=[alias.name for alias in aliases],
        page=True,
    )


def _lines(model: Model, aliases: Sequence[Alias]) -> Iterator[str]:
    numbers = Numbers(model, [alias.id for alias in aliases])
    rows = [
        (
            escape(alias.name),
            numbers.of(alias.id, alias.number),
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
@signatures.options("the move and its version")
@click.option("--publish", is_flag=True, help="Also set it as a tag on the registry, and publish REV if necessary.")
@click.option("--rename", is_flag=True, help="With --publish: also name the version there NAME.")
@click.option("--to", "registry", metavar="REGISTRY", help="With --publish: registry, by its name in `mvc remote`.")
def assign(
    invocation: Invocation,
    name: str,
    revision: str,
    message: str | None,
    force: bool,
    publish: bool,
    rename: bool,
    registry: str | None,
    signed: bool | None,
    key: str | None,
) -> None:
    """Set alias NAME to REV (default: HEAD).

    With --sign, the move and the version are signed as by `mvc sign`. With -m, the reason is recorded even if the alias is at REV already.

    Refused if REV is not ready for the uses in intent.ready_for of its model.toml; `mvc check` shows why.

    With --publish, the version that had the alias on the registry loses its tag; with --rename, it gets its own name
    back. Run the command again if it was interrupted.
    """
    _require_publish(publish, rename=rename, registry=registry)
    signing_key = signatures.key(invocation, signed, key)
    repository, model, actor = invocation.writer(), invocation.model(), invocation.actor()
    target = revisions.resolve(Model(repository, model), revision)
    if not publish:
        done = porcelain.assign(Model(repository, model), name, target, actor, reason=message, force=force)
        _sign(invocation, Model(repository, model), name, target, signing_key)
        notes.warn(invocation, Model(repository, model), target)
        _emit(invocation, Model(repository, model), done)
        return
    with registry_tags.registry(invocation, registry) as connected, invocation.progress("Publishing") as progress:
        published = alias_publish.assign(
            Model(repository, model),
            name,
            target,
            connected,
            actor,
            reason=message,
            force=force,
            rename=rename,
            progress=progress,
        )
    _sign(invocation, Model(repository, model), name, target, signing_key)
    notes.warn(invocation, Model(repository, model), target)
    for note in registry_tags.alias_notes(published):
        invocation.note(note)
    invocation.emit("alias", published, lambda: registry_tags.alias(Model(repository, model), published))


def _sign(invocation: Invocation, model: Model, name: str, target: VersionId, key: Path | None) -> None:
    if key is not None:
        signatures.sign(invocation, model, target, key, f"alias {name} is set", [model.ref(ALIASES, name)])


@subverb(command, "rm")
@click.argument("name")
@click.option("--publish", is_flag=True, help="Also remove its tag and its name on the registry.")
@click.option("--to", "registry", metavar="REGISTRY", help="With --publish: registry, by its name in `mvc remote`.")
def remove(invocation: Invocation, name: str, publish: bool, registry: str | None) -> None:
    """Delete alias NAME.

    Its log is kept: `mvc alias rollback NAME` restores it.
    """
    _require_publish(publish, registry=registry)
    model = Model(invocation.writer(), invocation.model())
    if not publish:
        id_ = porcelain.remove(model, name, invocation.actor())
        invocation.emit("alias", {"deleted": [{"name": name, "id": id_}]}, lambda: [_deleted(name, id_)])
        return
    with registry_tags.registry(invocation, registry) as connected:
        done = alias_publish.remove(model, name, connected, invocation.actor())
    for note in registry_tags.notes(done.tags):
        invocation.note(note)
    invocation.emit(
        "alias",
        {"deleted": [{"name": name, "id": done.id}], "tags": done.tags, "renamed": done.renamed},
        lambda: [_deleted(name, done.id), *registry_tags.lines(done.tags), *registry_tags.renamed(done.renamed)],
    )


def _require_publish(publish: bool, *, rename: bool = False, registry: str | None) -> None:
    """Refuse options that have a meaning with --publish only."""
    if not publish and (rename or registry is not None):
        raise click.UsageError(f"{'--rename' if rename else '--to'} needs --publish")


def _deleted(name: str, id_: VersionId) -> str:
    return f"Deleted alias {escape(name)} (was {short(id_)})"


@subverb(command, "log")
@click.argument("name")
def log(invocation: Invocation, name: str) -> None:
    """Show the moves of alias NAME, newest first."""
    model = Model(invocation.repository(), invocation.model())
    reflog.emit(invocation, model, porcelain.log(model, name))


@subverb(command, "rollback")
@click.argument("name")
@click.option("-m", "--message", metavar="WHY", help="Reason for the rollback.")
def rollback(invocation: Invocation, name: str, message: str | None) -> None:
    """Move alias NAME back to its position before the last move.

    Run it again to go back one move further: moves that were rolled back do not count. Never refused for readiness.
    """
    model = Model(invocation.writer(), invocation.model())
    done = porcelain.rollback(model, name, invocation.actor(), reason=message)
    notes.warn(invocation, model, done.id)
    _emit(invocation, model, done)


def _emit(invocation: Invocation, model: Model, alias: Alias) -> None:
    def line() -> str:
        return f"{escape(alias.name)} -> {Numbers(model, [alias.id]).of(alias.id, alias.number)} {short(alias.id)}"

    invocation.emit("alias", alias, lambda: [line()])
