"""`mvc changelog`: its options, arguments and output."""

from __future__ import annotations

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.cli.review import document
from mvc.porcelain.changelog import changelog
from mvc.repository.model import Model


@verb("changelog")
@click.argument("revisions", metavar="A..B | A")
@click.option("--tensors", is_flag=True, help="Also compare the tensors of modified files.")
def command(invocation: Invocation, revisions: str, tensors: bool) -> None:
    """Write the release notes of a range of versions.

    Example: mvc changelog 2026.1..2026.2 > notes.md

    Prints Markdown: what breaks consumers first, then classes, metrics, values and files, and the versions with their
    authors, tags and aliases. A alone compares with HEAD; A...B with the merge base of both. The page has at most 65,000
    characters.
    """
    model = Model(invocation.repository(), invocation.model())
    result = changelog(model, revisions, tensors="headers" if tensors else None)
    ids = [entry.id for entry in result.versions]
    invocation.emit("changelog", result, lambda: document.changelog(result), ids=ids, page=True, wrap=False)
