"""`mvc publish`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, escape, short, size
from mvc.cli.app.verb import verb
from mvc.porcelain import publish as porcelain
from mvc.porcelain.publish import Published, PublishedVersion
from mvc.registry import connection
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("publish")
@click.argument("versions", nargs=-1, metavar="[REV]...")
@click.option("--to", "registry", metavar="REGISTRY", help="The registry, by the name that `mvc remote` shows.")
@click.option("--as", "there", metavar="MODEL", help="What the model is called there.")
@click.option("--all", "all_", is_flag=True, help="Every version that a branch, tag or alias leads to.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would happen.")
@click.option(
    "--allow-memory", is_flag=True, help="Hold files of over 256 MiB in memory, where the storage takes no parts."
)
def command(
    invocation: Invocation,
    versions: tuple[str, ...],
    registry: str | None,
    there: str | None,
    all_: bool,
    dry_run: bool,
    allow_memory: bool,
) -> None:
    """Make versions known on a registry, whole: fields, files, and where they come from. HEAD, if none is named.

    A version is published once, under a name that follows from it (v7-3f9c2ab1d0f4), and never changed there. What is there
    already is left alone, and what was interrupted goes on where it stopped. The token comes from PICSELLIA_TOKEN.
    """
    if all_ and versions:
        raise click.UsageError("say --all, or which versions, not both")
    repository, model, actor = invocation.writer(), invocation.model(), invocation.actor()
    wanted = (
        porcelain.everything(repository, model)
        if all_
        else [revisions.resolve(Model(repository, model), text) for text in versions or ("HEAD",)]
    )
    name = registry or connection.default_registry(repository)
    invocation.require_network(name)
    with (
        connection.registry(repository, name, invocation.environ) as found,
        invocation.progress(f"Publishing to {name}") as progress,
    ):
        done = porcelain.publish(
            repository,
            model,
            found,
            wanted,
            actor,
            there=there,
            dry_run=dry_run,
            allow_memory=allow_memory,
            progress=progress,
        )
    for note in _notes(done):
        invocation.note(note)
    invocation.emit("publish", done.to_json, lambda: _lines(done), ids=[_id(each) for each in done.versions])


def _id(each: PublishedVersion) -> str:
    return each.place.id if each.place is not None else ""


def _notes(done: Published) -> Iterator[str]:
    for each in done.versions:
        yield from (f"v{each.number}: {note}." for note in each.notes)
    for name in done.duplicates:
        yield f"Several versions there have one name, of which the lowest number with a whole marker counts: {name}."


def _lines(done: Published) -> Iterator[str]:
    yield f"To picsellia://{escape(done.organization)}, model {escape(done.there)}"
    for each in done.versions:
        yield f" {each.flag} v{each.number} {short(each.id)}  {_where(each, done=done.done)}"
    if any(each.flag != porcelain.THERE for each in done.versions):
        made = sum(each.flag != porcelain.THERE for each in done.versions)
        what = f", {size(done.sent)}" if done.done else ""
        yield f"{'Published' if done.done else 'Would publish'} {count(made, 'version')}{what}."
    else:
        yield "Nothing to do: all of it is there."


def _where(each: PublishedVersion, *, done: bool) -> str:
    state = {porcelain.NEW: "new", porcelain.RESUMED: "completed", porcelain.THERE: "there already"}[each.flag]
    if not done and each.flag == porcelain.RESUMED:
        state = "begun, to be completed"
    if each.place is None:
        return f"[{state}]  {each.name}"
    return f"[{state}]  Picsellia #{each.place.number}  {each.name}  {escape(each.page or '')}"
