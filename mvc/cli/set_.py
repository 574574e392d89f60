"""`mvc set`."""

from __future__ import annotations

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.model.compare.diff import Change
from mvc.model.toml.keys import KINDS, looks_typed
from mvc.porcelain import edit
from mvc.porcelain.edit import Edited
from mvc.repository.model import Model


@verb("set")
@click.argument("assignments", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--type", "kind", type=click.Choice(KINDS), help="Type of the values (default: inferred from the key).")
def command(invocation: Invocation, assignments: tuple[str, ...], kind: str | None) -> None:
    """Set values in model.toml.

    Comments are kept. Example: mvc set labelmap.0=helmet parameters.epochs=100 docker.tag=1.4
    """
    done = edit.set_values(Model(invocation.writer(), invocation.model()), assignments, kind=kind)
    invocation.emit(
        "set",
        {"changes": done},
        lambda: [_line(edited, typed=kind is not None) for edited in done],
    )


def _line(edited: Edited, *, typed: bool) -> str:
    """Return the change, with `(string)` after a text that looks like another type, unless --type was given."""
    line = render.value(Change(edited.key, edited.old, edited.new))
    if typed or not looks_typed(edited.key, edited.new) or line.endswith("(string)"):
        return line
    return f"{line} (string)"
