"""`mvc ls`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.invocation import Invocation
from mvc.cli.table import aligned
from mvc.cli.terminal import escape, short, size
from mvc.cli.verb import verb
from mvc.porcelain.ls import Listed, ls
from mvc.repository import revisions


@verb("ls")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("-l", "--long", is_flag=True, help="Also mode, size, id, and where the bytes are.")
def command(invocation: Invocation, revision: str, long: bool) -> None:
    """The files of a version: role and path."""
    repository, model = invocation.repository(), invocation.model()
    id_ = revisions.resolve(repository, model, revision)
    found = ls(repository, revisions.model_of(repository, model, revision), id_, states=long)
    invocation.emit(
        "ls",
        found.to_json,
        lambda: _long(found) if long else _short(found),
        ids=[entry.file for entry in found.entries],
        page=True,
    )


def _short(found: Listed) -> Iterator[str]:
    return aligned([(escape(entry.role), escape(entry.path)) for entry in found.entries])


def _long(found: Listed) -> Iterator[str]:
    rows = [
        (
            "x" if entry.exec else "-",
            escape(entry.role),
            size(entry.size),
            short(entry.file),
            found.states[entry.path].value,
            escape(entry.path),
        )
        for entry in found.entries
    ]
    return aligned(rows, right=frozenset({2}))
