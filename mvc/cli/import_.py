"""`mvc import`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc import errors
from mvc.cli.app import transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import count, escape, short, size
from mvc.cli.app.verb import verb
from mvc.porcelain.import_ import CHANGED, KNOWN, LEFT_OUT, Imported, ImportedVersion, import_model
from mvc.registry import connection
from mvc.remotes.backends import kinds, options, registry_address

IN_PART = 3
"""The exit code when something was left out."""


@verb("import")
@click.argument("url")
@click.option("-o", "--option", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the registry.")
def command(invocation: Invocation, url: str, settings: tuple[str, ...]) -> int:
    """Bring versions from a registry: mvc import picsellia://ORGANIZATION/MODEL[@VERSION]

    What was published with mvc comes back as the version that it was; what somebody made there by hand becomes a child of the
    one made by hand before it. VERSION is a number there, or a name. A second import adds only what is new.
    """
    where = parse(url)
    invocation.require_network(where.text)
    repository = invocation.writer()
    given = transfers.given_settings(settings)
    options.check(kinds.PICSELLIA, given)
    with (
        connection.of_organization(repository, where.organization, given, invocation.environ) as registry,
        invocation.progress("Fetching files") as progress,
    ):
        done = import_model(
            repository,
            registry,
            where.model or "",
            invocation.actor(),
            version=where.version,
            model=invocation.model_key,
            progress=progress,
        )
    invocation.emit("import", done.to_json, lambda: lines(done), ids=[each.id or "" for each in done.versions])
    tell(invocation, done)
    return code(done)


def parse(url: str) -> registry_address.RegistryAddress:
    """The address of a model on a registry; raises BadRegistryUrl for one of an organization alone."""
    where = registry_address.parse(url)
    if where.model is None:
        raise errors.BadRegistryUrl(url=url, reason="it names no model")
    return where


def code(done: Imported) -> int:
    """The exit code."""
    return 0 if done.is_whole else IN_PART


def lines(done: Imported) -> Iterator[str]:
    """What was imported, for people."""
    yield f"From {escape(done.there)} of {escape(done.organization)}"
    new = [each for each in done.versions if each.how != KNOWN]
    yield from (f"  {line}" for line in aligned([_row(each) for each in new]))
    known = len(done.versions) - len(new)
    if known:
        yield f"  {count(known, 'version')} {'is' if known == 1 else 'are'} here already"
    for move in done.branches:
        yield f"{escape(move.branch)}: {short(move.old) if move.old else 'new'}..{short(move.new)}"
    if done.absent:
        yield f"Not here, since they are not on the registry as they were: {', '.join(map(short, done.absent))}"
    if done.received:
        yield f"{size(done.received)} fetched."
    if done.created:
        yield f"The model is {escape(done.model or '')} here."


def tell(invocation: Invocation, done: Imported) -> None:
    """Warn of what is not as one would think."""
    for each in done.versions:
        for note in each.notes:
            what = "left out" if each.how == LEFT_OUT else "warning"
            invocation.note(f"{what}: #{each.number} {each.name}: {note}")


def _row(each: ImportedVersion) -> tuple[str, ...]:
    how = "changed there; a child of what was published" if each.how == CHANGED else each.how
    return f"#{each.number}", escape(each.name), short(each.id) if each.id else "-", how
