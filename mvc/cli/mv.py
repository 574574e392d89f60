"""`mvc mv`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli import restore
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.porcelain.mv import Renamed, mv
from mvc.repository.model import Model


@verb("mv")
@click.argument("sources", nargs=-1, required=True, type=click.Path(), metavar="OLD...")
@click.argument("target", type=click.Path(), metavar="NEW")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be moved.")
def command(invocation: Invocation, sources: tuple[str, ...], target: str, dry_run: bool) -> None:
    """Move or rename tracked files or folders.

    Renames each OLD to NEW, or moves it into the folder NEW, and changes its path in model.toml, also in patterns that begin
    with a moved folder. Nothing is overwritten.
    """
    repository = invocation.repository() if dry_run else invocation.writer()
    model = Model(repository, invocation.model())
    below = restore.below(invocation, repository.root / model.folder)
    done = mv(model, sources, target, below=below, dry_run=dry_run)
    invocation.emit("mv", done, lambda: _lines(done), ids=[new for _, new in done.moves])


def _lines(done: Renamed) -> Iterator[str]:
    word = "Would move" if done.dry_run else "Moved"
    for old, new in done.moves:
        files = [file for file in done.files if f"{file.old}/".startswith(f"{old}/")]
        shown = files[0].role if [file.old for file in files] == [old] else count(len(files), "tracked file")
        yield f"{word} {escape(old)} -> {escape(new)} ({escape(shown)})"
