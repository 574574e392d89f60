"""`mvc archive`: its options, arguments and output."""

from __future__ import annotations

import sys

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.porcelain import archive as porcelain
from mvc.porcelain.archive import Archive
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.policy import take
from mvc.storage.disk.exportdoor import is_stream


@verb("archive")
@click.argument("revision", metavar="REV")
@click.argument("names", nargs=-1, metavar="[ROLE|PATH]...")
@click.option(
    "-o", "--output", metavar="FILE", help="Write to FILE instead of standard output; its suffix is the format."
)
@click.option("--format", "format_", type=click.Choice([*porcelain.FORMATS, "tgz"]), help="The format (default: tar).")
@click.option("--prefix", default="", metavar="PREFIX/", help="Put PREFIX/ before each path.")
def command(
    invocation: Invocation, revision: str, names: tuple[str, ...], output: str | None, format_: str | None, prefix: str
) -> None:
    """Write a version's files to a zip or tar file.

    ROLE or PATH (also a folder or a quoted pattern) limits the files. Every file is verified, the archive appears only when
    it is complete, and equal versions give equal archives.
    """
    repository, model = invocation.repository(), Model(invocation.repository(), invocation.model())
    chosen = (format_ or porcelain.format_of(output or "")).replace("tgz", "tar.gz")
    is_stdout = output in (None, "-")
    if is_stdout and sys.stdout.isatty():
        raise click.UsageError(
            "an archive is not written to a terminal; name a file with -o FILE, or redirect the output"
        )
    made = porcelain.archive(
        Model(repository, revisions.model_of(model, revision)),
        take.resolve(model, revision),
        chosen,
        names,
        prefix=prefix,
    )
    if is_stdout:
        _write(made)
        return
    target = invocation.cwd / str(output)
    with invocation.progress("Archiving", made.size) as progress:
        done = porcelain.save(made, target, progress)
    if not is_stream(target):  # it may be stdout itself, which then has the archive's bytes alone
        line = f"Wrote {count(done.files, 'file')}, {size(done.bytes)}, to {escape(str(output))}"
        invocation.emit("archive", done, lambda: [line], ids=(done.version,))


def _write(made: Archive) -> None:
    sys.stdout.flush()
    for piece in made.pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
