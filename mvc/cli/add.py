"""`mvc add`."""

from __future__ import annotations

import click

from mvc.cli.invocation import Invocation
from mvc.cli.terminal import escape
from mvc.cli.verb import verb
from mvc.porcelain import edit


@verb("add")
@click.argument("paths", nargs=-1, required=True)
@click.option("--as", "role", metavar="ROLE", help="The role; otherwise the file's stem, or the folder's name.")
def command(invocation: Invocation, paths: tuple[str, ...], role: str | None) -> None:
    """Track files, or all files of a folder: write them into [files] of model.toml.

    No byte is copied: `mvc commit` takes every tracked file as it stands.
    """
    done = edit.add(invocation.writer(), invocation.model(), [invocation.cwd / path for path in paths], role=role)
    invocation.emit(
        "add",
        lambda: {"added": [{"role": each.key, "path": each.new} for each in done]},
        lambda: [f"{escape(each.key)} = {escape(each.new)}" for each in done] or ["All of it is tracked already."],
    )
