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


@verb("set")
@click.argument("assignments", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--type", "kind", type=click.Choice(KINDS), help="The value's type, instead of what the key says.")
def command(invocation: Invocation, assignments: tuple[str, ...], kind: str | None) -> None:
    """Set values in model.toml, comments kept: labelmap.0=helmet parameters.epochs=100 docker.tag=1.4"""
    done = edit.set_values(invocation.writer(), invocation.model(), assignments, kind=kind)
    invocation.emit(
        "set",
        lambda: {"changes": [each.to_json() for each in done]},
        lambda: [_line(each, typed=kind is not None) for each in done],
    )


def _line(edited: Edited, *, typed: bool) -> str:
    """The change; with the type of a text that could have been meant as something else, unless the person said it."""
    line = render.value(Change(edited.key, edited.old, edited.new))
    if typed or not looks_typed(edited.key, edited.new) or line.endswith("(string)"):
        return line
    return f"{line} (string)"
