"""`mvc ls`."""

from __future__ import annotations

import click

from mvc.cli.invocation import Invocation, verb
from mvc.cli.terminal import escape, short, size
from mvc.porcelain.ls import ls
from mvc.repository import revisions


@verb("ls")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("-l", "--long", is_flag=True, help="With roles, sizes and ids.")
def command(invocation: Invocation, revision: str, long: bool) -> None:
    """The files of a version."""
    repository, model = invocation.repository(), invocation.model()
    id_ = revisions.resolve(repository, model, revision)
    found = ls(repository, model, id_, states=invocation.json)
    entries = found.entries
    invocation.emit(
        "ls",
        found.to_json,
        lambda: (
            f"{'x' if entry.exec else '-'}  {short(entry.file)}  {size(entry.size):>10}  {escape(entry.role)}  {escape(entry.path)}"
            if long
            else escape(entry.path)
            for entry in entries
        ),
        ids=[entry.file for entry in entries],
        page=True,
    )
