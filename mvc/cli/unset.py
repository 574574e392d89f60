"""`mvc unset`: its options, arguments and output."""

from __future__ import annotations

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.model.compare.diff import Change
from mvc.porcelain import edit
from mvc.repository.model import Model


@verb("unset")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
def command(invocation: Invocation, keys: tuple[str, ...]) -> None:
    """Remove values from model.toml."""
    done = edit.unset(Model(invocation.writer(), invocation.model()), keys)
    for warning in edit.warnings(done):
        invocation.note(render.problem(warning))
    invocation.emit(
        "unset",
        {"changes": done},
        lambda: [render.value(Change(edited.key, edited.old, edited.new)) for edited in done],
    )
