"""Output of verbs that write one document: to standard output as it is, or to a file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size
from mvc.porcelain.bom import Bom, save
from mvc.porcelain.card import Card
from mvc.storage.disk.exportdoor import is_stream


def target(invocation: Invocation, output: str | None) -> Path | None:
    """Return the file to write; None for standard output. Raises UsageError for a folder."""
    if output in (None, "-"):
        return None
    path = invocation.cwd / str(output)
    if path.is_dir() or not path.parent.is_dir():
        raise click.UsageError(f"{path} is not a file in a folder that exists")
    return path


def write(invocation: Invocation, command: str, document: Bom | Card, text: str, output: str | None) -> None:
    """Write the text of a document; to standard output as JSON with --json, and as the version's id with -q."""
    path = target(invocation, output)
    if path is not None:
        save(text, path)
        if not is_stream(path):  # it may be stdout itself, which then has the document alone
            line = f"Wrote {escape(str(output))}, {size(len(text.encode()))}"
            invocation.emit(command, document, lambda: [line], ids=[document.id])
    elif invocation.json or invocation.quiet:
        invocation.emit(command, document, list, ids=[document.id])
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
