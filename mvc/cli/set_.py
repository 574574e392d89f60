"""`mvc set`: its options, arguments and output."""

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
@click.option(
    "--first-class",
    type=click.IntRange(0, 1),
    metavar="N",
    help="Renumber the classes, so that the first is N (0 or 1).",
)
def command(invocation: Invocation, assignments: tuple[str, ...], kind: str | None, first_class: int | None) -> None:
    """Set values in model.toml.

    Comments are kept. Example: mvc set labelmap.0=helmet parameters.epochs=100 docker.tag=1.4

    If labelmap.path is set to a file, the classes in that file replace those in model.toml. With --first-class N, the
    classes of model.toml or of that file are written to model.toml under new numbers: the first is N, distances stay.

    Setting docker.image or docker.tag to another image removes its pinned docker.digest, unless you set that too.
    """
    if bool(assignments) == (first_class is not None):
        raise click.UsageError("expected KEY=VALUE or --first-class N, and not both")
    model = Model(invocation.writer(), invocation.model())
    if first_class is not None:
        done = edit.renumber(model, first_class)
    else:
        done = edit.set_values(model, assignments, kind=kind)
    warnings = edit.warnings(done)
    for warning in warnings:
        invocation.note(render.problem(warning))
    invocation.emit(
        "set",
        {"changes": done, "warnings": warnings},
        lambda: [_line(edited, typed=kind is not None) for edited in done],
    )


def _line(edited: Edited, *, typed: bool) -> str:
    """Return the change, with `(string)` after a text that looks like another type, unless --type was given."""
    line = render.value(Change(edited.key, edited.old, edited.new))
    if typed or not looks_typed(edited.key, edited.new) or line.endswith("(string)"):
        return line
    return f"{line} (string)"
