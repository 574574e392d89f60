"""`mvc blame`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app import complete
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned, cell
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.verb import verb
from mvc.cli.history.numbers import Numbers
from mvc.porcelain.blame import Blame, blame
from mvc.repository import revisions
from mvc.repository.model import Model

_WIDTH = 60
"""Characters of a value."""


@verb("blame")
@click.argument("names", nargs=-1, metavar="[KEY|CLASS|ROLE|ROLE:TENSOR]...", shell_complete=complete.query_keys)
@click.option("--rev", "revision", default="HEAD", metavar="REV", help="Blame this version (default: HEAD).")
@click.option("--tensors", is_flag=True, help="For a role, show each of its tensors.")
def command(invocation: Invocation, names: tuple[str, ...], revision: str, tensors: bool) -> None:
    """Show which version last changed each value, class and file.

    Without a name, lists all of them. Names are keys or sections of model.toml (metrics.mAP50, parameters), classes,
    roles, paths, and tensors by a pattern (model-latest:'backbone.*'). A merge is shown only for what it changed itself.
    """
    if tensors and not names:
        raise click.UsageError("--tensors needs a role, as in `mvc blame model-latest --tensors`")
    model = Model(invocation.repository(), invocation.model())
    of = Model(model.repository, revisions.model_of(model, revision))
    blamed = blame(of, revisions.resolve(model, revision), names, tensors=tensors)
    ids = list(dict.fromkeys(item.id for item in blamed.items))
    invocation.emit("blame", blamed, lambda: _lines(model, blamed), ids=ids, page=True)


def _lines(model: Model, blamed: Blame) -> Iterator[str]:
    numbers = Numbers(model, {item.id for item in blamed.items})
    rows = [
        (
            short(item.id),
            numbers.of(item.id, item.version.number),
            date(item.version.time),
            escape(item.version.author.name),
            f"{escape(item.key)} = {_cut(cell(item.value))}",
        )
        for item in blamed.items
    ]
    return aligned(rows)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
