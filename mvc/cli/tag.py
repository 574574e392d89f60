"""`mvc tag`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.verb import verb
from mvc.cli.history import listing, signatures
from mvc.cli.history.numbers import Numbers
from mvc.porcelain import tag as porcelain
from mvc.porcelain.tag import Tag
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.storage.records.reflog import TAGS

if TYPE_CHECKING:
    from mvc.cli import semver as semver_lines
else:
    semver_lines = lazy.Module("mvc.cli.semver")

_MISSING = "missing tag name, as in `mvc tag NAME`, or `mvc tag -d NAME` to delete one"


@verb(
    "tag",
    apart=(("--list", "--message"), *((one, two) for one in ("--list", "--delete") for two in ("--sign", "--key"))),
)
@click.argument("names", nargs=-1, metavar="[NAME [REV]]")
@click.option("-m", "--message", metavar="WHY", help="Reason for the tag.")
@click.option("--semver", is_flag=True, help="Name the tag by the changes since the last one, such as v1.2.3.")
@click.option("-d", "--delete", is_flag=True, help="Delete the named tags.")
@click.option("-l", "--list", "listed", is_flag=True, help="List the tags that match a pattern, such as '2026.*'.")
@click.option("-n", "messages", is_flag=True, help="List the tags with their messages, which is the default.")
@click.option("--points-at", metavar="REV", help="List only tags of REV.")
@click.option("--contains", metavar="REV", help="List only tags that reach REV.")
@click.option("--merged", metavar="REV", help="List only tags that are reachable from REV.")
@signatures.options("the tag and its version", "-s")
@click.option("--sort", "order", type=listing.Order(), metavar="KEY", help="Sort by KEY, such as -v:refname.")
def command(
    invocation: Invocation,
    names: tuple[str, ...],
    message: str | None,
    semver: bool,
    delete: bool,
    listed: bool,
    messages: bool,
    points_at: str | None,
    contains: str | None,
    merged: str | None,
    order: str | None,
    signed: bool | None,
    key: str | None,
) -> None:
    """List, create or delete tags.

    With NAME, tag REV (default: HEAD). Tags never move; a deleted tag can be created again only for the same version.
    With --semver, tag REV with the semantic version that follows the newest one among its ancestors, as `mvc semver`
    finds it; nothing is tagged if nothing changed.
    """
    listed = listed or messages or (points_at, contains, merged, order) != (None, None, None, None)
    if semver and (delete or listed):
        raise click.UsageError("--semver cannot be combined with --delete or the options of a list")
    if semver:
        _make_next(invocation, names, message, signatures.key(invocation, signed, key))
    elif delete:
        _delete(invocation, names)
    elif names and not listed:
        _make(invocation, names, message, signatures.key(invocation, signed, key))
    elif message is not None and not listed:
        raise click.UsageError(_MISSING)
    else:
        model = Model(invocation.repository(), invocation.model())
        chosen = _chosen(model, porcelain.tags(model, names), points_at, contains, merged)
        tags = listing.ordered(chosen, order, lambda tag: tag.at.seconds)
        invocation.emit(
            "tag",
            {"tags": tags},
            lambda: _lines(model, tags),
            ids=[tag.name for tag in tags],
            page=True,
        )


def _chosen(
    model: Model, tags: Sequence[Tag], points_at: str | None, contains: str | None, merged: str | None
) -> list[Tag]:
    """Return the tags of a version, of those that reach one, or of those that another one reaches."""
    objects = model.repository.objects
    at, old, new = (revisions.resolve(model, text) if text else None for text in (points_at, contains, merged))
    return [
        tag
        for tag in tags
        if at in (None, tag.id)
        and (old is None or history.is_ancestor(objects, old, tag.id))
        and (new is None or history.is_ancestor(objects, tag.id, new))
    ]


def _lines(model: Model, tags: Sequence[Tag]) -> Iterator[str]:
    numbers = Numbers(model, [tag.id for tag in tags])
    rows = [
        (
            escape(tag.name),
            numbers.of(tag.id, tag.number),
            short(tag.id),
            date(tag.at),
            escape(tag.reason.partition("\n")[0]),
        )
        for tag in tags
    ]
    return aligned(rows)


def _make(invocation: Invocation, names: tuple[str, ...], message: str | None, key: Path | None) -> None:
    if len(names) > 2:
        raise click.UsageError("too many arguments: expected NAME [REV]")
    model = Model(invocation.writer(), invocation.model())
    target = revisions.resolve(model, names[1] if len(names) > 1 else "HEAD")
    made = porcelain.create(model, names[0], target, invocation.actor(), message=message)
    _sign(invocation, model, made, key)
    invocation.emit("tag", made, lambda: [_made(model, made)])


def _make_next(invocation: Invocation, names: tuple[str, ...], message: str | None, key: Path | None) -> None:
    if len(names) > 1:
        raise click.UsageError("too many arguments: expected --semver [REV]")
    model = Model(invocation.writer(), invocation.model())
    target = revisions.resolve(model, names[0] if names else "HEAD")
    made, following = porcelain.create_next(model, target, invocation.actor(), message=message)
    _sign(invocation, model, made, key)
    invocation.emit("tag", made, lambda: [_made(model, made), *semver_lines.lines(following)], ids=[made.name])


def _sign(invocation: Invocation, model: Model, tag: Tag, key: Path | None) -> None:
    if key is not None:
        signatures.sign(invocation, model, tag.id, key, f"tag {tag.name} is set", [model.ref(TAGS, tag.name)])


def _made(model: Model, tag: Tag) -> str:
    return f"{escape(tag.name)} -> {Numbers(model, [tag.id]).of(tag.id, tag.number)} {short(tag.id)}"


def _delete(invocation: Invocation, names: tuple[str, ...]) -> None:
    if not names:
        raise click.UsageError(_MISSING)
    repository, model, actor = invocation.writer(), invocation.model(), invocation.actor()
    deleted = {name: porcelain.delete(Model(repository, model), name, actor) for name in names}
    invocation.emit(
        "tag",
        {"deleted": [{"name": name, "id": id_} for name, id_ in deleted.items()]},
        lambda: [f"Deleted tag {escape(name)} (was {short(id_)})" for name, id_ in deleted.items()],
    )
