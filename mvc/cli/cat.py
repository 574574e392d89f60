"""`mvc cat`."""

from __future__ import annotations

import sys

import click

from mvc.cli.invocation import Invocation, verb
from mvc.porcelain.cat import cat, save


@verb("cat")
@click.argument("name", metavar="REV:ROLE|PATH")
@click.option("-o", "--output", metavar="FILE", type=click.Path(), help="Write to FILE, which must not exist yet.")
def command(invocation: Invocation, name: str, output: str | None) -> None:
    """The bytes of one file of a version, each checked before it is written: mvc cat v7:model-latest"""
    content = cat(invocation.repository(), invocation.model(), name)
    if output is not None:
        save(content, invocation.cwd / output)
        return
    for piece in content.pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
