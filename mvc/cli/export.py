"""`mvc export`."""

from __future__ import annotations

from pathlib import Path

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import count, escape, size
from mvc.porcelain.export import export
from mvc.repository import revisions


@verb("export")
@click.argument("revision", metavar="REV")
@click.argument("directory", type=click.Path(path_type=Path))
def command(invocation: Invocation, revision: str, directory: Path) -> None:
    """Write a version's files, and its model.toml, into a new folder, each verified."""
    repository, model = invocation.repository(), invocation.model()
    version = revisions.resolve(repository, model, revision)
    of = revisions.model_of(repository, model, revision)
    with invocation.progress("Writing files") as progress:
        done = export(repository, of, version, invocation.cwd / directory, progress=progress)
    invocation.emit(
        "export",
        done.to_json,
        lambda: [f"Wrote {count(done.files, 'file')}, {size(done.bytes)}, to {escape(str(directory))}"],
        ids=[done.version],
    )
