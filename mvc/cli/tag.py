"""`mvc tag`."""

from __future__ import annotations

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import date, escape, short
from mvc.porcelain import naming
from mvc.porcelain.alias import named
from mvc.repository import revisions
from mvc.storage.reflog import TAGS


@verb("tag")
@click.argument("name", required=False)
@click.argument("target", required=False, metavar="[REV]")
@click.option("-m", "--message", help="Why.")
@click.option("-d", "--delete", is_flag=True, help="Delete it; it may come back for the same version only.")
def command(invocation: Invocation, name: str | None, target: str | None, message: str | None, delete: bool) -> None:
    """List tags, or tag a version. A tag never moves; for a name that does, see `mvc alias`."""
    repository, model = invocation.repository(), invocation.model()
    if name is None:
        found = named(repository, model, TAGS)
        invocation.emit(
            "tag",
            lambda: {"model": model, "tags": [each.to_json() for each in found]},
            lambda: (
                f"{escape(each.name):<20} v{each.number} {short(each.version)}  {date(each.entry.move.at)}"
                for each in found
            ),
            ids=[each.name for each in found],
        )
        return
    if delete:
        version = naming.remove(repository, model, TAGS, name, invocation.actor(), message or "tag: deleted")
        said = f"Deleted {name}, which stood for {short(version)}"
    else:
        version = revisions.resolve(repository, model, target or "HEAD")
        new = naming.set_tag(repository, model, name, version, invocation.actor(), message or "tag")
        said = f"{name} stands for {short(version)}" + ("" if new else " already")
    invocation.emit("tag", lambda: {"name": name, "id": version}, lambda: [escape(said)], ids=[version])
