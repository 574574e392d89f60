"""`mvc tag`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.verb import verb
from mvc.porcelain import tag as porcelain
from mvc.porcelain.tag import Tag
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("tag")
@click.argument("names", nargs=-1, metavar="[NAME [REV]]")
@click.option("-m", "--message", metavar="WHY", help="What the tag is for.")
@click.option("-d", "--delete", is_flag=True, help="Delete NAMEs; each may come back for the same version only.")
def command(invocation: Invocation, names: tuple[str, ...], message: str | None, delete: bool) -> None:
    """List the tags, or have NAME stand for REV (or where you are) for good."""
    if delete:
        _delete(invocation, names)
    elif names:
        _make(invocation, names, message)
    elif message is not None:
        raise click.UsageError("say which tag")
    else:
        found = porcelain.tags(invocation.repository(), invocation.model())
        invocation.emit(
            "tag",
            lambda: {"tags": [tag.to_json() for tag in found]},
            lambda: _lines(found),
            ids=[tag.name for tag in found],
            page=True,
        )


def _lines(found: Sequence[Tag]) -> Iterator[str]:
    rows = [
        (escape(tag.name), f"v{tag.number}", short(tag.id), date(tag.at), escape(tag.reason.partition("\n")[0]))
        for tag in found
    ]
    return aligned(rows)


def _make(invocation: Invocation, names: tuple[str, ...], message: str | None) -> None:
    if len(names) > 2:
        raise click.UsageError("give the name of the tag, and perhaps a revision")
    repository, model = invocation.writer(), invocation.model()
    target = revisions.resolve(Model(repository, model), names[1] if len(names) > 1 else "HEAD")
    made = porcelain.create(repository, model, names[0], target, invocation.actor(), message=message)
    invocation.emit("tag", made.to_json, lambda: [f"{escape(made.name)} stands for v{made.number} {short(made.id)}"])


def _delete(invocation: Invocation, names: tuple[str, ...]) -> None:
    if not names:
        raise click.UsageError("say which tag")
    repository, model, actor = invocation.writer(), invocation.model(), invocation.actor()
    gone = {name: porcelain.delete(repository, model, name, actor) for name in names}
    invocation.emit(
        "tag",
        lambda: {"deleted": [{"name": name, "id": id_} for name, id_ in gone.items()]},
        lambda: [f"Deleted {escape(name)}, which stood for {short(id_)}" for name, id_ in gone.items()],
    )
