"""`mvc tag`."""

from __future__ import annotations

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import date, escape, short
from mvc.porcelain import tag
from mvc.repository import revisions


@verb("tag")
@click.argument("name", required=False)
@click.argument("target", required=False, metavar="[REV]")
@click.option("-m", "--message", help="Why.")
@click.option("-d", "--delete", is_flag=True, help="Delete it; it may come back for the same version only.")
def command(invocation: Invocation, name: str | None, target: str | None, message: str | None, delete: bool) -> None:
    """List tags, or tag a version. A tag never moves; for a name that does, see `mvc alias`."""
    repository, model = invocation.repository(), invocation.model()
    if name is None:
        found = tag.tags(repository, model)
        invocation.emit(
            "tag",
            lambda: {"model": model, "tags": [each.to_json() for each in found]},
            lambda: (f"{escape(e.name):<20} v{e.number} {short(e.id)}  {date(e.at)}  {escape(e.reason)}" for e in found),
            ids=[each.name for each in found],
        )
    elif delete:
        version = tag.delete(repository, model, name, invocation.actor())
        said = f"Deleted {name}, which stood for {short(version)}"
        invocation.emit("tag", lambda: {"name": name, "id": version}, lambda: [escape(said)], ids=[version])
    else:
        version = revisions.resolve(repository, model, target or "HEAD")
        made = tag.create(repository, model, name, version, invocation.actor(), message=message)
        said = f"{name} stands for v{made.number} {short(version)}"
        invocation.emit("tag", made.to_json, lambda: [escape(said)], ids=[version])
