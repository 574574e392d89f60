"""`mvc rm`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mvc.cli import restore
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.porcelain import edit
from mvc.repository.model import Model

_SHOWN = 20


@verb("rm")
@click.argument("names", nargs=-1, required=True, metavar="ROLE|PATH...")
@click.option("--cached", is_flag=True, help="Only stop tracking; keep the files.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be removed.")
@click.option("-f", "--force", is_flag=True, help="Delete files even if the store has no copy.")
@click.option("--discard", is_flag=True, help="Do not keep local changes for `mvc undo`.")
def command(
    invocation: Invocation, names: tuple[str, ...], cached: bool, dry_run: bool, force: bool, discard: bool
) -> None:
    """Stop tracking files, and delete them.

    The files are listed first, and deleted only if the store can restore them. --cached keeps them.
    """
    repository = invocation.repository() if dry_run else invocation.writer()
    deleted: list[str] = []

    def announce(paths: Sequence[str]) -> None:
        deleted.extend(paths)
        for line in _announced(paths, dry_run=dry_run, force=force):
            invocation.note(line)

    below = restore.below(invocation, repository.root / repository.head(invocation.model()).folder)
    done = edit.remove(
        Model(repository, invocation.model()),
        names,
        cached=cached,
        force=force,
        discard=discard,
        dry_run=dry_run,
        below=below,
        on_delete=announce,
    )
    invocation.emit(
        "rm",
        {
            "removed": [{"role": edited.key, "path": edited.old} for edited in done],
            "cached": cached,
            "deleted": deleted,
            "dry_run": dry_run,
        },
        lambda: [_line(edited, dry_run=dry_run) for edited in done],
    )


def _announced(paths: Sequence[str], *, dry_run: bool, force: bool) -> list[str]:
    """Return the announcement of a deletion: the files, and how to keep or restore them."""
    if not paths:
        return []
    back = "" if force else f"; restore with `mvc restore {escape(paths[0])}`"
    verb_ = "Would delete" if dry_run else "Deleting"
    lines = [f"{verb_} {count(len(paths), 'file')} (keep with --cached{back}):"]
    lines += [f"  {escape(path)}" for path in paths[:_SHOWN]]
    return lines if len(paths) <= _SHOWN else [*lines, f"  and {len(paths) - _SHOWN} more"]


def _line(edited: edit.Edited, *, dry_run: bool) -> str:
    if dry_run:
        return f"Would stop tracking {escape(edited.old)} ({escape(edited.key)})"
    return f"Stopped tracking {escape(edited.old)} ({escape(edited.key)})"
