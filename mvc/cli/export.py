"""`mvc export`: its options, arguments and output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size
from mvc.cli.app.verb import verb
from mvc.cli.history import notes
from mvc.plural import count
from mvc.porcelain.export import export
from mvc.repository import revisions
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.porcelain import export_hub
else:
    export_hub = lazy.Module("mvc.porcelain.export_hub")


@verb("export")
@click.argument("arguments", nargs=-1, required=True, metavar="[REV] DIR")
@click.option("--hf", "form", flag_value="hf", help="Write the folder as a repository of the Hugging Face Hub.")
@click.option("--oci", "form", flag_value="oci", help="Write the folder as an OCI image layout (ModelPack).")
def command(invocation: Invocation, arguments: tuple[str, ...], form: str | None) -> None:
    """Export a version to a folder.

    Writes its files and model.toml to DIR, which must be empty or not exist. Every file is verified, and DIR appears
    only when it is complete. With --hf or --oci, REV is HEAD by default, and `mvc import DIR` gives the same version.
    """
    if len(arguments) > 2 or (len(arguments) < 2 and form is None):
        raise click.UsageError("name a REV and a DIR")
    revision, directory = ("HEAD", *arguments)[-2:]
    repository, model = invocation.repository(), invocation.model()
    id_ = revisions.resolve(Model(repository, model), revision)
    of = Model(repository, revisions.model_of(Model(repository, model), revision))
    entries = repository.objects.tree(repository.objects.version(id_).tree).entries
    with invocation.progress("Exporting", sum(entry.size for entry in entries)) as progress:
        target = invocation.cwd / directory
        if form is None:
            done = export(of, id_, target, progress=progress)
        else:
            done = export_hub.export_for_hub(of, id_, target, form, progress=progress)
    notes.warn(invocation, of, id_)
    more = "model.toml" if form is None else "the version's objects"
    line = f"Exported {count(done.files, 'file')}, {size(done.bytes)}, and {more} to {escape(directory)}"
    invocation.emit("export", done, lambda: [line], ids=(done.version,))
