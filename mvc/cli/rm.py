"""`mvc rm`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mvc.cli import restore
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import count, escape
from mvc.cli.app.verb import verb
from mvc.porcelain import edit

_SHOWN = 20


@verb("rm")
@click.argument("names", nargs=-1, required=True, metavar="ROLE|PATH...")
@click.option("--cached", is_flag=True, help="Keep the files, only stop tracking them.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("-f", "--force", is_flag=True, help="Delete files even if their bytes are nowhere else.")
def command(invocation: Invocation, names: tuple[str, ...], cached: bool, dry_run: bool, force: bool) -> None:
    """Stop tracking roles or paths, and delete their files from the working tree.

    Only files that the store can give back are deleted; which ones is said first. --cached keeps them.
    """
    repository = invocation.repository() if dry_run else invocation.writer()
    deleted: list[str] = []

    def tell(paths: Sequence[str]) -> None:
        deleted.extend(paths)
        for line in _announced(paths, dry_run=dry_run, force=force):
            invocation.note(line)

    below = restore.below(invocation, repository.root / repository.head(invocation.model()).folder)
    done = edit.remove(
        repository, invocation.model(), names, cached=cached, force=force, dry_run=dry_run, below=below, on_delete=tell
    )
    invocation.emit(
        "rm",
        lambda: {
            "removed": [{"role": each.key, "path": each.old} for each in done],
            "cached": cached,
            "deleted": deleted,
            "dry_run": dry_run,
        },
        lambda: [_line(each, dry_run=dry_run) for each in done],
    )


def _announced(paths: Sequence[str], *, dry_run: bool, force: bool) -> list[str]:
    """What is said before files are deleted: which, and how to keep them or get them back."""
    if not paths:
        return []
    back = "" if force else f"; `mvc restore {escape(paths[0])}` brings it back"
    verb_ = "Would delete" if dry_run else "Deleting"
    lines = [f"{verb_} {count(len(paths), 'file')} (--cached keeps the file{'s' if len(paths) > 1 else ''}{back}):"]
    lines += [f"  {escape(path)}" for path in paths[:_SHOWN]]
    return lines if len(paths) <= _SHOWN else [*lines, f"  and {len(paths) - _SHOWN} more"]


def _line(edited: edit.Edited, *, dry_run: bool) -> str:
    if dry_run:
        return f"Would stop tracking {escape(edited.key)} ({escape(edited.old)})"
    return f"{escape(edited.key)} ({escape(edited.old)}) is tracked no more"
