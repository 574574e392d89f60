"""`mvc cat`."""

from __future__ import annotations

import os
import sys

import click

from mvc.cli.invocation import Invocation, verb
from mvc.porcelain.cat import cat


@verb("cat")
@click.argument("name", metavar="REV:ROLE|PATH")
@click.option("-o", "--output", metavar="FILE", type=click.Path(), help="Write to FILE, which must not exist yet.")
def command(invocation: Invocation, name: str, output: str | None) -> None:
    """The bytes of one file of a version, each checked before it is written: mvc cat v7:model-latest"""
    blocks = cat(invocation.repository(), invocation.model(), name)
    if output is None:
        for block in blocks:
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        return
    path = os.path.join(invocation.cwd, output)
    with open(path, "xb") as file:
        try:
            for block in blocks:
                file.write(block)
        except BaseException:
            os.unlink(path)
            raise
