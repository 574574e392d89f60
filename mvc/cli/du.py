"""`mvc du`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import count, escape, short, size
from mvc.cli.app.verb import verb
from mvc.porcelain.du import Usage, Usages, du
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("du")
@click.argument("texts", nargs=-1, metavar="[REV]...")
def command(invocation: Invocation, texts: tuple[str, ...]) -> None:
    """What versions take: their files, what the store keeps for that version alone, and what it shares with others.

    Without REV, all versions; at the end the whole repository, of all models.
    """
    repository, model = invocation.repository(), invocation.model()
    ids = list(dict.fromkeys(revisions.resolve(Model(repository, model), text) for text in texts))
    found = du(repository, model, ids)
    invocation.emit("du", found.to_json, lambda: _lines(found), page=True)


def _lines(found: Usages) -> Iterator[str]:
    head = ("", "", "total", "unique", "shared", "")
    yield from aligned([head, *map(_row, found.versions)], right=frozenset({2, 3, 4}))
    yield ""
    saved = f", {found.checked_out / found.store:.1f} times what it takes" if found.store else ""
    versions = count(found.count, "version")
    yield f"store  {size(found.store)} on disk for {versions} of {size(found.checked_out)}{saved}"
    parts = [f"{what} {size(spared)}" for what, spared in found.saved.items() if spared > 0]
    if parts:
        yield f"saved by  {', '.join(parts)}"


def _row(usage: Usage) -> tuple[str, ...]:
    absent = f"  ({count(usage.absent, 'file')} not here)" if usage.absent else ""
    sizes = (size(usage.total), size(usage.unique), size(usage.shared))
    return (f"v{usage.version.number}", short(usage.id), *sizes, escape(usage.version.subject) + absent)
