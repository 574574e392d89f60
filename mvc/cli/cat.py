"""`mvc cat`: its options, arguments and output."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size
from mvc.cli.app.verb import verb
from mvc.porcelain.cat import Content, cat, save
from mvc.repository.model import Model
from mvc.storage.disk.exportdoor import is_stream


@verb("cat")
@click.argument("text", metavar="REV:ROLE|REV:PATH")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE instead of standard output.")
def command(invocation: Invocation, text: str, output: str | None) -> None:
    """Print one file of a version.

    The file is named by role or path: v7:model-latest, prod:./weights/best.onnx, v7:model.toml. Its content is
    verified before it is printed.
    """
    write(invocation, text, output)


def write(invocation: Invocation, text: str, output: str | None = None) -> None:
    """Print a file, or write it to `output`, also for `mvc show REV:PATH`."""
    content = cat(Model(invocation.repository(), invocation.model()), text)
    if output is None or output == "-":
        _write(content)
        return
    target = invocation.cwd / output
    _save(invocation, content, target)
    if is_stream(target):  # it may be stdout itself, which then holds the file's bytes alone
        return
    document = {"path": content.path, "size": content.size, "file": content.file, "output": str(target)}
    invocation.emit("cat", document, lambda: [f"Wrote {escape(output)}, {size(content.size)}"])


def _write(content: Content) -> None:
    sys.stdout.flush()
    for piece in content.pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _save(invocation: Invocation, content: Content, target: Path) -> None:
    if target.is_dir():
        raise click.UsageError(f"{target} is a folder; name a file in it")
    if not target.parent.is_dir():
        raise click.UsageError(f"{target.parent} is not a folder")
    with invocation.progress("Writing", content.size) as progress:
        save(content, target, progress)
