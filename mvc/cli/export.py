"""`mvc export`: its options, arguments and output."""

from __future__ import annotations

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size
from mvc.cli.app.verb import verb
from mvc.cli.history import notes
from mvc.plural import count
from mvc.porcelain.export import export
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("export")
@click.argument("revision", metavar="REV")
@click.argument("directory", metavar="DIR")
def command(invocation: Invocation, revision: str, directory: str) -> None:
    """Export a version to a folder.

    Writes its files and model.toml to DIR, which must be empty or not exist. Every file is verified, and DIR appears
    only when it is complete.
    """
    repository, model = invocation.repository(), invocation.model()
    id_ = revisions.resolve(Model(repository, model), revision)
    of = Model(repository, revisions.model_of(Model(repository, model), revision))
    entries = repository.objects.tree(repository.objects.version(id_).tree).entries
    with invocation.progress("Exporting", sum(entry.size for entry in entries)) as progress:
        done = export(
            of,
            id_,
            invocation.cwd / directory,
            progress=progress,
        )
    notes.warn(invocation, of, id_)
    line = f"Exported {count(done.files, 'file')}, {size(done.bytes)}, and model.toml to {escape(directory)}"
    invocation.emit("export", done, lambda: [line], ids=(done.version,))
