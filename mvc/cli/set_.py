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
@click.argument("assignments", nargs=-1, metavar="KEY=VALUE...")
@click.option("--type", "kind", type=click.Choice(KINDS), help="Type of the values (default: inferred from the key).")
@click.option("--first-class", type=click.IntRange(0, 1), help="Renumber the classes from this number instead.")
def command(invocation: Invocation, assignments: tuple[str, ...], kind: str | None, first_class: int | None) -> None:
    """Set values in model.toml.

    Comments are kept. Example: mvc set labelmap.0=helmet parameters.epochs=100 docker.tag=1.4

    A file in labelmap.path replaces the classes in model.toml, once it could be read. With --first-class, the classes
    of model.toml or of that file are written into model.toml under other numbers, each as far from the first as it was.
    """
    if bool(assignments) == (first_class is not None):
        raise click.UsageError("give either KEY=VALUE or --first-class")
    model = Model(invocation.writer(), invocation.model())
    if first_class is not None:
        done = edit.renumber(model, first_class)
    else:
        done = edit.set_values(model, assignments, kind=kind)
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
